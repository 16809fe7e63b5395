#include "base/boxed_json.h"

#include "base/json.h"

namespace espalier {

BoxedJson::BoxedJson() : BoxedJson(Json::object()) {}
BoxedJson::BoxedJson(Json value) : value_(std::make_unique<Json>(std::move(value))) {}
BoxedJson::BoxedJson(std::nullptr_t) : BoxedJson(Json()) {}
BoxedJson::BoxedJson(bool value) : BoxedJson(Json(value)) {}
BoxedJson::BoxedJson(int value) : BoxedJson(Json(value)) {}
BoxedJson::BoxedJson(int64_t value) : BoxedJson(Json(value)) {}
BoxedJson::BoxedJson(double value) : BoxedJson(Json(value)) {}
BoxedJson::BoxedJson(const char* value) : BoxedJson(Json(value)) {}
BoxedJson::BoxedJson(const BoxedJson& other) : BoxedJson(*other) {}
BoxedJson::BoxedJson(BoxedJson&& other) noexcept = default;
BoxedJson& BoxedJson::operator=(const BoxedJson& other) {
  *this = BoxedJson(other);
  return *this;
}
BoxedJson& BoxedJson::operator=(BoxedJson&& other) noexcept = default;
BoxedJson::~BoxedJson() = default;

}  // namespace espalier
