#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/index.h"

namespace espalier {

// A perfect dictionary of byte strings: open addressing over hashes that grow byte by byte, so that all prefixes of a
// word are hashed in one pass.
class PieceTable {
 public:
  static constexpr uint64_t kSeed = 0xcbf29ce484222325ULL;
  static uint64_t extend(uint64_t hash, char byte) {  // FNV-1a
    return (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3ULL;
  }
  static uint64_t hash_of(std::string_view text) {
    uint64_t hash = kSeed;
    for (const char byte : text) hash = extend(hash, byte);
    return hash;
  }

  PieceTable() : PieceTable(0) {}
  explicit PieceTable(size_t expected);

  // The last insertion of a text counts.
  void insert(std::string_view text, TokenId id);
  // -1 when absent. `hash` must be hash_of(text).
  TokenId find(std::string_view text, uint64_t hash) const {
    for (size_t slot = place(hash);; slot = (slot + 1) & mask_) {
      const Entry& entry = entries_[slot];
      if (entry.id < 0) return -1;
      if (entry.hash == hash && std::string_view(bytes_).substr(entry.begin, entry.size) == text) return entry.id;
    }
  }
  TokenId find(std::string_view text) const { return find(text, hash_of(text)); }

  size_t longest() const { return longest_; }  // bytes of the longest entry

 private:
  struct Entry {
    uint64_t hash = 0;
    uint32_t begin = 0;
    uint32_t size = 0;
    TokenId id = -1;
  };
  size_t place(uint64_t hash) const { return static_cast<size_t>(hash ^ (hash >> 32)) & mask_; }
  void grow();

  std::vector<Entry> entries_;
  size_t mask_ = 0;
  size_t used_ = 0;
  size_t longest_ = 0;
  std::string bytes_;
};

// Far above any vocabulary in use: a mistyped id must not make a table of gigabytes, nor one endless token every
// search.
inline constexpr int64_t kMaxTokens = 4'000'000;
inline constexpr size_t kMaxTokenBytes = 1024;

// Puts a token at its id and makes room for it. Format naming `where` when id or token exceed the limits.
void set_token(std::vector<std::string>& tokens, int64_t id, const std::string& token, std::string_view where);

// Tokens by id and ids by token.
class Vocabulary {
 public:
  // Tokens by id; empty strings are gaps. With duplicates the higher id counts, as in the reference.
  explicit Vocabulary(std::vector<std::string> tokens);

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  const std::string& token(TokenId id) const { return tokens_[static_cast<size_t>(id)]; }
  TokenId find(std::string_view token) const { return table_.find(token); }  // -1 when absent
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  std::vector<std::string> tokens_;
  PieceTable table_;
};

}  // namespace espalier
