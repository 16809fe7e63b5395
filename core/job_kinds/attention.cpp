// Attention of one sentence, and averages of what heads attend to over a data set.
#include "introspect/attention_measures.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/batching.h"
#include "data/sequences.h"
#include "engine/engine.h"
#include "formats/safetensors.h"
#include "introspect/introspect.h"
#include "job_kinds/inputs.h"
#include "job_kinds/look_kinds.h"
#include "job_kinds/sentence.h"
#include "measure/logits.h"

namespace espalier {
namespace {

constexpr int64_t kBatch = 16;  // attention of a batch is kept whole

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// {"entropy": [[of a layer's heads]], ...}.
Json measures_json(const std::vector<Tensor>& layers, const Encoding& queries, const Encoding& keys, bool cross) {
  Json json = Json::object();
  for (const AttentionMeasure measure : kAttentionMeasures) json[std::string(to_string(measure))] = Json::array();
  for (const Tensor& layer : layers) {
    const std::vector<HeadMeasures> heads = attention_measures(layer, queries.special, keys.special, cross);
    for (size_t i = 0; i < kAttentionMeasures.size(); ++i) {
      Json row = Json::array();
      for (const HeadMeasures& head : heads) row.push_back(number_or_null(head[i]));
      json[std::string(to_string(kAttentionMeasures[i]))].push_back(row);
    }
  }
  return json;
}

// What the decoder reads: the start token and then the target, of the settings or as the model writes it.
Encoding decoder_input(const Json& settings, const Model& model, const Tokenizer& tokenizer, const Encoding& source,
                       const CancelToken& cancel) {
  const GenerationSpec spec = model.architecture.generation.value_or(GenerationSpec{});
  const auto text = json_get_or(settings, "target", std::string(), kSettingsOf);
  std::vector<TokenId> ids;
  if (text.empty()) {
    ids = Engine(model).generate(pack({source}), spec, cancel).front();
  } else {
    const EncodeOptions options{.max_length = model.architecture.decoder_embedding->max_positions, .target = true};
    ids = tokenizer.encode(text, options).ids;
    ids.insert(ids.begin(), static_cast<TokenId>(std::max<int64_t>(spec.decoder_start, 0)));
    ids.pop_back();  // the last one is predicted, not read
  }
  Encoding encoding;
  encoding.ids = ids;
  encoding.type_ids.assign(ids.size(), 0);
  encoding.offsets.assign(ids.size(), {0, 0});
  for (const TokenId id : ids) encoding.special.push_back(tokenizer.is_special(id));
  encoding.special.front() = true;  // the start token
  return encoding;
}

const std::vector<Tensor>& stack_of(const AttentionCapture& capture, const std::string& name) {
  if (name == "encoder") return capture.layers;
  if (name == "decoder") return capture.decoder_layers;
  if (name == "cross") return capture.cross_layers;
  throw Error(ErrorKind::InvalidInput, {.what = "no attention has this name",
                                        .where = std::string(kSettingsOf),
                                        .got = name,
                                        .wanted = "encoder, decoder or cross",
                                        .next = {}});
}

// One head as [[query's row]].
Json matrix_json(const std::vector<Tensor>& layers, const std::string& stack, int64_t layer, int64_t head) {
  const auto refuse = [&](const char* what, int64_t got, int64_t count) {
    throw Error(ErrorKind::InvalidInput,
                {.what = what,
                 .where = "attention of the " + stack,
                 .got = std::to_string(got),
                 .wanted = count == 0 ? "a model that has such a stack" : "0 to " + std::to_string(count - 1),
                 .next = {}});
  };
  const auto num_layers = static_cast<int64_t>(layers.size());
  if (layer < 0 || layer >= num_layers) refuse("there is no such layer", layer, num_layers);
  const Tensor& all = layers[static_cast<size_t>(layer)];
  if (head < 0 || head >= all.size(0)) refuse("the layer has no such head", head, all.size(0));
  const auto n = static_cast<size_t>(all.size(1)), m = static_cast<size_t>(all.size(2));
  const auto values = all.values<float>().subspan(static_cast<size_t>(head) * n * m, n * m);
  Json rows = Json::array();
  for (size_t i = 0; i < n; ++i) rows.push_back(std::vector<float>(&values[i * m], &values[i * m] + m));
  return rows;
}

void add_tensors(TensorFile& content, const std::string& name, const std::vector<Tensor>& layers) {
  for (size_t i = 0; i < layers.size(); ++i) content.tensors[name + "." + std::to_string(i)] = layers[i];
}

std::filesystem::path write_maps(const AttentionCapture& capture, const std::filesystem::path& folder) {
  TensorFile content;
  add_tensors(content, "attentions", capture.layers);
  add_tensors(content, "decoder_attentions", capture.decoder_layers);
  add_tensors(content, "cross_attentions", capture.cross_layers);
  std::filesystem::create_directories(folder);
  const std::filesystem::path file = folder / "attention.safetensors";
  write_safetensors(file, content);
  return file;
}

// Means over examples of one stack, [layer][head].
class StackMeans {
 public:
  void add(size_t layer, const std::vector<HeadMeasures>& heads) {
    if (layers_.size() <= layer) layers_.resize(layer + 1);
    layers_[layer].resize(heads.size());
    for (size_t head = 0; head < heads.size(); ++head) {
      for (size_t i = 0; i < heads[head].size(); ++i) layers_[layer][head][i].add(heads[head][i]);
    }
  }

  // {"entropy": {"mean": [[..]], "low": [[..]], "high": [[..]]}, ...}.
  Json json() const {
    Json all = Json::object();
    for (size_t i = 0; i < kAttentionMeasures.size(); ++i) {
      Json mean = Json::array(), low = Json::array(), high = Json::array();
      for (const auto& heads : layers_) {
        Json means = Json::array(), lows = Json::array(), highs = Json::array();
        for (const auto& measures : heads) {
          const RunningMean& value = measures[i];
          means.push_back(number_or_null(value.mean()));
          lows.push_back(number_or_null(value.mean() - value.half_width()));
          highs.push_back(number_or_null(value.mean() + value.half_width()));
        }
        mean.push_back(means);
        low.push_back(lows);
        high.push_back(highs);
      }
      all[std::string(to_string(kAttentionMeasures[i]))] = {{"mean", mean}, {"low", low}, {"high", high}};
    }
    return all;
  }

 private:
  std::vector<std::vector<std::array<RunningMean, kAttentionMeasures.size()>>> layers_;
};

struct SequencePair {
  Encoding source, target;  // target: of a model with a decoder
};

std::vector<SequencePair> sequences_of(const Json& settings, const Model& model, const Task& task,
                                       const std::string& split, JobContext& context) {
  const auto max_examples = json_get_or(settings, "max_examples", int64_t{200}, kSettingsOf);
  const int64_t max_length = job_max_length(settings, model);
  std::vector<SequencePair> sequences;
  if (!model.architecture.has_decoder()) {
    require_labelled_texts(task);
    LoadedSplit loaded = load_job_split(task, split, model, max_length, max_examples, context);
    for (EncodedExample& example : loaded.encoded.examples) sequences.push_back({std::move(example.encoding), {}});
    return sequences;
  }
  if (task.kind != TaskKind::Translation) {
    throw Error(ErrorKind::InvalidInput, {.what = "a model with a decoder needs sources and targets",
                                          .where = task.name,
                                          .got = "a task of " + std::string(to_string(task.kind)),
                                          .wanted = "a translation task",
                                          .next = {}});
  }
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  Dataset dataset = task.load(split, context.cancel);
  if (max_examples > 0 && dataset.examples.size() > static_cast<size_t>(max_examples)) {
    dataset.examples.resize(static_cast<size_t>(max_examples));
  }
  for (const Example& example : dataset.examples) {
    const Encoding source = tokenizer->encode(example.text, {.max_length = max_length});
    const Json target = {{"target", example.pair}};
    sequences.push_back({source, decoder_input(target, model, *tokenizer, source, context.cancel)});
  }
  return sequences;
}

}  // namespace

Json attention_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("attention");
  const Model model = open_job_model(json_get<std::string>(spec.settings, "model", kSettingsOf));
  const auto tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
  const Encoding encoding = encode_sentence(spec.settings, model, *tokenizer);
  Encoding target;
  if (model.architecture.has_decoder()) {
    target = decoder_input(spec.settings, model, *tokenizer, encoding, context.cancel);
  }
  const AttentionCapture capture = capture_attention(model, encoding, target);
  context.cancel.throw_if_cancelled();
  Json answer = {{"tokens", capture.tokens},
                 {"offsets", offsets_json(encoding)},
                 {"type_ids", encoding.type_ids},
                 {"labels", label_names(model)},
                 {"measures", measures_json(capture.layers, encoding, encoding, false)}};
  if (model.architecture.has_decoder()) {
    answer["target_tokens"] = capture.target_tokens;
    answer["decoder_measures"] = measures_json(capture.decoder_layers, target, target, false);
    answer["cross_measures"] = measures_json(capture.cross_layers, target, encoding, true);
  }
  if (spec.settings.contains("layer") || spec.settings.contains("head")) {
    const auto stack = json_get_or(spec.settings, "stack", std::string("encoder"), kSettingsOf);
    answer["matrix"] =
        matrix_json(stack_of(capture, stack), stack, json_get<int64_t>(spec.settings, "layer", kSettingsOf),
                    json_get<int64_t>(spec.settings, "head", kSettingsOf));
  }
  if (!spec.output_folder.empty()) answer["file"] = write_maps(capture, spec.output_folder).string();
  if (model.architecture.head.kind == HeadKind::Classification) answer["probabilities"] = softmax(capture.logits);
  return answer;
}

Json attention_average_job(const JobSpec& spec, JobContext& context) {
  context.progress.set_stage("opening model and task");
  const Model model = open_job_model(json_get<std::string>(spec.settings, "model", kSettingsOf));
  const Task task = open_job_task(json_get<std::string>(spec.settings, "task", kSettingsOf), model);
  const auto split = evaluation_split(task, json_get_or(spec.settings, "split", std::string(), kSettingsOf));
  const std::vector<SequencePair> sequences = sequences_of(spec.settings, model, task, split, context);
  const Engine engine(model);
  StackMeans own, decoder, cross;
  context.progress.set_stage("attention");
  for (size_t begin = 0; begin < sequences.size(); begin += kBatch) {
    context.cancel.throw_if_cancelled();
    const size_t end = std::min(sequences.size(), begin + kBatch);
    std::vector<const Encoding*> sources, targets;
    for (size_t i = begin; i < end; ++i) {
      sources.push_back(&sequences[i].source);
      targets.push_back(&sequences[i].target);
    }
    const EngineRequest request{.attentions = true};
    const EngineOutput output = model.architecture.has_decoder() ? engine.run(pack(sources), pack(targets), request)
                                                                 : engine.run(pack(sources), request);
    const auto add = [&](StackMeans& means, const std::vector<std::vector<Tensor>>& layers, const auto& queries,
                         const auto& keys, bool is_cross) {
      for (size_t layer = 0; layer < layers.size(); ++layer) {
        for (size_t i = 0; i < layers[layer].size(); ++i) {
          means.add(layer, attention_measures(layers[layer][i], queries[i]->special, keys[i]->special, is_cross));
        }
      }
    };
    add(own, output.attentions, sources, sources, false);
    add(decoder, output.decoder_attentions, targets, targets, false);
    add(cross, output.cross_attentions, targets, sources, true);
    context.progress.report(static_cast<double>(end) / static_cast<double>(sequences.size()));
  }
  Json answer = {{"measures", own.json()}, {"examples", sequences.size()}, {"split", split}};
  if (!model.architecture.has_decoder()) return answer;
  answer["decoder_measures"] = decoder.json();
  answer["cross_measures"] = cross.json();
  return answer;
}

}  // namespace espalier
