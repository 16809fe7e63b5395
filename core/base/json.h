#pragma once
// JSON values: nlohmann-json with sorted keys, so that the same value always has the same text.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace espalier {

using Json = nlohmann::json;

// Parses text; a fault becomes a Format error that names `where`, line and column.
// Nesting deeper than 200 levels is refused.
Json parse_json(std::string_view text, std::string_view where);

// Reads and parses a whole file (at most `max_bytes`).
Json read_json_file(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);

// The member `key` of `object` as T; a Format error that names `where` if it is missing or of another type.
template <typename T>
T json_get(const Json& object, std::string_view key, std::string_view where);

// The same with a value for a missing or null member.
template <typename T>
T json_get_or(const Json& object, std::string_view key, T fallback, std::string_view where);

namespace detail {
[[noreturn]] void throw_json_member_error(std::string_view key, std::string_view where, const Json* found,
                                          std::string_view problem);
}

template <typename T>
T json_get(const Json& object, std::string_view key, std::string_view where) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) {
    detail::throw_json_member_error(key, where, nullptr, "is missing");
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
