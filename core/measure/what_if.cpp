#include "measure/what_if.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "data/batching.h"
#include "measure/logits.h"
#include "measure/normal.h"
#include "measure/runner.h"

namespace espalier {
namespace {

// Tokens of the first batch, which is to answer at once.
constexpr int64_t kFirstTokens = 768;
constexpr int64_t kMaxBatch = 64;

// The strata, from the smallest margins on: their share of the examples, and how often an answer changes in them when
// an edit does some harm. The latter only decides in what proportion they are run, never what is estimated.
struct StratumPlan {
  double share;
  double change_frac;
};
constexpr std::array<StratumPlan, 4> kStrata = {{{0.1, 0.3}, {0.15, 0.12}, {0.25, 0.04}, {0.5, 0.015}}};

// A sum over all examples, as estimated.
struct Sum {
  double value = 0;
  double variance = 0;
};

// What the examples that have run say.
class Tally {
 public:
  Tally(const std::vector<int64_t>& stratum_sizes, int64_t baseline_hits) : baseline_hits_(baseline_hits) {
    for (const int64_t size : stratum_sizes) strata_.push_back({.size = size});
  }

  void add(int32_t stratum, int32_t label, int32_t before, int32_t after) {
    Count& count = strata_[static_cast<size_t>(stratum)];
    ++count.run;
    count.lost += before == label && after != label ? 1 : 0;
    count.gained += before != label && after == label ? 1 : 0;
    count.changed += before != after ? 1 : 0;
    hits_ += after == label ? 1 : 0;
  }

  WhatIfEstimate estimate() const {
    WhatIfEstimate made;
    Sum hits{static_cast<double>(baseline_hits_), 0}, changes;
    int64_t changed = 0;
    for (const Count& count : strata_) {
      made.examples += count.size;
      made.examples_run += count.run;
      made.lost += count.lost;
      made.gained += count.gained;
      changed += count.changed;
      add_stratum(hits, count, count.gained, count.lost);
      add_stratum(changes, count, count.changed, 0);
    }
    made.accuracy = interval_of(hits, hits_, made);
    made.changed = interval_of(changes, changed, made);
    return made;
  }

 private:
  struct Count {
    int64_t size = 0;
    int64_t run = 0;
    int64_t lost = 0;
    int64_t gained = 0;
    int64_t changed = 0;
  };

  // Adds what a stratum adds to a sum: of the examples run, `up` add one to it and `down` take one away.
  static void add_stratum(Sum& sum, const Count& count, int64_t up, int64_t down) {
    const auto size = static_cast<double>(count.size), run = static_cast<double>(count.run);
    const auto change = static_cast<double>(up - down);
    const double draws = std::max(run, 1.0);
    sum.value += size * change / draws;
    if (count.run == count.size) return;
    const double mean = change / (run + 1);
    const double spread = (static_cast<double>(up + down) + 0.5) / (run + 1) - mean * mean;
    sum.variance += size * size * (1 - run / size) * spread / draws;
  }

  // As a share of all examples. Those run make `sure` of the sum; each of the others adds one at the most.
  static Interval interval_of(const Sum& sum, int64_t sure, const WhatIfEstimate& of) {
    const auto all = static_cast<double>(of.examples), least = static_cast<double>(sure);
    const double most = least + static_cast<double>(of.examples - of.examples_run);
    const double value = std::clamp(sum.value, least, most), half = kZ95 * std::sqrt(sum.variance);
    return {value / all, std::max(least, value - half) / all, std::min(most, value + half) / all};
  }

  std::vector<Count> strata_;
  int64_t baseline_hits_ = 0;
  int64_t hits_ = 0;  // of the edited model, among those run
};

float margin_of(std::span<const float> logits) {
  if (logits.size() < 2) return 0;
  const auto best = static_cast<size_t>(argmax(logits));
  float second = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (i != best) second = std::max(second, logits[i]);
  }
  return logits[best] - second;
}

bool equal_weight(const Model& a, const Model& b, const std::string& slot) {
  return a.weights.contains(slot) && b.weights.contains(slot) && bit_equal(a.weight(slot), b.weight(slot));
}

}  // namespace

std::optional<LayerIndex> first_changed_layer(const Model& baseline, const Model& edited) {
  const Architecture &a = baseline.architecture, &b = edited.architecture;
  Architecture frame = b;
  frame.layers = a.layers;
  if (frame != a) return std::nullopt;
  size_t equal = 0;
  const size_t most = std::min(a.layers.size(), b.layers.size());
  while (equal < most && a.layers[equal] == b.layers[equal]) ++equal;
  auto first = static_cast<int64_t>(equal);
  for (const Slot& slot : slots_of(b)) {
    if (slot.part == Part::Embeddings && !equal_weight(baseline, edited, slot.name)) return std::nullopt;
    if (slot.layer && slot.layer->value < first && !equal_weight(baseline, edited, slot.name)) {
      first = slot.layer->value;
    }
  }
  // The final norm stands behind the last layer, whichever that is.
  if (b.final_norm && first == std::ssize(b.layers)) first = std::max<int64_t>(first - 1, 0);
  return LayerIndex(first);
}

WhatIf::WhatIf(Model baseline, EncodedDataset data, const WhatIfOptions& options, JobContext& context)
    : baseline_(std::move(baseline)), data_(std::move(data)), options_(options), engine_(baseline_, options.engine) {
  const Architecture& a = baseline_.architecture;
  if (a.head.kind != HeadKind::Classification || a.has_decoder()) {
    throw Error(ErrorKind::Unsupported, {.what = "a question about accuracy needs a model that gives one class a text",
                                         .where = display_name(baseline_),
                                         .got = "a head for " + std::string(to_string(a.head.kind)),
                                         .wanted = "an encoder with a classification head",
                                         .next = "Fine-tune it on the task first: espalier train."});
  }
  if (data_.examples.empty()) throw Error(ErrorKind::InvalidInput, "there is no example to ask about");
  first_token_.push_back(0);
  for (const EncodedExample& example : data_.examples) {
    if (example.label < 0 || example.label >= a.head.num_labels) {
      throw Error(ErrorKind::InvalidInput, {.what = "an example has no label that the model knows",
                                            .where = "example " + std::to_string(first_token_.size()),
                                            .got = std::to_string(example.label),
                                            .wanted = "0 to " + std::to_string(a.head.num_labels - 1)});
    }
    first_token_.push_back(first_token_.back() + static_cast<int64_t>(example.encoding.size()));
  }
  choose_layers();
  run_baseline(context);
  plan_batches();
}

// As many layers as the memory holds, spread evenly. The first one's input is the embeddings, which cost next to
// nothing to compute.
void WhatIf::choose_layers() {
  const Architecture& a = baseline_.architecture;
  const auto layers = std::ssize(a.layers);
  const int64_t bytes = first_token_.back() * a.hidden_size * static_cast<int64_t>(sizeof(float));
  const int64_t fitting = bytes > 0 ? options_.keep_bytes / bytes : 0;
  const int64_t count = std::clamp<int64_t>(fitting, 0, std::max<int64_t>(layers - 1, 0));
  for (int64_t i = 1; i <= count; ++i) kept_layers_.emplace_back((i * layers + count) / (count + 1));
}

void WhatIf::run_baseline(JobContext& context) {
  const int64_t hidden = baseline_.architecture.hidden_size;
  kept_.assign(kept_layers_.size(), std::vector<float>(static_cast<size_t>(first_token_.back() * hidden)));
  answers_.resize(data_.examples.size());
  std::vector<float> margins(data_.examples.size());
  size_t done = 0;
  for (const std::vector<int32_t>& indices : plan_by_length(data_, kMaxBatch, kEvaluationTokens)) {
    context.cancel.throw_if_cancelled();
    std::vector<const Encoding*> encodings;
    for (const int32_t index : indices) encodings.push_back(&data_.examples[static_cast<size_t>(index)].encoding);
    const PackedBatch batch = pack(encodings);
    const EngineOutput output = engine_.run(batch, {.hidden_states = !kept_layers_.empty()});
    for (size_t row = 0; row < indices.size(); ++row) {
      const auto example = static_cast<size_t>(indices[row]);
      const std::span<const float> logits = logits_row(output.logits, static_cast<int64_t>(row));
      answers_[example] = argmax(logits);
      margins[example] = margin_of(logits);
      const int64_t tokens = batch.starts[row + 1] - batch.starts[row];
      for (size_t k = 0; k < kept_layers_.size(); ++k) {
        const auto states = output.hidden_states[static_cast<size_t>(kept_layers_[k].value)].values<float>();
        std::copy_n(states.data() + batch.starts[row] * hidden, tokens * hidden,
                    kept_[k].data() + first_token_[example] * hidden);
      }
    }
    done += indices.size();
    context.progress.report(static_cast<double>(done) / static_cast<double>(data_.examples.size()));
  }
  put_in_order(margins);
}

// Each next example is one of the stratum from which another tells most: N_h^2 v_h (1 / n_h - 1 / (n_h + 1)) is largest
// (Neyman's allocation, one by one).
void WhatIf::put_in_order(const std::vector<float>& margins) {
  const size_t count = margins.size();
  std::vector<uint32_t> sorted = all_examples(count);
  std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return margins[a] < margins[b]; });
  Rng rng = Rng(options_.seed).fork("what-if order");
  std::vector<std::vector<uint32_t>> strata;
  double share = 0;
  for (size_t h = 0, begin = 0; h < kStrata.size(); ++h) {
    share += kStrata[h].share;
    const size_t end = h + 1 == kStrata.size() ? count : static_cast<size_t>(share * static_cast<double>(count));
    strata.emplace_back(sorted.begin() + static_cast<std::ptrdiff_t>(begin),
                        sorted.begin() + static_cast<std::ptrdiff_t>(end));
    rng.shuffle(strata.back());
    begin = end;
  }
  stratum_of_.resize(count);
  for (size_t h = 0; h < strata.size(); ++h) {
    stratum_sizes_.push_back(std::ssize(strata[h]));
    for (const uint32_t example : strata[h]) stratum_of_[example] = static_cast<int32_t>(h);
  }
  std::vector<size_t> taken(strata.size());
  while (order_.size() < count) {
    size_t best = 0;
    double most = -1;
    for (size_t h = 0; h < strata.size(); ++h) {
      if (taken[h] == strata[h].size()) continue;
      const auto size = static_cast<double>(strata[h].size()), n = static_cast<double>(taken[h]);
      const double gain = taken[h] == 0 ? std::numeric_limits<double>::infinity()
                                        : size * size * kStrata[h].change_frac / (n * (n + 1));
      if (gain > most) best = h, most = gain;
    }
    order_.push_back(strata[best][taken[best]++]);
  }
}

void WhatIf::plan_batches() {
  for (size_t begin = 0; begin < order_.size();) {
    const int64_t most = begin == 0 ? kFirstTokens : kEvaluationTokens;
    std::vector<const Encoding*> encodings;
    int64_t tokens = 0;
    size_t end = begin;
    while (end < order_.size()) {
      const Encoding& next = data_.examples[order_[end]].encoding;
      tokens += static_cast<int64_t>(next.size());
      if (end > begin && tokens > most) break;
      encodings.push_back(&next);
      ++end;
    }
    batches_.push_back({begin, end, pack(encodings)});
    begin = end;
  }
}

std::vector<int32_t> WhatIf::answers_of(const Engine& engine, const Batch& batch, std::optional<size_t> kept) const {
  Tensor logits;
  if (kept) {
    const int64_t hidden = baseline_.architecture.hidden_size;
    std::vector<float> states(static_cast<size_t>(batch.tokens.num_tokens() * hidden));
    float* to = states.data();
    for (size_t i = batch.begin; i < batch.end; ++i) {
      const int64_t first = first_token_[order_[i]], end = first_token_[order_[i] + 1];
      to = std::copy_n(kept_[*kept].data() + first * hidden, (end - first) * hidden, to);
    }
    logits = engine.run_from(kept_layers_[*kept], states, batch.tokens).logits;
  } else {
    logits = engine.run(batch.tokens).logits;
  }
  std::vector<int32_t> answers;
  for (int64_t row = 0; row < logits.size(0); ++row) answers.push_back(argmax(logits_row(logits, row)));
  return answers;
}

WhatIfEstimate WhatIf::ask(const Model& edited, const std::function<void(const WhatIfEstimate&)>& on_estimate,
                           const CancelToken& cancel) const {
  return ask(edited, options_.half_width, on_estimate, cancel);
}

WhatIfEstimate WhatIf::ask(const Model& edited, double half_width,
                           const std::function<void(const WhatIfEstimate&)>& on_estimate,
                           const CancelToken& cancel) const {
  cancel.throw_if_cancelled();
  const Architecture &own = baseline_.architecture, &other = edited.architecture;
  if (other.head.kind != own.head.kind || other.head.num_labels != own.head.num_labels ||
      other.embedding.vocab_size != own.embedding.vocab_size || other.has_decoder()) {
    throw Error(ErrorKind::InvalidInput, {.what = "the edited model does not read and answer as the baseline does",
                                          .where = display_name(edited),
                                          .next = "Edit what lies between the embeddings and the labels."});
  }
  const std::optional<LayerIndex> first = first_changed_layer(baseline_, edited);
  std::optional<size_t> kept;
  for (size_t k = 0; first && k < kept_layers_.size(); ++k) {
    if (kept_layers_[k] <= *first) kept = k;
  }
  const Engine engine = engine_.for_edit(baseline_, edited);

  Tally tally(stratum_sizes_, baseline_hits());
  WhatIfEstimate estimate;
  for (const Batch& batch : batches_) {
    cancel.throw_if_cancelled();
    const std::vector<int32_t> answers = answers_of(engine, batch, kept);
    for (size_t i = batch.begin; i < batch.end; ++i) {
      const uint32_t example = order_[i];
      tally.add(stratum_of_[example], data_.examples[example].label, answers_[example], answers[i - batch.begin]);
    }
    estimate = tally.estimate();
    const Interval& accuracy = estimate.accuracy;
    const double width = std::max(accuracy.high - accuracy.value, accuracy.value - accuracy.low);
    estimate.settled = batch.end == order_.size() || (half_width > 0 && width <= half_width);
    if (on_estimate) on_estimate(estimate);
    if (estimate.settled) break;
  }
  return estimate;
}

int64_t WhatIf::baseline_hits() const {
  int64_t hits = 0;
  for (size_t i = 0; i < answers_.size(); ++i) hits += answers_[i] == data_.examples[i].label ? 1 : 0;
  return hits;
}

Interval WhatIf::baseline_accuracy() const { return proportion(baseline_hits(), examples()); }

int64_t WhatIf::kept_bytes() const {
  int64_t bytes = 0;
  for (const std::vector<float>& states : kept_) bytes += static_cast<int64_t>(states.size() * sizeof(float));
  return bytes;
}

}  // namespace espalier
