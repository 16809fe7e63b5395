#include "engine/sparse_matrix.h"

#include <algorithm>

namespace espalier {

namespace {

constexpr int64_t kBand = 4;

// Time of the products against the dense one of oneDNN, in units of it: a part that every product has, and one for each
// strip; measured as docs/adr/0006-products-by-stored-form.md says.
struct Cost {
  double always;
  double strips;  // times the share of the matrix that the strips hold
};
constexpr Cost kSingle = {0.05, 2.1};
constexpr Cost kBanded = {0.03, 1.2};
// A sparse product that is not clearly faster is not worth its memory.
constexpr double kWorthwhile = 0.85;

// Whether a band reads input k.
bool reads(std::span<const float> w, int64_t depth, int64_t columns, int64_t first, int64_t band, int64_t k) {
  for (int64_t c = first; c < std::min(first + band, columns); ++c) {
    if (w[static_cast<size_t>(c * depth + k)] != 0) return true;
  }
  return false;
}

}  // namespace

SparseChoice choose_product(std::span<const float> w, int64_t depth, int64_t columns) {
  SparseChoice choice;
  if (w.empty()) return choice;
  const auto all = static_cast<double>(w.size());
  const int64_t kept = std::ssize(w) - std::count(w.begin(), w.end(), 0.0F);
  choice.density = static_cast<double>(kept) / all;
  const double single = kSingle.always + kSingle.strips * choice.density;
  // In bands there are no fewer strips than this.
  if (std::min(single, kBanded.always + kBanded.strips * choice.density) > kWorthwhile) return choice;
  int64_t strips = 0;
  for (int64_t c = 0; c < columns; c += kBand) {
    for (int64_t k = 0; k < depth; ++k) strips += reads(w, depth, columns, c, kBand, k) ? 1 : 0;
  }
  const double banded = kBanded.always + kBanded.strips * static_cast<double>(strips * kBand) / all;
  if (std::min(single, banded) <= kWorthwhile) choice.band = banded < single ? kBand : 1;
  return choice;
}

SparseMatrix::SparseMatrix(std::span<const float> w, int64_t depth, int64_t columns, int64_t band)
    : depth_(depth), columns_(columns), band_(band) {
  for (int64_t chunk = 0; chunk < depth; chunk += kernels::kSparseChunk) {
    for (int64_t first = 0; first < columns; first += band) {
      for (int64_t k = chunk; k < std::min(chunk + kernels::kSparseChunk, depth); ++k) {
        if (!reads(w, depth, columns, first, band, k)) continue;
        inputs_.push_back(static_cast<uint8_t>(k - chunk));
        for (int64_t c = first; c < first + band; ++c) {
          values_.push_back(c < columns ? w[static_cast<size_t>(c * depth + k)] : 0.0F);
        }
      }
      starts_.push_back(static_cast<uint32_t>(inputs_.size()));
    }
  }
  inputs_.shrink_to_fit();
  values_.shrink_to_fit();
  starts_.shrink_to_fit();
}

int64_t SparseMatrix::bytes() const {
  return static_cast<int64_t>(starts_.size() * sizeof(uint32_t) + inputs_.size() + values_.size() * sizeof(float));
}

int64_t SparseMatrix::scratch_bytes() const {
  return kernels::kSparseRows * (depth_ + kernels::kSparseColumns) * static_cast<int64_t>(sizeof(float));
}

kernels::SparseArgs SparseMatrix::product(const float* x, int64_t rows, const float* bias, float* y,
                                          void* scratch) const {
  return {starts_.data(),
          inputs_.data(),
          values_.data(),
          band_,
          rows,
          depth_,
          columns_,
          x,
          bias,
          y,
          static_cast<float*>(scratch)};
}

}  // namespace espalier
