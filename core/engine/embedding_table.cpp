#include "engine/embedding_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/weight_bits.h"

namespace espalier {

EmbeddingTable::EmbeddingTable(LinearFactory& factory, const Weight& weight)
    : kernels_(factory.kernels()), width_(shape_of(weight)[1]) {
  if (const auto* dense = weight.as<Dense>()) {
    values_ = dense->values;
    if (values_.dtype() == DType::F64) {
      values_ = values_.to_float32();
      converted_ = true;
    }
    form_ = fmt::format("{} rows", to_string(values_.dtype()));
  } else if (const auto* masked = weight.as<Masked>()) {
    values_ = masked->values.to_float32();
    form_ = "F32 rows, masked";
  } else if (const auto* quantized = weight.as<Quantized>()) {
    codes_ = *quantized;
    form_ = fmt::format("{}-bit codes, decoded a row", quantized->bits);
  } else {
    const auto& low_rank = *weight.as<LowRank>();
    left_ = std::make_unique<EmbeddingTable>(factory, *low_rank.left);
    up_ = factory.transposed(*low_rank.right);
    if (const auto* codes = low_rank.right->as<Quantized>()) {
      const std::span<const float> scales = codes->scales.values<float>();
      up_scales_.assign(scales.begin(), scales.end());
      up_scales_.resize(static_cast<size_t>(left_->width()), scales.empty() ? 1.0F : scales.front());
    }
    form_ = fmt::format("low rank {} ({}; {})", left_->width(), left_->describe(), up_->describe());
  }
}

void EmbeddingTable::look_up(Lane& lane, std::span<const TokenId> ids, float* out) const {
  const auto rows = static_cast<int64_t>(ids.size());
  if (left_) {
    float* between = lane.factors;
    lane.factors += rows * left_->width();
    left_->look_up(lane, ids, between);
    for (int64_t r = 0; r < rows && !up_scales_.empty(); ++r) {
      kernels_.multiply_by(between + r * left_->width(), up_scales_.data(), left_->width());
    }
    up_->run(lane, between, 0, rows, nullptr, kernels::Activation::None, out);
    lane.factors = between;
    return;
  }
  if (codes_) {
    for (int64_t r = 0; r < rows; ++r) decode_row(ids[static_cast<size_t>(r)], out + r * width_);
    return;
  }
  const std::byte* data = values_.bytes().data();
  for (int64_t r = 0; r < rows; ++r) {
    const auto id = static_cast<size_t>(ids[static_cast<size_t>(r)]);
    const std::byte* row = data + id * static_cast<size_t>(width_) * size_of(values_.dtype());
    float* to = out + r * width_;
    switch (values_.dtype()) {
      case DType::F16:
        kernels_.decode_half(reinterpret_cast<const uint16_t*>(row), width_, to);
        break;
      case DType::BF16:
        kernels_.decode_bfloat16(reinterpret_cast<const uint16_t*>(row), width_, to);
        break;
      default:
        std::copy_n(reinterpret_cast<const float*>(row), width_, to);
        break;
    }
  }
}

// Of codes.
void EmbeddingTable::decode_row(int64_t row, float* to) const {
  const std::span<const float> scales = codes_->scales.values<float>();
  const float scale = scales[scales.size() == 1 ? 0 : static_cast<size_t>(row)];
  const int64_t first = row * width_;
  if (codes_->bits == 8) {
    kernels_.decode_int8(codes_->codes.values<int8_t>().data() + first, width_, scale, to);
    return;
  }
  std::array<int8_t, 256> part;
  for (int64_t c = 0; c < width_; c += std::ssize(part)) {
    const int64_t count = std::min(std::ssize(part), width_ - c);
    read_codes(*codes_, first + c, std::span(part).first(static_cast<size_t>(count)));
    kernels_.decode_int8(part.data(), count, scale, to + c);
  }
}

int64_t EmbeddingTable::resident_bytes() const {
  if (left_) return left_->resident_bytes() + up_->resident_bytes();
  return converted_ ? static_cast<int64_t>(values_.bytes().size()) : 0;
}

std::string EmbeddingTable::describe() const { return form_; }

int64_t EmbeddingTable::factor_floats() const {
  return left_ ? left_->width() + std::max(left_->factor_floats(), up_->factor_floats()) : 0;
}

}  // namespace espalier
