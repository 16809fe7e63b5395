#include "job_kinds/step_hash.h"

#include "base/version.h"
#include "compress/method.h"
#include "workspace/workspace.h"

namespace espalier {

std::string baseline_hash(const Model& model, const std::string& data, int64_t max_length) {
  Json all = {{"architecture", to_json(model.architecture)}, {"data", data}, {"max_length", max_length}};
  for (const std::string& slot : model.weights.slots()) {
    // Which slots share is part of the model; their values are hashed once.
    const std::string first = model.weights.slots_of(model.weights.handle(slot)).front();
    if (first != slot) {
      all["weights"][slot] = first;
      continue;
    }
    const Tensor values = materialize(model.weight(slot));
    all["weights"][slot] = sha256({reinterpret_cast<const char*>(values.bytes().data()), values.bytes().size()});
  }
  for (const TokenizerFile& file : model.tokenizer_files) all["tokenizer"][file.name] = sha256(*file.bytes);
  all["code"] = kCodeVersion;
  return sha256(all.dump());
}

std::string step_hash(const std::string& parent, const Step& step, const std::string& data, int64_t max_length,
                      uint64_t seed, const std::string& device) {
  const Json all = {{"parent", parent},
                    {"method", step.method},
                    {"settings", step.settings},
                    {"scope", to_json(step.scope)},
                    {"data", data},
                    {"max_length", max_length},
                    {"seed", seed},
                    {"device", device},
                    {"code", kCodeVersion}};
  return sha256(all.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Step with_defaults(const Step& step) {
  Step whole = step;
  whole.settings = Settings(method(step.method).settings(), step.settings).json();
  return whole;
}

}  // namespace espalier
