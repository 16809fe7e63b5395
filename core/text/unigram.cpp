#include "text/unigram.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace espalier {
namespace {

// How much less likely an unknown code point is than the least likely piece.
constexpr double kUnknownPenalty = 10;

size_t char_size(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) ++end;
  return end - at;
}

}  // namespace

UnigramModel::UnigramModel(const Config& config, std::string_view where)
    : others_(config.other_tokens.size()), unknown_(config.unknown), single_precision_(config.single_precision) {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (const Piece& piece : config.pieces) {
    if (!piece.in_text || piece.defined) continue;
    lowest = std::min(lowest, piece.score);
    highest = std::max(highest, piece.score);
  }
  if (lowest > highest) {
    throw Error(ErrorKind::Format, {.what = "the vocabulary has no pieces", .where = std::string(where)});
  }
  if (unknown_ < 0) {
    throw Error(ErrorKind::Format,
                {.what = "the vocabulary lacks its unknown token", .where = std::string(where), .wanted = "an unk_id"});
  }
  if (single_precision_) {
    unknown_score_ = static_cast<float>(lowest) - static_cast<float>(kUnknownPenalty);
  } else {
    unknown_score_ = lowest - kUnknownPenalty;
  }
  for (size_t id = 0; id < config.other_tokens.size(); ++id) {
    if (!config.other_tokens[id].empty()) others_.insert(config.other_tokens[id], static_cast<TokenId>(id));
  }
  std::vector<TokenId> bytes(256, -1);
  for (const Piece& piece : config.pieces) {
    for (size_t byte = 0; config.byte_fallback && byte < 256; ++byte) {
      if (piece.text.size() == 6 && piece.text == fmt::format("<0x{:02X}>", byte)) bytes[byte] = piece.id;
    }
    if (!piece.in_text || piece.text.empty()) continue;
    trie_.insert(piece.text, static_cast<int32_t>(scores_.size()));
    ids_.push_back(piece.id);
    unknowns_.push_back(piece.unknown);
    scores_.push_back(piece.defined ? static_cast<double>(piece.text.size()) * highest - 0.1 : piece.score);
  }
  if (config.byte_fallback && std::find(bytes.begin(), bytes.end(), -1) == bytes.end()) bytes_ = std::move(bytes);
}

void UnigramModel::find_paths(std::string_view word, std::vector<Scratch::Path>& paths) const {
  paths.assign(word.size() + 1, {});
  const auto offer = [&](size_t from, size_t to, double score, int32_t piece) {
    Scratch::Path& path = paths[to];
    if (single_precision_) score = static_cast<float>(score);
    if (path.from >= 0 && score <= path.score) return;
    path = {score, static_cast<int32_t>(from), piece};
  };
  for (size_t begin = 0; begin < word.size();) {
    const double so_far = paths[begin].score;
    const size_t one_char = char_size(word, begin);
    bool has_single = false;
    ByteTrie::Node node = ByteTrie::kRoot;
    for (size_t end = begin; end < word.size();) {
      node = trie_.child(node, word[end]);
      if (node < 0) break;
      ++end;
      const int32_t piece = trie_.value(node);
      if (piece < 0) continue;
      offer(begin, end, scores_[static_cast<size_t>(piece)] + so_far, piece);
      has_single = has_single || end - begin == one_char;
    }
    if (!has_single) offer(begin, begin + one_char, unknown_score_ + so_far, -1);
    begin += one_char;
  }
}

void UnigramModel::add_unknown(const Word& word, size_t begin, size_t end, TokenSpans& out) const {
  if (bytes_.empty()) {
    const std::string_view text = word.bytes.substr(begin, end - begin);
    const TokenId other = text.size() <= others_.longest() ? others_.find(text) : -1;
    out.add(other < 0 ? unknown_ : other, word.span(begin, end), text);
    return;
  }
  for (size_t i = begin; i < end; ++i) out.add(bytes_[static_cast<uint8_t>(word.bytes[i])], word.span(begin, end));
}

void UnigramModel::tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const {
  find_paths(word.bytes, scratch.paths);
  std::vector<int32_t>& cuts = scratch.cuts;  // ends of pieces, last first
  cuts.clear();
  for (auto end = static_cast<int32_t>(word.bytes.size()); end > 0;
       end = scratch.paths[static_cast<size_t>(end)].from) {
    cuts.push_back(end);
  }
  size_t begin = 0;
  for (size_t i = cuts.size(); i-- > 0;) {
    const auto end = static_cast<size_t>(cuts[i]);
    const int32_t piece = scratch.paths[end].piece;
    if (!is_unknown(piece)) {
      out.add(ids_[static_cast<size_t>(piece)], word.span(begin, end));
      begin = end;
      continue;
    }
    // Unknown text that follows unknown text is one token with it.
    if (i > 0 && is_unknown(scratch.paths[static_cast<size_t>(cuts[i - 1])].piece)) continue;
    add_unknown(word, begin, end, out);
    begin = end;
  }
}

}  // namespace espalier
