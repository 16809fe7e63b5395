#include "model/families/generation_config.h"

#include "base/json.h"
#include "model/families/config_reader.h"

namespace espalier {
namespace {

// Members of the first object that has them.
class Either {
 public:
  Either(const Json& config, const Json& generation, const std::string& where)
      : config_(config, where), generation_(generation, where) {}

  const ConfigReader& with(const char* key) const { return generation_.has(key) ? generation_ : config_; }
  int64_t id(const char* key) const { return with(key).size_or(key, -1, -1, kMaxSize); }
  int64_t size(const char* key, int64_t fallback, int64_t least) const {
    return with(key).size_or(key, fallback, least, kMaxSize);
  }
  double real(const char* key, double fallback, double least, double most) const {
    return with(key).real_or(key, fallback, least, most);
  }

 private:
  ConfigReader config_, generation_;
};

const Json* member(const Json& config, const Json& generation, const char* key) {
  for (const Json* object : {&generation, &config}) {
    if (object->is_object() && object->contains(key) && !(*object)[key].is_null()) return &(*object)[key];
  }
  return nullptr;
}

template <typename T>
T as(const Json& value, const char* key, const std::string& where) {
  return json_get<T>(Json{{key, value}}, key, where);
}

}  // namespace

GenerationSpec read_generation(const Json& config, const Json& generation, const std::string& where) {
  const Either either(config, generation, where);
  GenerationSpec spec;
  spec.bos = either.id("bos_token_id");
  spec.pad = either.id("pad_token_id");
  spec.decoder_start = either.id("decoder_start_token_id");
  if (spec.decoder_start < 0) spec.decoder_start = spec.bos;
  spec.forced_bos = either.id("forced_bos_token_id");
  if (const Json* eos = member(config, generation, "eos_token_id")) {
    spec.eos = eos->is_array() ? as<std::vector<int64_t>>(*eos, "eos_token_id", where)
                               : std::vector<int64_t>{as<int64_t>(*eos, "eos_token_id", where)};
  }
  if (const Json* forced = member(config, generation, "forced_eos_token_id")) {
    spec.forced_eos = forced->is_array() ? as<std::vector<int64_t>>(*forced, "forced_eos_token_id", where).at(0)
                                         : as<int64_t>(*forced, "forced_eos_token_id", where);
  }
  spec.max_length = either.size("max_length", spec.max_length, 1);
  spec.min_length = either.size("min_length", 0, 0);
  spec.beams = either.size("num_beams", 1, 1);
  spec.length_penalty = either.real("length_penalty", 1, -100, 100);
  if (const Json* early = member(config, generation, "early_stopping")) {
    spec.early_stopping = early->is_boolean() ? (early->get<bool>() ? "true" : "false") : "never";
  }
  spec.no_repeat_ngram = either.size("no_repeat_ngram_size", 0, 0);
  spec.repetition_penalty = either.real("repetition_penalty", 1, 1e-6, 1e6);
  if (const Json* words = member(config, generation, "bad_words_ids")) {
    spec.bad_words = as<std::vector<std::vector<int64_t>>>(*words, "bad_words_ids", where);
  }
  return spec;
}

}  // namespace espalier
