#pragma once
// JSON values: nlohmann-json with sorted keys, so that the same value always has the same text.

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier {

using Json = nlohmann::json;

// Parses text; a fault becomes a Format error that names `where`, line and column.
// Nesting deeper than 200 levels is refused.
Json parse_json(std::string_view text, std::string_view where);

// Reads and parses a whole file (at most `max_bytes`).
Json read_json_file(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);

// The member `key` of `object` as T; a Format error that names `where` if it is missing or of another type. A whole
// number must be written as one and fit T.
template <typename T>
T json_get(const Json& object, std::string_view key, std::string_view where);

// The same with a value for a missing or null member.
template <typename T>
T json_get_or(const Json& object, std::string_view key, T fallback, std::string_view where);

namespace detail {
[[noreturn]] void throw_json_member_error(std::string_view key, std::string_view where, const Json* found,
                                          std::string_view problem);

// Whether nothing is lost on the way to T: the library would cut reals short and wrap numbers that are too large.
template <typename T>
bool holds_whole(const Json& value) {
  if constexpr (std::is_same_v<T, bool> || !std::is_integral_v<T>) {
    return true;
  } else if (value.is_number_unsigned()) {
    return std::in_range<T>(value.get<uint64_t>());
  } else if (value.is_number_integer()) {
    return std::in_range<T>(value.get<int64_t>());
  } else {
    return !value.is_number_float() && !value.is_boolean();
  }
}

template <typename T>
struct WholeCheck {
  static bool passes(const Json& value) { return holds_whole<T>(value); }
};
template <typename T>
struct WholeCheck<std::vector<T>> {
  static bool passes(const Json& value) { return std::all_of(value.begin(), value.end(), WholeCheck<T>::passes); }
};
}  // namespace detail

template <typename T>
T json_get(const Json& object, std::string_view key, std::string_view where) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) {
    detail::throw_json_member_error(key, where, nullptr, "is missing");
  }
  if (!detail::WholeCheck<T>::passes(*found)) {
    detail::throw_json_member_error(key, where, &*found, "does not hold whole numbers that fit");
  }
  try {
    return found->template get<T>();
  } catch (const Json::exception&) {
    detail::throw_json_member_error(key, where, &*found, "has the wrong type");
  }
}

template <typename T>
T json_get_or(const Json& object, std::string_view key, T fallback, std::string_view where) {
  if (!object.is_object()) detail::throw_json_member_error(key, where, &object, "is not inside an object");
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  return json_get<T>(object, key, where);
}

}  // namespace espalier
