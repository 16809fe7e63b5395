// The description of a bundle, espalier.json, beside tensors that fit it.

#include "formats/atomic_file.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"
#include "tests/model/small_models.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

namespace fs = std::filesystem;

struct Bundle {
  Bundle() {
    save_bundle(model_of_every_form(), folder.path() / "b");
    description = read_file(path() / "espalier.json");
  }
  fs::path path() const { return folder.path() / "b"; }

  TempDir folder;
  std::string description;
};

const Bundle& bundle() {
  static const Bundle bundle;
  return bundle;
}

void read(const std::string& bytes) {
  write_plainly(bundle().path() / "espalier.json", bytes);
  const Model model = open_model(bundle().path());
  for (const std::string& slot : model.weights.slots()) static_cast<void>(materialize(model.weight(slot)));
}

}  // namespace

FuzzTarget bundle_target() {
  return {"bundle",
          [] { return std::vector<std::string>{bundle().description}; },
          mutated_json,
          read,
          bundle().path().string(),
          300};
}

}  // namespace espalier::test
