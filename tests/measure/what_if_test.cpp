#include "measure/what_if.h"

#include <algorithm>
#include <cmath>

#include "data/lab.h"
#include "measure/evaluate.h"
#include "measure/logits.h"
#include "tests/measure/tiny_model.h"
#include "tests/support/support.h"

namespace espalier::test {
namespace {

constexpr TinyShape kShape{.layers = 4, .hidden = 16, .heads = 2, .ffn = 32};

EncodedDataset labelled_data(size_t count) {
  Rng rng(11);
  EncodedDataset data;
  for (size_t i = 0; i < count; ++i) {
    EncodedExample example;
    example.encoding = random_encoding(rng, 3 + rng.below(20));
    example.label = static_cast<int32_t>(rng.below(2));
    data.examples.push_back(example);
  }
  return data;
}

Model with_fewer_bits(const Model& model, const std::string& slot, int bits) {
  Model edited = model;
  edited.weights.replace(slot, quantize_symmetric(materialize(model.weight(slot)), bits, true, ActivationRange::Float));
  return edited;
}

// What a head's removal computes: its columns of the layer's output are zeros.
Model without_head(const Model& model, int64_t layer, int64_t head) {
  const std::string slot = "encoder." + std::to_string(layer) + ".attention.out_proj.weight";
  const Tensor values = materialize(model.weight(slot));
  std::vector<float> zeroed(values.values<float>().begin(), values.values<float>().end());
  const int64_t head_dim = model.architecture.layers[static_cast<size_t>(layer)].attention.head_dim;
  for (size_t at = 0; at < zeroed.size(); ++at) {
    if (static_cast<int64_t>(at) % values.size(1) / head_dim == head) zeroed[at] = 0;
  }
  Model edited = model;
  edited.weights.replace(slot, Dense{Tensor::from(values.shape(), std::move(zeroed))});
  return edited;
}

Model without_last_layer(const Model& model) {
  Model shorter = model;
  shorter.architecture.layers.pop_back();
  const std::string gone = "encoder." + std::to_string(shorter.architecture.layers.size()) + ".";
  for (const std::string& slot : model.weights.slots()) {
    if (slot.starts_with(gone)) shorter.weights.remove(slot);
  }
  return shorter;
}

std::vector<int32_t> answers(const Model& model, const EncodedDataset& data) {
  JobContext context;
  const Tensor logits = predict(Engine(model), data, context);
  std::vector<int32_t> found;
  for (int64_t i = 0; i < logits.size(0); ++i) found.push_back(argmax(logits_row(logits, i)));
  return found;
}

double accuracy(const std::vector<int32_t>& found, const EncodedDataset& data) {
  double hits = 0;
  for (size_t i = 0; i < found.size(); ++i) hits += found[i] == data.examples[i].label ? 1 : 0;
  return hits / static_cast<double>(found.size());
}

struct Lab {
  Model model = open_model(source_dir() / "resources" / "lab");
  EncodedDataset dev;

  Lab() {
    const auto tokenizer = load_tokenizer(model.tokenizer_files, "the lab");
    Dataset dataset = make_lab_task().load("dev", {});
    dataset.examples.resize(800);
    dev = encode(dataset, *tokenizer, 128, {});
  }
};

// Edits from harmless to ruinous, of every layer.
std::vector<Model> edits_of(const Model& model) {
  std::vector<Model> edits;
  for (int64_t layer = 0; layer < std::ssize(model.architecture.layers); ++layer) {
    for (int64_t head = 0; head < model.architecture.layers[static_cast<size_t>(layer)].attention.num_heads(); ++head) {
      edits.push_back(without_head(model, layer, head));
    }
    for (const char* module : {"attention.q_proj", "attention.v_proj", "ffn.in_proj", "ffn.out_proj"}) {
      for (const int bits : {2, 3}) {
        edits.push_back(with_fewer_bits(model, "encoder." + std::to_string(layer) + "." + module + ".weight", bits));
      }
    }
  }
  return edits;
}

TEST(WhatIf, WhenEveryExampleHasRunTheValueIsThatOfAFullEvaluation) {
  const Model model = tiny_model(1, kShape);
  const EncodedDataset data = labelled_data(150);
  JobContext context;
  const WhatIf session(model, data, {.half_width = 0}, context);
  const std::vector<int32_t> before = answers(model, data);
  for (const Model& edited : edits_of(model)) {
    const std::vector<int32_t> after = answers(edited, data);
    const WhatIfEstimate found = session.ask(edited);
    EXPECT_EQ(found.examples_run, 150);
    EXPECT_TRUE(found.settled);
    EXPECT_EQ(found.accuracy.value, accuracy(after, data));
    EXPECT_EQ(found.accuracy.low, found.accuracy.value);
    EXPECT_EQ(found.accuracy.high, found.accuracy.value);
    double changed = 0;
    for (size_t i = 0; i < after.size(); ++i) changed += before[i] != after[i] ? 1 : 0;
    EXPECT_DOUBLE_EQ(found.changed.value, changed / 150);
  }
}

TEST(WhatIf, TheIntervalHoldsTheExactValue) {
  const Lab lab;
  const std::vector<Model> all = edits_of(lab.model);
  std::vector<Model> edits;
  for (size_t i = 0; i < all.size(); i += 2) edits.push_back(all[i]);
  std::vector<double> exact;
  for (const Model& edited : edits) exact.push_back(accuracy(answers(edited, lab.dev), lab.dev));
  int64_t questions = 0, held = 0, looks = 0, looks_held = 0;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    JobContext context;
    const WhatIf session(lab.model, lab.dev, {.seed = seed}, context);
    for (size_t i = 0; i < edits.size(); ++i) {
      const auto holds = [&](const WhatIfEstimate& estimate) {
        return estimate.accuracy.low <= exact[i] + 1e-12 && exact[i] <= estimate.accuracy.high + 1e-12;
      };
      const WhatIfEstimate settled = session.ask(edits[i], [&](const WhatIfEstimate& estimate) {
        ++looks;
        looks_held += holds(estimate) ? 1 : 0;
      });
      ++questions;
      held += holds(settled) ? 1 : 0;
      EXPECT_LE(settled.accuracy.high - settled.accuracy.low, 0.02 + 1e-12);
      EXPECT_NEAR(settled.accuracy.value, exact[i], 0.02);
    }
  }
  RecordProperty("questions", std::to_string(questions));
  RecordProperty("held_frac", std::to_string(static_cast<double>(held) / static_cast<double>(questions)));
  RecordProperty("looks_held_frac", std::to_string(static_cast<double>(looks_held) / static_cast<double>(looks)));
  EXPECT_GE(static_cast<double>(held), 0.95 * static_cast<double>(questions));
  EXPECT_GE(static_cast<double>(looks_held), 0.95 * static_cast<double>(looks));
}

TEST(WhatIf, TheFirstEstimateIsUnbiasedThoughSmallMarginsComeFirst) {
  const Model model = tiny_model(8, kShape);
  EncodedDataset data = labelled_data(400);
  // Every answer of the baseline is right, so that each change is a loss.
  const std::vector<int32_t> before = answers(model, data);
  for (size_t i = 0; i < before.size(); ++i) data.examples[i].label = before[i];
  const Model edited = without_last_layer(without_last_layer(model));
  const double exact = accuracy(answers(edited, data), data);
  ASSERT_LT(exact, 0.96);
  constexpr int kSeeds = 60;
  double sum = 0, squares = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    JobContext context;
    const WhatIf session(model, data, {.seed = seed}, context);
    const WhatIfEstimate first = session.ask(edited, 1.0);
    EXPECT_LT(first.examples_run, 100);
    sum += first.accuracy.value;
    squares += first.accuracy.value * first.accuracy.value;
  }
  const double mean = sum / kSeeds;
  const double deviation = std::sqrt(squares / kSeeds - mean * mean) / std::sqrt(kSeeds);
  EXPECT_NEAR(mean, exact, 3 * deviation);
  // Enough to tell the weighted sum of the strata from a plain mean.
  EXPECT_LT(deviation, 0.01);
}

TEST(WhatIf, WhatIsNotKeptIsComputedAnew) {
  const Model model = tiny_model(2, kShape);
  const EncodedDataset data = labelled_data(60);
  int64_t tokens = 0;
  for (const EncodedExample& example : data.examples) tokens += static_cast<int64_t>(example.encoding.size());
  const int64_t layer_bytes = tokens * kShape.hidden * 4;
  const auto kept_with = [&](int64_t bytes) {
    JobContext context;
    const WhatIf session(model, data, {.half_width = 0, .keep_bytes = bytes}, context);
    EXPECT_LE(session.kept_bytes(), bytes);
    for (const Model& edited : edits_of(model)) {
      EXPECT_EQ(session.ask(edited).accuracy.value, accuracy(answers(edited, data), data));
    }
    std::vector<int64_t> kept;
    for (const LayerIndex layer : session.kept_layers()) kept.push_back(layer.value);
    return kept;
  };
  EXPECT_EQ(kept_with(1 << 30), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(kept_with(layer_bytes), (std::vector<int64_t>{2}));
  EXPECT_EQ(kept_with(layer_bytes - 1), std::vector<int64_t>{});
}

TEST(WhatIf, TheFirstChangedLayerIsFoundByValues) {
  const Model model = tiny_model(3, kShape);
  EXPECT_EQ(first_changed_layer(model, model), LayerIndex(4));
  EXPECT_EQ(first_changed_layer(model, without_head(model, 2, 1)), LayerIndex(2));
  EXPECT_EQ(first_changed_layer(model, with_fewer_bits(model, "pooler.dense.weight", 4)), LayerIndex(4));
  EXPECT_EQ(first_changed_layer(model, with_fewer_bits(model, "embeddings.word.weight", 4)), std::nullopt);
  EXPECT_EQ(first_changed_layer(model, with_fewer_bits(without_head(model, 3, 0), "encoder.1.ffn.in_proj.weight", 4)),
            LayerIndex(1));
  EXPECT_EQ(first_changed_layer(model, without_last_layer(model)), LayerIndex(3));
}

TEST(WhatIf, OfAModelWithoutItsLastLayerTheHeadAloneRuns) {
  const Model model = tiny_model(4, kShape);
  const EncodedDataset data = labelled_data(90);
  JobContext context;
  const WhatIf session(model, data, {.half_width = 0}, context);
  const Model shorter = without_last_layer(model);
  EXPECT_EQ(session.ask(shorter).accuracy.value, accuracy(answers(shorter, data), data));
}

TEST(WhatIf, SmallMarginsComeFirstAndEveryExampleOnce) {
  const Model model = tiny_model(5, kShape);
  const EncodedDataset data = labelled_data(200);
  JobContext context;
  const WhatIf session(model, data, {}, context);
  const Tensor logits = predict(Engine(model), data, context);
  const auto mean_margin = [&](size_t begin, size_t end) {
    double sum = 0;
    for (size_t i = begin; i < end; ++i) {
      const std::span<const float> row = logits_row(logits, session.order()[i]);
      sum += std::abs(row[0] - row[1]);
    }
    return sum / static_cast<double>(end - begin);
  };
  EXPECT_LT(mean_margin(0, 50), mean_margin(50, 200));
  std::vector<uint32_t> sorted = session.order();
  std::ranges::sort(sorted);
  for (uint32_t i = 0; i < 200; ++i) EXPECT_EQ(sorted[i], i);
}

TEST(WhatIf, AQuestionStopsWhenAsked) {
  const Model model = tiny_model(6, kShape);
  JobContext context;
  const WhatIf session(model, labelled_data(400), {.half_width = 0}, context);
  CancelToken cancel;
  int heard = 0;
  EXPECT_THROW(session.ask(
                   without_head(model, 1, 0),
                   [&](const WhatIfEstimate&) {
                     if (++heard == 2) cancel.cancel();
                   },
                   cancel),
               Cancelled);
  EXPECT_EQ(heard, 2);
  EXPECT_TRUE(session.ask(without_head(model, 1, 0)).settled);
  context.cancel.cancel();
  EXPECT_THROW(WhatIf(model, labelled_data(4), {}, context), Cancelled);
}

TEST(WhatIf, WhatCannotBeAskedIsRefused) {
  const Model model = tiny_model(7, kShape);
  JobContext context;
  const auto open = [&](const Model& of, const EncodedDataset& data) {
    return expect_error([&] { WhatIf(of, data, {}, context); }).kind();
  };
  EXPECT_EQ(open(model, {}), ErrorKind::InvalidInput);
  EncodedDataset unlabelled = labelled_data(3);
  unlabelled.examples[1].label = -1;
  EXPECT_EQ(open(model, unlabelled), ErrorKind::InvalidInput);
  const WhatIf session(model, labelled_data(10), {}, context);
  const Model other = tiny_model(7, {.layers = 4, .labels = 3});
  EXPECT_EQ(expect_error([&] { session.ask(other); }).kind(), ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace espalier::test
