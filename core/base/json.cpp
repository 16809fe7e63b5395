#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <system_error>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

constexpr size_t kMaxDepth = 200;

// Walks over text and leaves behind how far the parser has come.
class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, const char** seen) : at_(at), seen_(seen) {}
  reference operator*() const { return *at_; }
  TrackingIterator& operator++() {
    ++at_;
    *seen_ = std::max(*seen_, at_);
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const TrackingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** seen_;
};

// Builds the value event by event, refusing what the library lets pass: repeated keys and unbounded depth.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, std::string_view where, const char* const* seen)
      : text_(text), where_(where), seen_(seen) {}

  Json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (stack_.back()->contains(name)) {
      fail("the key \"" + name + "\" appears twice in one object", position(), "every key once");
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t byte, const std::string& token, const nlohmann::detail::exception& error) override {
    std::string reason = error.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ...": our own position follows.
    if (const size_t colon = reason.find(": "); colon != std::string::npos) reason = reason.substr(colon + 2);
    static_cast<void>(token);
    fail("not valid JSON: " + reason, byte == 0 ? 0 : byte - 1, "JSON text in UTF-8");
  }

 private:
  size_t position() const { return static_cast<size_t>(*seen_ - text_.data()); }

  [[noreturn]] void fail(const std::string& what, size_t byte, const std::string& wanted) const {
    const std::string_view before = text_.substr(0, std::min(byte, text_.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t newline = before.rfind('\n');
    const size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    throw Error(ErrorKind::Format, {what, fmt::format("{}, line {}, column {}", where_, line, column), "", wanted, ""});
  }

  template <typename T>
  bool put(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }

  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *stack_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  bool open(Json empty) {
    if (stack_.size() >= kMaxDepth) {
      fail("nested too deeply", position(), fmt::format("at most {} levels", kMaxDepth));
    }
    stack_.push_back(place(std::move(empty)));
    return true;
  }

  bool close() {
    stack_.pop_back();
    return true;
  }

  std::string_view text_;
  std::string_view where_;
  const char* const* seen_;
  Json root_;
  std::vector<Json*> stack_;  // the objects and arrays that are open; a parent does not grow while a child is
  std::string key_;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view where) {
  const char* seen = text.data();
  Builder builder(text, where, &seen);
  Json::sax_parse(TrackingIterator(text.data(), &seen), TrackingIterator(text.data() + text.size(), &seen), &builder);
  return builder.take();
}

Json read_json_file(const std::filesystem::path& path, size_t max_bytes) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) {
    throw Error(ErrorKind::Io, {"no such file", path.string(), "", "a JSON file", ""});
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw Error(ErrorKind::Io, {"not a file", path.string(), "", "a JSON file", ""});
  }
  const auto size = std::filesystem::file_size(path, code);
  if (!code && size > max_bytes) {
    throw Error(ErrorKind::InvalidInput, {"the file is too large", path.string(), fmt::format("{} bytes", size),
                                          fmt::format("at most {} bytes", max_bytes), ""});
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (!stream) throw Error(ErrorKind::Io, {"cannot be read", path.string(), "", "", "Check that it may be read."});
  return parse_json(text, path.string());
}

namespace detail {

void throw_json_member_error(std::string_view key, std::string_view where, const Json* found,
                             std::string_view problem) {
  std::string got;
  if (found != nullptr) got = found->dump(-1, ' ', false, Json::error_handler_t::replace);
  throw Error(ErrorKind::Format, {fmt::format("\"{}\" {}", key, problem), std::string(where), got, "", ""});
}

}  // namespace detail
}  // namespace espalier
