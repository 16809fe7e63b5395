#include "text/truncation.h"

#include <algorithm>

#include "base/error.h"

namespace espalier {
namespace {

int64_t size_of(const TokenSpans& text) { return static_cast<int64_t>(text.ids.size()); }

[[noreturn]] void refuse(std::string what, const EncodeOptions& options, std::string wanted, std::string next) {
  throw Error(ErrorKind::InvalidInput, {.what = std::move(what),
                                        .got = "max_length " + std::to_string(options.max_length),
                                        .wanted = std::move(wanted),
                                        .next = std::move(next)});
}

// Lengths that taking tokens one by one off the longer text leaves: the shorter text is touched only once both are of
// one length; an odd room goes to the text that was the longer, the second when they were alike.
std::pair<int64_t, int64_t> longest_first(int64_t first, int64_t second, int64_t room) {
  const bool swapped = first > second;
  int64_t shorter = std::min(first, second);
  int64_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  return swapped ? std::pair(longer, shorter) : std::pair(shorter, longer);
}

}  // namespace

void truncate(TokenSpans& first, TokenSpans* second, const EncodeOptions& options, int64_t num_special) {
  if (options.max_length <= 0 || options.truncation == Truncation::None) return;
  const int64_t room = options.max_length - num_special;
  const int64_t total = size_of(first) + (second ? size_of(*second) : 0);
  if (total <= room) return;
  if (room < 0) {
    refuse("no text fits between the special tokens", options, "at least " + std::to_string(num_special),
           "raise max_length");
  }
  if (options.truncation == Truncation::LongestFirst) {
    if (second == nullptr) {
      first.resize(static_cast<size_t>(room));
      return;
    }
    const auto [first_size, second_size] = longest_first(size_of(first), size_of(*second), room);
    first.resize(static_cast<size_t>(first_size));
    second->resize(static_cast<size_t>(second_size));
    return;
  }
  const bool only_first = options.truncation == Truncation::OnlyFirst;
  if (!only_first && second == nullptr) {
    refuse("there is no second text to cut", options, "a pair, or another strategy", "cut by longest_first");
  }
  TokenSpans& cut = only_first ? first : *second;
  const int64_t excess = total - room;
  if (size_of(cut) <= excess) {
    refuse(std::string("cutting only the ") + (only_first ? "first" : "second") + " text is not enough", options,
           "at least " + std::to_string(total - size_of(cut) + num_special + 1),
           "raise max_length or cut by longest_first");
  }
  cut.resize(static_cast<size_t>(size_of(cut) - excess));
}

}  // namespace espalier
