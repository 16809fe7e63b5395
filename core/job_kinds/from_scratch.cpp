#include "job_kinds/from_scratch.h"

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "data/lab.h"
#include "job_kinds/resources.h"
#include "model/folders.h"
#include "text/learn_tokenizer.h"
#include "train/fine_tune.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr const char* kArchitecture = "architecture";
constexpr const char* kTokenizer = "tokenizer";
constexpr int64_t kMostLayers = 1000;

// --- The architecture -----------------------------------------------------------------------------------------------

fs::path architecture_file(const std::string& name_or_path) {
  const fs::path folder = resource_folder() / "architectures";
  const fs::path shipped = folder / (name_or_path + ".json");
  if (fs::exists(name_or_path)) return name_or_path;
  if (fs::path(name_or_path).filename() == name_or_path && fs::exists(shipped)) return shipped;
  std::string known;
  std::error_code ignored;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) names.insert(entry.path().stem().string());
  for (const std::string& name : names) known += ", " + name;
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such architecture",
                                        .where = kArchitecture,
                                        .got = name_or_path,
                                        .wanted = "a JSON file" + known,
                                        .next = {}});
}

Json architecture_json(const Json& settings) {
  Json value = json_get<Json>(settings, kArchitecture, "training settings");
  if (value.is_string()) value = read_json_file(architecture_file(value.get<std::string>()));
  if (value.is_object()) return value;
  throw Error(ErrorKind::InvalidInput, {.what = "an architecture is a JSON object",
                                        .where = kArchitecture,
                                        .got = value.type_name(),
                                        .wanted = "an object",
                                        .next = {}});
}

// --- The tokenizer --------------------------------------------------------------------------------------------------

LearnTokenizerOptions learn_options(const Json& json, const Task& task) {
  LearnTokenizerOptions options;
  for (const auto& [key, value] : json.items()) {
    if (std::set<std::string>{"kind", "size", "min_count", "lower_case"}.contains(key)) continue;
    throw Error(ErrorKind::InvalidInput, {.what = "unknown member \"" + key + "\"",
                                          .where = kTokenizer,
                                          .got = value.dump(),
                                          .wanted = "kind, size, min_count, lower_case",
                                          .next = {}});
  }
  options.kind = vocabulary_kind_from(json_get_or<std::string>(json, "kind", "bpe", kTokenizer));
  options.size = json_get_or(json, "size", options.size, kTokenizer);
  options.min_count = json_get_or(json, "min_count", options.min_count, kTokenizer);
  options.lower_case = json_get_or(json, "lower_case", options.lower_case, kTokenizer);
  const bool running_text = task.kind == TaskKind::LanguageModelling;
  options.prefix_space = !running_text;
  options.begin_token = !running_text && task.kind != TaskKind::Translation;
  return options;
}

std::vector<TokenizerFile> learnt_tokenizer(const Json& json, const Task& task, const std::string& train_split,
                                            JobContext& context) {
  TokenizerLearner learner(learn_options(json, task));
  context.progress.set_stage("learning the vocabulary");
  const Dataset dataset = task.load(train_split, context.cancel);
  for (const Example& example : dataset.examples) {
    context.cancel.throw_if_cancelled();
    learner.add(example.text);
    if (task.kind == TaskKind::LanguageModelling) learner.add("\n");
    if (example.has_pair) learner.add(example.pair);
  }
  return learner.learn(context.cancel);
}

std::vector<TokenizerFile> tokenizer_files_of(const Json& settings, const Task& task, const std::string& train_split,
                                              JobContext& context) {
  const Json value = json_get<Json>(settings, kTokenizer, "training settings");
  if (value.is_object()) return learnt_tokenizer(value, task, train_split, context);
  const auto name = json_get<std::string>(settings, kTokenizer, "training settings");
  return name == "lab" ? lab_tokenizer_files() : read_tokenizer_files(name);
}

// --- Both together --------------------------------------------------------------------------------------------------

// An object inside another, or null.
Json* member_object(Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_object()) return nullptr;
  return &json[key];
}

// A size that the file leaves open: absent or 0.
bool is_open(const Json& object, const char* key) { return !object.contains(key) || object[key] == 0; }

// Writes layers out that are said once, with a member "repeat".
void repeat_layers(Json& stack) {
  if (!stack.is_object() || !stack.contains("layers") || !stack["layers"].is_array()) return;
  Json layers = Json::array();
  for (Json layer : stack["layers"]) {
    int64_t times = 1;
    if (layer.is_object() && layer.contains("repeat")) {
      times = json_get<int64_t>(layer, "repeat", "architecture, layers");
      layer.erase("repeat");
      if (times < 1 || times > kMostLayers) {
        throw Error(ErrorKind::InvalidInput, {.what = "a layer cannot be repeated so often",
                                              .where = "architecture, layers, repeat",
                                              .got = std::to_string(times),
                                              .wanted = "1 to " + std::to_string(kMostLayers),
                                              .next = {}});
      }
    }
    for (int64_t i = 0; i < times; ++i) layers.push_back(layer);
  }
  stack["layers"] = std::move(layers);
}

// Sets the size of a vocabulary that the file leaves open, and checks one that it states.
void fit_embedding(Json* embedding, const char* where, const Tokenizer& tokenizer) {
  if (embedding == nullptr) return;
  Json& spec = *embedding;
  if (is_open(spec, "vocab_size")) spec["vocab_size"] = tokenizer.vocab_size();
  if (!spec.contains("type_vocab_size")) spec["type_vocab_size"] = 0;
  if (!spec.contains("pad_token_id")) spec["pad_token_id"] = tokenizer.pad_id();
  if (!spec["vocab_size"].is_number_integer() || spec["vocab_size"] >= tokenizer.vocab_size()) return;
  throw Error(ErrorKind::InvalidInput, {.what = "the vocabulary is larger than the architecture's embedding",
                                        .where = where,
                                        .got = spec["vocab_size"].dump(),
                                        .wanted = "at least " + std::to_string(tokenizer.vocab_size()),
                                        .next = "Leave vocab_size out: it is the tokenizer's then."});
}

// What a hand-written file may leave out.
void add_defaults(Json& description) {
  const Architecture usual;
  const Json defaults = {{"family", "custom"},
                         {"norm_epsilon", usual.norm_epsilon},
                         {"hidden_dropout", usual.hidden_dropout},
                         {"attention_dropout", usual.attention_dropout},
                         {"has_pooler", usual.has_pooler},
                         {"head", {{"kind", "none"}}}};
  for (const auto& [key, value] : defaults.items()) {
    if (!description.contains(key)) description[key] = value;
  }
}

// A head that writes words has as many outputs as there are words, one that tells labels as the task has.
void fit_head(Json& description, const Json* written, const Task& task) {
  Json* head = member_object(description, "head");
  if (head == nullptr) return;
  if (!head->contains("labels")) (*head)["labels"] = Json::array();
  if (!is_open(*head, "num_labels")) return;
  const Json kind = head->value("kind", Json());
  if (kind == "language_model" || kind == "masked_lm") {
    if (written != nullptr) (*head)["num_labels"] = (*written)["vocab_size"];
  } else if (kind == "classification" || kind == "token_classification") {
    (*head)["num_labels"] = std::max<size_t>(2, task.labels.size());
  } else {
    (*head)["num_labels"] = kind == "question_answering" ? 2 : kind == "regression" ? 1 : 0;
  }
}

void share_words(Model& model) {
  if (!model.architecture.has_decoder()) return;
  const std::string source = "embeddings.word.weight", target = "decoder_embeddings.word.weight";
  if (shape_of(model.weight(source)) != shape_of(model.weight(target))) return;
  const bool tied_head = model.weights.contains("head.out.weight") &&
                         model.weights.handle("head.out.weight") == model.weights.handle(target);
  model.weights.share(target, source);
  if (tied_head) model.weights.share("head.out.weight", source);
}

}  // namespace

Model model_from_scratch(const Json& settings, const Task& task, const std::string& train_split, uint64_t seed,
                         JobContext& context) {
  Json description = architecture_json(settings);
  std::vector<TokenizerFile> files = tokenizer_files_of(settings, task, train_split, context);
  const auto tokenizer = load_tokenizer(files, kTokenizer);
  add_defaults(description);
  Json* decoder = member_object(description, "decoder");
  Json* read = member_object(description, "embedding");
  Json* written = decoder == nullptr ? read : member_object(*decoder, "embedding");
  repeat_layers(description);
  if (decoder != nullptr) repeat_layers(*decoder);
  fit_embedding(read, "architecture, embedding, vocab_size", *tokenizer);
  if (written != read) fit_embedding(written, "architecture, decoder, embedding, vocab_size", *tokenizer);
  fit_head(description, written, task);
  const Architecture architecture = architecture_from_json(description, kArchitecture);
  Model model = fresh_model(architecture, seed);
  model.tokenizer_files = std::move(files);
  share_words(model);
  return model;
}

}  // namespace espalier
