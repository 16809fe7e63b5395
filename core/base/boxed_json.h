#pragma once
// A JSON value as a member of what many files read: these need not know base/json.h.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/json_fwd.h"

namespace espalier {

// Copied with its value. One that was moved from may only be assigned to or destroyed.
class BoxedJson {
 public:
  BoxedJson();  // an object without members
  // NOLINTBEGIN(google-explicit-constructor): as Json itself is made of these
  BoxedJson(Json value);
  BoxedJson(std::nullptr_t);
  BoxedJson(bool value);
  BoxedJson(int value);
  BoxedJson(int64_t value);
  BoxedJson(double value);
  BoxedJson(const char* value);
  // NOLINTEND(google-explicit-constructor)
  BoxedJson(const BoxedJson& other);
  BoxedJson(BoxedJson&& other) noexcept;
  BoxedJson& operator=(const BoxedJson& other);
  BoxedJson& operator=(BoxedJson&& other) noexcept;
  ~BoxedJson();

  Json& operator*() { return *value_; }
  const Json& operator*() const { return *value_; }
  Json* operator->() { return value_.get(); }
  const Json* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<Json> value_;
};

}  // namespace espalier
