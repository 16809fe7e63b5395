#include "tests/support/torch_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace espalier::test {
namespace {

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += part;
  return all;
}

std::string key_value(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string all;
  for (const auto& [name, value] : members) all += py_text(name) + value;
  return all;
}

const char* storage_class(DType dtype) {
  switch (dtype) {
    case DType::F64:
      return "DoubleStorage";
    case DType::F32:
      return "FloatStorage";
    case DType::F16:
      return "HalfStorage";
    case DType::BF16:
      return "BFloat16Storage";
    case DType::I64:
      return "LongStorage";
    case DType::I32:
      return "IntStorage";
    case DType::I16:
      return "ShortStorage";
    case DType::I8:
      return "CharStorage";
    case DType::U8:
      return "ByteStorage";
    case DType::Bool:
      return "BoolStorage";
  }
  return "";
}

std::string py_shape(const Shape& shape) {
  std::vector<std::string> items;
  for (const int64_t size : shape) items.push_back(py_int(size));
  return py_tuple(items);
}

std::string bytes_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size()};
}

constexpr uint32_t kSee64 = 0xFFFFFFFF;

}  // namespace

std::string pickled(const std::string& body, int protocol) {
  return std::string("\x80") + static_cast<char>(protocol) + body + ".";
}

std::string py_text(const std::string& text) {
  return std::string("X") + raw(static_cast<uint32_t>(text.size())) + text;
}

std::string py_int(int64_t value) {
  if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
    return std::string("J") + raw(static_cast<int32_t>(value));
  }
  return std::string("\x8a\x08") + raw(value);
}

std::string py_none() { return "N"; }
std::string py_bool(bool value) { return value ? "\x88" : "\x89"; }
std::string py_tuple(const std::vector<std::string>& items) { return std::string("(") + joined(items) + "t"; }
std::string py_list(const std::vector<std::string>& items) { return std::string("](") + joined(items) + "e"; }

std::string py_dict(const std::vector<std::pair<std::string, std::string>>& members) {
  return std::string("}(") + key_value(members) + "u";
}

std::string py_global(const std::string& module, const std::string& name) {
  return std::string("c") + module + "\n" + name + "\n";
}

std::string py_call(const std::string& callee, const std::vector<std::string>& arguments) {
  return callee + py_tuple(arguments) + "R";
}

std::string py_ordered_dict(const std::vector<std::pair<std::string, std::string>>& members) {
  return py_call(py_global("collections", "OrderedDict"), {}) + "(" + key_value(members) + "u";
}

std::string zip_of(const std::vector<ZipMember>& members, const ZipStyle& style) {
  std::string archive;
  std::string directory;
  for (const ZipMember& member : members) {
    const uint64_t header = archive.size();
    const uint64_t size = member.bytes.size();
    const auto small = style.zip64 ? kSee64 : static_cast<uint32_t>(size);
    const std::string names = raw(static_cast<uint16_t>(member.name.size()));
    std::string extra = style.zip64 ? raw(uint16_t{1}) + raw(uint16_t{16}) + raw(size) + raw(size) : "";
    const size_t begin = header + 30 + member.name.size() + extra.size() + 4;
    const size_t padding = style.alignment > 1 ? (style.alignment - begin % style.alignment) % style.alignment : 0;
    if (style.alignment > 1)
      extra += std::string("FB") + raw(static_cast<uint16_t>(padding)) + std::string(padding, 'Z');
    // version, flags (names in UTF-8), method, time and date, checksum, sizes
    const std::string shared = raw(uint16_t{0}) + raw(uint16_t{0x0800}) + raw(uint16_t{0}) + raw(uint32_t{0}) +
                               raw(uint32_t{0}) + raw(small) + raw(small) + names;
    archive += raw(uint32_t{0x04034b50}) + shared + raw(static_cast<uint16_t>(extra.size())) + member.name + extra;
    archive += member.bytes;
    const std::string far =
        style.zip64 ? raw(uint16_t{1}) + raw(uint16_t{24}) + raw(size) + raw(size) + raw(header) : std::string();
    directory += raw(uint32_t{0x02014b50}) + raw(uint16_t{0}) + shared + raw(static_cast<uint16_t>(far.size())) +
                 raw(uint16_t{0}) + raw(uint16_t{0}) + raw(uint16_t{0}) + raw(uint32_t{0}) +
                 raw(style.zip64 ? kSee64 : static_cast<uint32_t>(header)) + member.name + far;
  }
  const uint64_t offset = archive.size();
  const uint64_t count = members.size();
  archive += directory;
  if (style.zip64) {
    const uint64_t end64 = archive.size();
    archive += raw(uint32_t{0x06064b50}) + raw(uint64_t{44}) + raw(uint32_t{0}) + raw(uint64_t{0}) + raw(count) +
               raw(count) + raw(uint64_t{directory.size()}) + raw(offset);
    archive += raw(uint32_t{0x07064b50}) + raw(uint32_t{0}) + raw(end64) + raw(uint32_t{1});
  }
  const auto counted = style.zip64 ? uint16_t{0xFFFF} : static_cast<uint16_t>(count);
  archive += raw(uint32_t{0x06054b50}) + raw(uint32_t{0}) + raw(counted) + raw(counted) +
             raw(style.zip64 ? kSee64 : static_cast<uint32_t>(directory.size())) +
             raw(style.zip64 ? kSee64 : static_cast<uint32_t>(offset)) + raw(uint16_t{0});
  return archive;
}

Shape row_major_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<int64_t>(1, shape[i]);
  return strides;
}

TorchContent torch_content(const std::map<std::string, Tensor>& tensors) {
  TorchContent content;
  for (const auto& [name, tensor] : tensors) {
    const std::string key = std::to_string(content.storages.size());
    content.storages[key] = tensor.reshaped({tensor.numel()});
    content.views.emplace_back(name, TorchView{key, 0, tensor.shape(), row_major_strides(tensor.shape())});
  }
  return content;
}

std::string py_view(const TorchContent& content, const TorchView& view, bool legacy) {
  const Tensor& storage = content.storages.at(view.storage);
  std::vector<std::string> identity = {py_text("storage"), py_global("torch", storage_class(storage.dtype())),
                                       py_text(view.storage), py_text("cpu"), py_int(storage.numel())};
  if (legacy) identity.push_back(py_none());
  const std::string tensor = py_call(py_global("torch._utils", "_rebuild_tensor_v2"),
                                     {py_tuple(identity) + "Q", py_int(view.offset), py_shape(view.shape),
                                      py_shape(view.strides), py_bool(false), py_ordered_dict({})});
  if (!view.parameter) return tensor;
  return py_call(py_global("torch._utils", "_rebuild_parameter"), {tensor, py_bool(true), py_ordered_dict({})});
}

std::string torch_pickle(const TorchContent& content, bool legacy) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, view] : content.views) members.emplace_back(name, py_view(content, view, legacy));
  std::string body;
  if (content.wrappers.empty()) {
    members.insert(members.end(), content.others.begin(), content.others.end());
    // As a module's state dict: an attribute that says which version each module has.
    body = py_ordered_dict(members) + py_dict({{"_metadata", py_ordered_dict({})}}) + "b";
  } else {
    body = py_ordered_dict(members);
  }
  for (size_t i = content.wrappers.size(); i-- > 0;) {
    std::vector<std::pair<std::string, std::string>> around = {{content.wrappers[i], body}};
    if (i == 0) around.insert(around.end(), content.others.begin(), content.others.end());
    body = py_dict(around);
  }
  return pickled(body);
}

std::vector<ZipMember> torch_members(const TorchContent& content) {
  std::vector<ZipMember> members = {{"archive/data.pkl", torch_pickle(content)}, {"archive/byteorder", "little"}};
  for (const auto& [key, storage] : content.storages) members.push_back({"archive/data/" + key, bytes_of(storage)});
  members.push_back({"archive/version", "3\n"});
  return members;
}

std::string torch_zip(const TorchContent& content, const ZipStyle& style) {
  return zip_of(torch_members(content), style);
}

std::string torch_legacy(const TorchContent& content) {
  std::string file = pickled("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + pickled(py_int(1001)) +
                     pickled(py_dict({{"protocol_version", py_int(1001)},
                                      {"little_endian", py_bool(true)},
                                      {"type_sizes", py_dict({{"short", py_int(2)}})}})) +
                     torch_pickle(content, true);
  std::vector<std::string> keys;
  for (const auto& [key, storage] : content.storages) keys.push_back(py_text(key));
  file += pickled(py_list(keys));
  for (const auto& [key, storage] : content.storages) file += raw(storage.numel()) + bytes_of(storage);
  return file;
}

}  // namespace espalier::test
