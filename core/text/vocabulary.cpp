#include "text/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace espalier {

PieceTable::PieceTable(size_t expected) {
  const size_t slots = std::bit_ceil(std::max<size_t>(16, expected * 2));
  entries_.resize(slots);
  mask_ = slots - 1;
}

void PieceTable::insert(std::string_view text, TokenId id) {
  if ((used_ + 1) * 2 > entries_.size()) grow();
  const uint64_t hash = hash_of(text);
  size_t slot = place(hash);
  for (; entries_[slot].id >= 0; slot = (slot + 1) & mask_) {
    Entry& entry = entries_[slot];
    if (entry.hash == hash && std::string_view(bytes_).substr(entry.begin, entry.size) == text) {
      entry.id = id;
      return;
    }
  }
  entries_[slot] = {hash, static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(text.size()), id};
  bytes_.append(text);
  longest_ = std::max(longest_, text.size());
  ++used_;
}

void PieceTable::grow() {
  std::vector<Entry> old(entries_.size() * 2);
  old.swap(entries_);
  mask_ = entries_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.id < 0) continue;
    size_t slot = place(entry.hash);
    while (entries_[slot].id >= 0) slot = (slot + 1) & mask_;
    entries_[slot] = entry;
  }
}

void set_token(std::vector<std::string>& tokens, int64_t id, const std::string& token, std::string_view where) {
  if (token.size() > kMaxTokenBytes) {
    throw Error(ErrorKind::Format, {.what = "a token is too long",
                                    .where = std::string(where),
                                    .got = std::to_string(token.size()) + " bytes",
                                    .wanted = "at most " + std::to_string(kMaxTokenBytes)});
  }
  if (id < 0 || id >= kMaxTokens) {
    throw Error(ErrorKind::Format, {.what = "the id of token \"" + token + "\" is out of range",
                                    .where = std::string(where),
                                    .got = std::to_string(id),
                                    .wanted = "0 to " + std::to_string(kMaxTokens - 1)});
  }
  if (static_cast<size_t>(id) >= tokens.size()) tokens.resize(static_cast<size_t>(id) + 1);
  tokens[static_cast<size_t>(id)] = token;
}

Vocabulary::Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)), table_(tokens_.size()) {
  for (size_t id = 0; id < tokens_.size(); ++id) {
    if (!tokens_[id].empty()) table_.insert(tokens_[id], static_cast<TokenId>(id));
  }
}

}  // namespace espalier
