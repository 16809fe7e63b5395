#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "network/network.h"

namespace espalier {
namespace {

at::ScalarType scalar_type_of(DType dtype) {
  switch (dtype) {
    case DType::F64:
      return at::kDouble;
    case DType::F32:
      return at::kFloat;
    case DType::F16:
      return at::kFloat;
    case DType::BF16:
      return at::kFloat;
    case DType::I64:
      return at::kLong;
    case DType::I32:
      return at::kInt;
    case DType::I16:
      return at::kShort;
    case DType::I8:
      return at::kChar;
    case DType::U8:
      return at::kByte;
    case DType::Bool:
      return at::kBool;
  }
  throw Error(ErrorKind::Internal, "unknown element type");
}

DType dtype_from(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return DType::F64;
    case at::kFloat:
      return DType::F32;
    case at::kHalf:
      return DType::F16;
    case at::kBFloat16:
      return DType::BF16;
    case at::kLong:
      return DType::I64;
    case at::kInt:
      return DType::I32;
    case at::kShort:
      return DType::I16;
    case at::kChar:
      return DType::I8;
    case at::kByte:
      return DType::U8;
    case at::kBool:
      return DType::Bool;
    default:
      break;
  }
  throw Error(ErrorKind::Unsupported, {.what = "a torch tensor has an element type that no file holds",
                                       .where = "",
                                       .got = c10::toString(type),
                                       .wanted = "a floating or integer type",
                                       .next = ""});
}

}  // namespace

at::Tensor to_torch(const Tensor& tensor) {
  const bool half = tensor.dtype() == DType::F16 || tensor.dtype() == DType::BF16;
  const Tensor source = half ? tensor.to_float32() : tensor;
  at::Tensor copy = at::empty(source.shape(), at::TensorOptions().dtype(scalar_type_of(source.dtype())));
  if (!source.bytes().empty()) std::memcpy(copy.data_ptr(), source.bytes().data(), source.bytes().size());
  return copy;
}

Tensor from_torch(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  // A copy of its own: the torch tensor may go on changing in place.
  auto keeper = std::make_shared<const at::Tensor>(plain.is_alias_of(tensor) ? plain.clone() : plain);
  const auto bytes = static_cast<size_t>(keeper->numel()) * keeper->element_size();
  return Tensor(dtype_from(keeper->scalar_type()), keeper->sizes().vec(),
                {static_cast<const std::byte*>(keeper->data_ptr()), bytes}, keeper);
}

NetworkBatch make_network_batch(const std::vector<const Encoding*>& encodings, TokenId pad_id,
                                const std::string& device) {
  size_t longest = 0;
  for (const Encoding* encoding : encodings) {
    if (encoding->size() == 0) throw Error(ErrorKind::InvalidInput, "a sequence of a batch has no tokens");
    longest = std::max(longest, encoding->size());
  }
  if (longest == 0) throw Error(ErrorKind::InvalidInput, "a batch has no sequences");
  const std::vector<int64_t> shape = {static_cast<int64_t>(encodings.size()), static_cast<int64_t>(longest)};
  NetworkBatch batch{at::full(shape, pad_id, at::kLong), at::zeros(shape, at::kLong), at::zeros(shape, at::kLong)};
  auto* ids = batch.input_ids.data_ptr<int64_t>();
  auto* types = batch.token_type_ids.data_ptr<int64_t>();
  auto* mask = batch.attention_mask.data_ptr<int64_t>();
  BatchFacts facts{.lowest_id = std::numeric_limits<int64_t>::max(), .highest_id = -1, .padded = false};
  for (const Encoding* encoding : encodings) {
    facts.padded |= encoding->size() < longest;
    std::copy(encoding->ids.begin(), encoding->ids.end(), ids);
    std::copy_n(encoding->type_ids.begin(), std::min(encoding->type_ids.size(), encoding->size()), types);
    std::fill_n(mask, encoding->size(), 1);
    const auto [lowest, highest] = std::minmax_element(ids, ids + longest);
    facts.lowest_id = std::min(facts.lowest_id, *lowest);
    facts.highest_id = std::max(facts.highest_id, *highest);
    const auto [lowest_type, highest_type] = std::minmax_element(types, types + longest);
    facts.lowest_type = std::min(facts.lowest_type, *lowest_type);
    facts.highest_type = std::max(facts.highest_type, *highest_type);
    ids += longest;
    types += longest;
    mask += longest;
  }
  const at::Device target(device);
  return {batch.input_ids.to(target), batch.token_type_ids.to(target), batch.attention_mask.to(target), {}, {}, facts};
}

}  // namespace espalier
