#include "tests/fuzz/target.h"

#include <fstream>
#include <stdexcept>

#include "base/error.h"
#include "base/unicode.h"

namespace espalier::test {

const std::vector<FuzzTarget>& fuzz_targets() {
  static const std::vector<FuzzTarget> targets = {bundle_target(),      config_target(), recipe_target(),
                                                  safetensors_target(), tables_target(), tokenizer_target(),
                                                  torch_target()};
  return targets;
}

bool is_refused(const FuzzTarget& target, const std::string& bytes) {
  try {
    target.read(bytes);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (error.kind() == ErrorKind::Internal) throw std::logic_error("an internal error: " + message);
    if (message.find(target.place) == std::string::npos) throw std::logic_error("no place is named: " + message);
    if (!is_utf8(message)) throw std::logic_error("a message that is no UTF-8");
    return true;
  }
  return false;
}

void write_plainly(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace espalier::test
