#include "measure/spans.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "base/error.h"

namespace espalier {
namespace {

using Span = std::tuple<std::string, size_t, size_t>;  // type, first word, one behind the last

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::set<Span> spans_of(const std::vector<int32_t>& tags, const std::vector<std::string>& labels) {
  std::set<Span> spans;
  std::string open;  // type of the span that goes on
  size_t begin = 0;
  for (size_t i = 0; i <= tags.size(); ++i) {
    const bool known = i < tags.size() && tags[i] >= 0 && static_cast<size_t>(tags[i]) < labels.size();
    const std::string tag = known ? labels[static_cast<size_t>(tags[i])] : "O";
    const bool inside = tag.size() > 2 && (tag[0] == 'B' || tag[0] == 'I') && tag[1] == '-';
    const std::string type = inside ? tag.substr(2) : "";
    if (!open.empty() && type == open && tag[0] == 'I') continue;
    if (!open.empty()) spans.emplace(open, begin, i);
    open = type;
    begin = i;
  }
  return spans;
}

SpanCounts sum_of(const std::vector<SpanCounts>& all, std::span<const uint32_t> sentences) {
  SpanCounts sum;
  for (const uint32_t sentence : sentences) sum += all[sentence];
  return sum;
}

}  // namespace

bool are_bio_tags(const std::vector<std::string>& labels) {
  const auto chunk = [](const std::string& label) { return label.starts_with("B-") || label.starts_with("I-"); };
  return std::ranges::any_of(labels, chunk) &&
         std::ranges::all_of(labels, [&](const std::string& label) { return label == "O" || chunk(label); });
}

SpanCounts& SpanCounts::operator+=(const SpanCounts& other) {
  right += other.right;
  predicted += other.predicted;
  gold += other.gold;
  return *this;
}

double SpanCounts::precision() const { return share(right, predicted); }
double SpanCounts::recall() const { return share(right, gold); }
double SpanCounts::f1() const { return share(2 * right, predicted + gold); }

SpanCounts span_counts(const std::vector<int32_t>& gold, const std::vector<int32_t>& predicted,
                       const std::vector<std::string>& labels) {
  const std::set<Span> wanted = spans_of(gold, labels), found = spans_of(predicted, labels);
  SpanCounts counts;
  counts.gold = std::ssize(wanted);
  counts.predicted = std::ssize(found);
  for (const Span& span : found) counts.right += wanted.contains(span) ? 1 : 0;
  return counts;
}

TaggingQuality tagging_quality(const std::vector<std::vector<int32_t>>& gold,
                               const std::vector<std::vector<int32_t>>& predicted,
                               const std::vector<std::string>& labels, uint64_t seed) {
  TaggingQuality quality;
  quality.sentences = std::ssize(gold);
  for (size_t i = 0; i < gold.size(); ++i) {
    if (predicted.size() != gold.size() || predicted[i].size() != gold[i].size()) {
      throw Error(ErrorKind::InvalidInput, {.what = "the tags do not fit the words",
                                            .where = "sentence " + std::to_string(i + 1),
                                            .got = {},
                                            .wanted = "one predicted tag for every word"});
    }
    double right = 0;
    for (size_t w = 0; w < gold[i].size(); ++w) right += gold[i][w] == predicted[i][w] ? 1 : 0;
    quality.right_words.push_back(right);
    quality.all_words.push_back(static_cast<double>(gold[i].size()));
    quality.words += std::ssize(gold[i]);
    quality.spans.push_back(span_counts(gold[i], predicted[i], labels));
  }
  if (quality.words == 0) throw Error(ErrorKind::InvalidInput, "there are no words to measure tags on");
  quality.accuracy = bootstrap(gold.size(), tag_accuracy_statistic(quality), seed);
  if (!are_bio_tags(labels)) return quality;
  const auto interval = [&](double (SpanCounts::*figure)() const) {
    return bootstrap(
        gold.size(), [&](std::span<const uint32_t> chosen) { return (sum_of(quality.spans, chosen).*figure)(); }, seed);
  };
  quality.precision = interval(&SpanCounts::precision);
  quality.recall = interval(&SpanCounts::recall);
  quality.f1 = interval(&SpanCounts::f1);
  return quality;
}

Statistic span_f1_statistic(const TaggingQuality& quality) {
  return [&quality](std::span<const uint32_t> chosen) { return sum_of(quality.spans, chosen).f1(); };
}

Statistic tag_accuracy_statistic(const TaggingQuality& quality) {
  return [&quality](std::span<const uint32_t> chosen) {
    double right = 0, all = 0;
    for (const uint32_t sentence : chosen) {
      right += quality.right_words[sentence];
      all += quality.all_words[sentence];
    }
    return all == 0 ? 0 : right / all;
  };
}

}  // namespace espalier
