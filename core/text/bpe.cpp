#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "text/unicode.h"

namespace espalier {
namespace {

// Words of so few symbols are merged by looking at all pairs each time: quicker than a queue.
constexpr size_t kFew = 24;

// The next merge stands first: the lower rank, then the place further left.
bool comes_later(const Scratch::Merge& a, const Scratch::Merge& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
}

}  // namespace

PairTable::PairTable(size_t expected) : slots_(std::bit_ceil(std::max<size_t>(16, expected * 2))) {
  mask_ = slots_.size() - 1;
}

void PairTable::insert(TokenId left, TokenId right, int32_t rank, TokenId id) {
  const uint64_t pair = pair_of(left, right);
  size_t slot = place(pair);
  while (slots_[slot].pair != kFree && slots_[slot].pair != pair) slot = (slot + 1) & mask_;
  slots_[slot] = {pair, rank, id};
}

BpeModel::BpeModel(const Vocabulary& vocabulary, const Config& config, std::string_view where)
    : pieces_(vocabulary.tokens().size()), merges_(config.merges.size()), fuse_unknown_(config.fuse_unknown) {
  for (const std::string& token : vocabulary.tokens()) {
    if (!token.empty()) pieces_.insert(token, vocabulary.find(token));
  }
  if (!config.unknown_token.empty()) unknown_ = pieces_.find(config.unknown_token);
  for (size_t code = 0; code < of_char_.size(); ++code) {
    std::string bytes;
    append_utf8(bytes, static_cast<char32_t>(code));
    of_char_[code] = pieces_.find(bytes);
  }
  if (config.byte_fallback) {
    for (size_t byte = 0; byte < 256; ++byte) bytes_.push_back(pieces_.find(fmt::format("<0x{:02X}>", byte)));
    if (std::find(bytes_.begin(), bytes_.end(), -1) != bytes_.end()) bytes_.clear();
  }
  const auto token_id = [&](const std::string& token, size_t rank) {
    const TokenId found = pieces_.find(token);
    if (found >= 0) return found;
    throw Error(ErrorKind::Format, {.what = "a merge names a token that the vocabulary lacks",
                                    .where = std::string(where) + ", merge " + std::to_string(rank + 1),
                                    .got = "\"" + token + "\"",
                                    .next = "use merges and vocabulary of one model"});
  };
  std::vector<bool> made(vocabulary.tokens().size(), false);
  for (size_t rank = 0; rank < config.merges.size(); ++rank) {
    const auto& [left, right] = config.merges[rank];
    const TokenId id = token_id(left + right, rank);
    merges_.insert(token_id(left, rank), token_id(right, rank), static_cast<int32_t>(rank), id);
    distinct_ = distinct_ && !made[static_cast<size_t>(id)];
    made[static_cast<size_t>(id)] = true;
  }
  // What most words are, known beforehand.
  Scratch scratch;
  for (const std::string& token : vocabulary.tokens()) {
    if (token.empty()) continue;
    const TokenId id = pieces_.find(token);
    if (!config.ignore_merges) {
      AlignedText chars;
      std::vector<int32_t> char_at;
      for (size_t at = 0; at < token.size(); char_at.resize(at, static_cast<int32_t>(chars.size()) - 1)) {
        chars.push_back({next_code_point(token, at), 0, 0});
      }
      TokenSpans alone;
      tokenize({token, chars, char_at}, scratch, alone);
      if (alone.ids != std::vector<TokenId>{id}) continue;
    }
    whole_.insert(token, id);
  }
}

TokenId BpeModel::id_of_char(char32_t code, std::string_view bytes) const {
  return code < of_char_.size() ? of_char_[code] : pieces_.find(bytes);
}

void BpeModel::add_symbols(const Word& word, std::vector<Scratch::Symbol>& symbols) const {
  const auto add = [&](TokenId id, size_t begin, size_t end) {
    symbols.push_back({id, 0, 0, static_cast<int32_t>(begin), static_cast<int32_t>(end)});
  };
  bool after_unknown = false;
  size_t begin = 0;
  for (const AlignedChar& c : word.chars) {
    const size_t end = begin + utf8_size(c.code);
    const std::string_view bytes = word.bytes.substr(begin, end - begin);
    const TokenId id = id_of_char(c.code, bytes);
    if (id >= 0) {
      add(id, begin, end);
    } else if (!bytes_.empty()) {
      for (size_t i = begin; i < end; ++i) add(bytes_[static_cast<uint8_t>(word.bytes[i])], i, i + 1);
    } else if (unknown_ >= 0) {
      if (after_unknown && fuse_unknown_) {
        symbols.back().end = static_cast<int32_t>(end);
      } else {
        add(unknown_, begin, end);
      }
    }
    after_unknown = id < 0 && bytes_.empty();
    begin = end;
  }
  for (size_t i = 0; i < symbols.size(); ++i) {
    symbols[i].previous = static_cast<int32_t>(i) - 1;
    symbols[i].next = i + 1 < symbols.size() ? static_cast<int32_t>(i) + 1 : -1;
  }
}

void BpeModel::merge_few(std::vector<Scratch::Symbol>& symbols) const {
  while (symbols.size() > 1) {
    const PairTable::Merge* best = nullptr;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const PairTable::Merge* merge = merges_.find(symbols[i].id, symbols[i + 1].id);
      if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) {
        best = merge;
        at = i;
      }
    }
    if (best == nullptr) return;
    symbols[at].id = best->id;
    symbols[at].end = symbols[at + 1].end;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

void BpeModel::merge(std::vector<Scratch::Symbol>& symbols, std::vector<Scratch::Merge>& queue) const {
  queue.clear();
  const auto symbol = [&](int32_t at) -> Scratch::Symbol& { return symbols[static_cast<size_t>(at)]; };
  const auto offer = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0) return;
    const PairTable::Merge* merge = merges_.find(symbol(left).id, symbol(right).id);
    if (merge == nullptr) return;
    queue.push_back({merge->rank, left, merge->id});
    std::push_heap(queue.begin(), queue.end(), comes_later);
  };
  for (int32_t at = 0; at + 1 < static_cast<int32_t>(symbols.size()); ++at) offer(at, at + 1);
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), comes_later);
    const Scratch::Merge next = queue.back();
    queue.pop_back();
    Scratch::Symbol& left = symbol(next.at);
    if (left.begin == left.end || left.next < 0) continue;
    // An entry is out of date when its pair makes another token by now.
    Scratch::Symbol& right = symbol(left.next);
    const PairTable::Merge* now = merges_.find(left.id, right.id);
    if (now == nullptr || now->id != next.id) continue;
    left.id = next.id;
    left.end = right.end;
    right.begin = right.end;
    left.next = right.next;
    if (left.next >= 0) symbol(left.next).previous = next.at;
    offer(left.previous, next.at);
    offer(next.at, left.next);
  }
  std::erase_if(symbols, [](const Scratch::Symbol& s) { return s.begin == s.end; });
}

void BpeModel::tokenize(const Word& word, Scratch& scratch, TokenSpans& out) const {
  if (word.bytes.size() <= whole_.longest()) {
    if (const TokenId id = whole_.find(word.bytes); id >= 0) {
      out.add(id, word.span(0, word.bytes.size()));
      return;
    }
  }
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  symbols.clear();
  add_symbols(word, symbols);
  if (symbols.size() <= kFew && distinct_) {
    merge_few(symbols);
  } else {
    merge(symbols, scratch.merges);
  }
  for (const Scratch::Symbol& s : symbols) {
    out.add(s.id, word.span(static_cast<size_t>(s.begin), static_cast<size_t>(s.end)));
  }
}

}  // namespace espalier
