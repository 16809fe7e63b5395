#pragma once
// Reading and writing the members of an architecture's JSON: what has its default is not written, what is not known is
// refused.

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace espalier {

inline constexpr int64_t kMaxSize = int64_t{1} << 31;

inline std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Reads the members of one object and refuses those that nobody read.
class Members {
 public:
  Members(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}
  const std::string& where() const { return where_; }

  template <typename T>
  T get(const char* key) {
    known_.insert(key);
    return json_get<T>(json_, key, where_);
  }
  bool has(const char* key) {
    known_.insert(key);
    return json_.contains(key);
  }
  int64_t size(const char* key, int64_t least) {
    const Json value = get<Json>(key);
    if (value.is_number_integer() && value.get<int64_t>() >= least && value.get<int64_t>() < kMaxSize) {
      return value.get<int64_t>();
    }
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" is out of range", key), where_, text_of(value),
                                    fmt::format("a whole number from {} to 2^31 - 1", least), ""});
  }
  double real(const char* key, double low, double high) {
    const auto value = get<double>(key);
    if (std::isfinite(value) && value >= low && value <= high) return value;
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" is out of range", key), where_, fmt::format("{}", value),
                                    fmt::format("{} to {}", low, high), ""});
  }
  template <typename Enum, size_t N>
  Enum choice(const char* key, const std::array<std::string_view, N>& names) {
    const auto name = get<std::string>(key);
    for (size_t i = 0; i < N; ++i) {
      if (names[i] == name) return static_cast<Enum>(i);
    }
    throw Error(ErrorKind::Format, {fmt::format("\"{}\" is not known", key), where_, name,
                                    fmt::format("one of {}", fmt::join(names, ", ")), ""});
  }
  // The same when the member is there; `value` keeps what it has when it is not.
  void size_if(const char* key, int64_t least, int64_t& value) {
    if (has(key)) value = size(key, least);
  }
  void real_if(const char* key, double low, double high, double& value) {
    if (has(key)) value = real(key, low, high);
  }
  void flag_if(const char* key, bool& value) {
    if (has(key)) value = get<bool>(key);
  }
  template <typename Enum, size_t N>
  void choice_if(const char* key, const std::array<std::string_view, N>& names, Enum& value) {
    if (has(key)) value = choice<Enum>(key, names);
  }

  void refuse_others() const {
    for (const auto& [key, value] : json_.items()) {
      if (known_.contains(key)) continue;
      throw Error(ErrorKind::Unsupported,
                  {fmt::format("\"{}\" is not a member that this program knows", key), where_, text_of(value),
                   "the members of an architecture", "Open it with a newer Espalier."});
    }
  }

 private:
  const Json& json_;
  std::string where_;
  std::set<std::string> known_;
};

// Adds members that differ from their default.
template <typename T>
void put(Json& json, const char* key, const T& value, const T& usual) {
  if (value != usual) json[key] = value;
}
template <typename Enum, size_t N>
void put_choice(Json& json, const char* key, Enum value, Enum usual, const std::array<std::string_view, N>& names) {
  if (value != usual) json[key] = names.at(static_cast<size_t>(value));
}

}  // namespace espalier
