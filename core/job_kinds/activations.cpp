// What flows between layers: ranges, channels that stand out, and how alike layers are, in one model or two.
#include "introspect/channel_activity.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "base/error.h"
#include "data/batching.h"
#include "engine/engine.h"
#include "introspect/similarity.h"
#include "job_kinds/inputs.h"
#include "job_kinds/look_kinds.h"

namespace espalier {
namespace {

constexpr int64_t kBatch = 32;
constexpr int64_t kBatchTokens = 2048;
constexpr size_t kChannelsNamed = 8;

// Engine and examples of one model; batches are those of `plan`, the same for both models.
struct Observed {
  Model model;
  LoadedSplit split;
  std::unique_ptr<Engine> engine;

  Representations run(const std::vector<int32_t>& indices) const {
    std::vector<const Encoding*> encodings;
    for (const int32_t i : indices) encodings.push_back(&split.encoded.examples[static_cast<size_t>(i)].encoding);
    return engine->run(pack(encodings), {.hidden_states = true}).hidden_states;
  }
};

Json layers_json(const ActivityCounter& counter) {
  Json layers = Json::array();
  for (size_t i = 0; i < counter.layers().size(); ++i) {
    const LayerActivity& layer = counter.layers()[i];
    Json low = Json::array(), high = Json::array(), outliers = Json::array();
    std::vector<size_t> channels;
    int64_t beyond = 0;
    for (size_t c = 0; c < layer.channels.size(); ++c) {
      low.push_back(layer.channels[c].min);
      high.push_back(layer.channels[c].max);
      beyond += layer.channels[c].outliers;
      if (layer.channels[c].outliers > 0) channels.push_back(c);
    }
    std::ranges::stable_sort(channels, std::greater(), [&](size_t c) { return layer.channels[c].outliers; });
    for (const size_t c : channels) {
      if (outliers.size() == kChannelsNamed) break;
      const ChannelActivity& channel = layer.channels[c];
      outliers.push_back({{"channel", c},
                          {"token_frac", static_cast<double>(channel.outliers) / static_cast<double>(layer.tokens)},
                          {"min", channel.min},
                          {"max", channel.max}});
    }
    layers.push_back({{"min", layer.min},
                      {"max", layer.max},
                      {"mean", layer.mean},
                      {"std", layer.std},
                      {"abs_p50", counter.abs_quantile(i, 0.5)},
                      {"abs_p99", counter.abs_quantile(i, 0.99)},
                      {"abs_p999", counter.abs_quantile(i, 0.999)},
                      {"channel_min", low},
                      {"channel_max", high},
                      {"outlier_values", beyond},
                      {"outlier_channels", channels.size()},
                      {"largest_outlier_channels", outliers}});
  }
  return layers;
}

void require_same_tokens(const Observed& model, const Observed& baseline) {
  for (size_t i = 0; i < model.split.encoded.examples.size(); ++i) {
    if (model.split.encoded.examples[i].encoding.ids == baseline.split.encoded.examples[i].encoding.ids) continue;
    throw Error(ErrorKind::InvalidInput, {.what = "the two models do not read the same tokens",
                                          .where = "example " + std::to_string(i + 1),
                                          .got = {},
                                          .wanted = "two models with one tokenizer",
                                          .next = "Compare a model with the one that it was made from."});
  }
}

}  // namespace

Json activations_job(const JobSpec& spec, JobContext& context) {
  const Json& settings = spec.settings;
  context.progress.set_stage("opening model and task");
  const auto baseline_path = json_get_or(settings, "baseline", std::string(), kSettingsOf);
  Observed observed{
      .model = open_job_model(json_get<std::string>(settings, "model", kSettingsOf)), .split = {}, .engine = {}};
  const Task task = open_job_task(json_get<std::string>(settings, "task", kSettingsOf), observed.model);
  require_labelled_texts(task);
  const std::string split = evaluation_split(task, json_get_or(settings, "split", std::string(), kSettingsOf));
  const auto max_examples = json_get_or(settings, "max_examples", int64_t{500}, kSettingsOf);
  const auto prepare = [&](Observed& one) {
    if (one.model.architecture.has_decoder()) {
      throw Error(ErrorKind::Unsupported, {.what = "activations are watched in models of one stack",
                                           .where = display_name(one.model),
                                           .got = "an encoder-decoder",
                                           .wanted = "an encoder or a decoder alone",
                                           .next = {}});
    }
    const int64_t max_length = job_max_length(settings, one.model);
    one.split = load_job_split(task, split, one.model, max_length, max_examples, context);
    one.engine = std::make_unique<Engine>(one.model);
  };
  prepare(observed);
  Observed baseline;
  if (!baseline_path.empty()) {
    baseline.model = open_job_model(baseline_path);
    prepare(baseline);
    require_same_tokens(observed, baseline);
  }

  const BatchPlan plan = plan_by_length(observed.split.encoded, kBatch, kBatchTokens);
  const auto for_each_batch = [&](JobContext& part, const auto& body) {
    for (size_t i = 0; i < plan.size(); ++i) {
      part.cancel.throw_if_cancelled();
      body(plan[i]);
      part.progress.report(static_cast<double>(i + 1) / static_cast<double>(plan.size()));
    }
  };
  const auto watch = [&](const Observed& one, double begin) {
    ActivityCounter counter;
    JobContext first = context.slice(begin, begin + 0.15), second = context.slice(begin + 0.15, begin + 0.3);
    for_each_batch(first, [&](const std::vector<int32_t>& indices) {
      const Representations layers = one.run(indices);
      for (size_t i = 0; i < layers.size(); ++i) counter.add_range(i, layers[i]);
    });
    for_each_batch(second, [&](const std::vector<int32_t>& indices) {
      const Representations layers = one.run(indices);
      for (size_t i = 0; i < layers.size(); ++i) counter.add_outliers(i, layers[i]);
    });
    return counter;
  };
  context.progress.set_stage("ranges");
  const ActivityCounter counter = watch(observed, 0);
  Json answer = {{"layers", layers_json(counter)},
                 {"outlier_features", counter.outlier_features()},
                 {"examples", observed.split.encoded.examples.size()},
                 {"tokens", counter.layers().front().tokens},
                 {"split", split},
                 {"warnings", observed.split.warnings}};
  context.result({{"kind", "layers"}, {"layers", answer["layers"]}});
  if (baseline.engine) {
    const ActivityCounter before = watch(baseline, 0.3);
    answer["baseline_layers"] = layers_json(before);
    answer["baseline_outlier_features"] = before.outlier_features();
  }
  context.progress.set_stage("similarity of layers");
  JobContext last = context.slice(0.6, 1);
  const auto stream_of = [&](bool both) -> RepresentationStream {
    return [&, both](const auto& take) {
      for_each_batch(last, [&](const std::vector<int32_t>& indices) {
        take(observed.run(indices), both ? baseline.run(indices) : Representations());
      });
    };
  };
  const size_t count = counter.layers().size();
  answer["cka"] = linear_cka(stream_of(false), count, 0);
  if (baseline.engine) {
    answer["baseline_cka"] = linear_cka(stream_of(true), count, answer["baseline_layers"].size());
  }
  return answer;
}

}  // namespace espalier
