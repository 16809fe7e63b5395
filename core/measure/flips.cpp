#include "measure/flips.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"
#include "measure/check_sizes.h"
#include "measure/logits.h"
#include "measure/significance.h"
#include "text/aligned_text.h"
#include "text/unicode.h"

namespace espalier {
namespace {

FlipKind kind_of(int32_t gold, int32_t before, int32_t after) {
  if (before == after) return before == gold ? FlipKind::SameRight : FlipKind::SameWrong;
  if (before == gold) return FlipKind::Lost;
  return after == gold ? FlipKind::Gained : FlipKind::Moved;
}

FlipCounts count(const std::vector<FlipRow>& rows, const std::vector<uint32_t>& examples) {
  FlipCounts counts;
  counts.examples = static_cast<int64_t>(examples.size());
  std::vector<bool> before, after;
  for (const uint32_t example : examples) {
    const FlipRow& row = rows[example];
    before.push_back(row.before == row.gold);
    after.push_back(row.after == row.gold);
    counts.lost += row.kind == FlipKind::Lost;
    counts.gained += row.kind == FlipKind::Gained;
    counts.moved += row.kind == FlipKind::Moved;
  }
  counts.before = proportion(std::ranges::count(before, true), counts.examples);
  counts.after = proportion(std::ranges::count(after, true), counts.examples);
  counts.mcnemar_p = mcnemar_p(before, after);
  return counts;
}

// Runs of word characters, in lower case.
std::vector<std::string> words_of(const std::string& text) {
  const std::string lower = lower_cased(text);
  std::vector<std::string> words(1);
  for (size_t at = 0; at < lower.size();) {
    const char32_t code = next_code_point(lower, at);
    if (is_word_char(code)) {
      append_utf8(words.back(), code);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

class Slicer {
 public:
  explicit Slicer(const Flips& flips) : flips_(flips) {}

  void add(const std::string& by, const std::string& name, std::vector<uint32_t> examples) {
    if (examples.empty()) return;
    FlipCounts counts = count(flips_.rows, examples);
    slices.push_back({by, name, std::move(examples), counts});
  }

  void by_length(const std::vector<int64_t>& lengths) {
    std::map<int64_t, std::vector<uint32_t>> groups;  // by the largest length of the group
    for (uint32_t i = 0; i < lengths.size(); ++i) {
      int64_t most = 8;
      while (lengths[i] > most) most *= 2;
      groups[most].push_back(i);
    }
    for (auto& [most, examples] : groups) {
      add("length", fmt::format("{}-{} tokens", most == 8 ? 1 : most / 2 + 1, most), std::move(examples));
    }
  }

  void by_label(const std::vector<std::string>& names) {
    for (size_t label = 0; label < flips_.before.size(); ++label) {
      std::vector<uint32_t> examples;
      for (uint32_t i = 0; i < flips_.rows.size(); ++i) {
        if (flips_.rows[i].gold == static_cast<int32_t>(label)) examples.push_back(i);
      }
      add("label", label < names.size() ? names[label] : std::to_string(label), std::move(examples));
    }
  }

  void by_loss() {
    std::vector<uint32_t> order = all_examples(flips_.rows.size());
    std::ranges::stable_sort(order, {}, [&](uint32_t i) { return flips_.rows[i].before_loss; });
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      const auto begin = static_cast<std::ptrdiff_t>(quarter * order.size() / 4);
      const auto end = static_cast<std::ptrdiff_t>((quarter + 1) * order.size() / 4);
      if (begin == end) continue;
      const double low = flips_.rows[order[static_cast<size_t>(begin)]].before_loss;
      const double high = flips_.rows[order[static_cast<size_t>(end) - 1]].before_loss;
      add("loss", fmt::format("{:.3f} to {:.3f} nats", low, high), {order.begin() + begin, order.begin() + end});
    }
  }

  int64_t by_word(const SliceInput& input, const CancelToken& cancel) {
    std::map<std::string, std::vector<uint32_t>> examples_of;
    for (uint32_t i = 0; i < input.texts.size(); ++i) {
      if (i % 1000 == 0) cancel.throw_if_cancelled();
      for (const std::string& word : words_of(input.texts[i])) {
        std::vector<uint32_t>& examples = examples_of[word];
        if (examples.empty() || examples.back() != i) examples.push_back(i);
      }
    }
    std::vector<FlipSlice> words;
    for (auto& [word, examples] : examples_of) {
      if (static_cast<int64_t>(examples.size()) < input.least_examples) continue;
      FlipCounts counts = count(flips_.rows, examples);
      words.push_back({"word", word, std::move(examples), counts});
    }
    std::ranges::stable_sort(words, {}, [](const FlipSlice& slice) {
      return std::pair(slice.counts.mcnemar_p, -std::abs(slice.counts.after.value - slice.counts.before.value));
    });
    const auto tested = static_cast<int64_t>(words.size());
    words.resize(std::min(words.size(), static_cast<size_t>(std::max<int64_t>(input.most_words, 0))));
    for (FlipSlice& slice : words) slices.push_back(std::move(slice));
    return tested;
  }

  std::vector<FlipSlice> slices;

 private:
  const Flips& flips_;
};

}  // namespace

std::string_view to_string(FlipKind kind) {
  switch (kind) {
    case FlipKind::SameRight:
      return "same_right";
    case FlipKind::SameWrong:
      return "same_wrong";
    case FlipKind::Lost:
      return "lost";
    case FlipKind::Gained:
      return "gained";
    case FlipKind::Moved:
      break;
  }
  return "moved";
}

Flips find_flips(const Tensor& before, const Tensor& after, const std::vector<int32_t>& labels) {
  check_same_logits(before, after);
  check_sizes(static_cast<size_t>(before.size(0)), labels.size());
  const int64_t classes = before.size(1);
  const Confusion none(static_cast<size_t>(classes), std::vector<int64_t>(static_cast<size_t>(classes), 0));
  Flips flips{.rows = {}, .all = {}, .before = none, .after = none, .between = none};
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      throw Error(ErrorKind::InvalidInput, {.what = "an example has no label that the models know",
                                            .where = "example " + std::to_string(i + 1),
                                            .got = std::to_string(labels[i]),
                                            .wanted = "0 to " + std::to_string(classes - 1),
                                            .next = "Choose a labelled split."});
    }
    const auto was = logits_row(before, static_cast<int64_t>(i)), is = logits_row(after, static_cast<int64_t>(i));
    const std::vector<double> p = softmax(was), q = softmax(is);
    FlipRow row;
    row.gold = labels[i];
    row.before = argmax(was);
    row.after = argmax(is);
    row.kind = kind_of(row.gold, row.before, row.after);
    const auto at = [](const std::vector<double>& values, int32_t label) { return values[static_cast<size_t>(label)]; };
    row.before_probability = at(p, row.before);
    row.after_probability = at(q, row.after);
    row.before_gold_probability = at(p, row.gold);
    row.after_gold_probability = at(q, row.gold);
    row.before_loss = -at(log_softmax(was), row.gold);
    row.after_loss = -at(log_softmax(is), row.gold);
    const auto gold = static_cast<size_t>(row.gold), old_answer = static_cast<size_t>(row.before),
               new_answer = static_cast<size_t>(row.after);
    ++flips.before[gold][old_answer];
    ++flips.after[gold][new_answer];
    ++flips.between[old_answer][new_answer];
    flips.rows.push_back(row);
  }
  flips.all = count(flips.rows, all_examples(flips.rows.size()));
  return flips;
}

FlipSlices slice_flips(const Flips& flips, const SliceInput& input, const CancelToken& cancel) {
  check_sizes(flips.rows.size(), input.lengths.size());
  check_sizes(flips.rows.size(), input.texts.size());
  Slicer slicer(flips);
  slicer.by_length(input.lengths);
  slicer.by_label(input.label_names);
  slicer.by_loss();
  FlipSlices result;
  result.words_tested = slicer.by_word(input, cancel);
  result.slices = std::move(slicer.slices);
  return result;
}

}  // namespace espalier
