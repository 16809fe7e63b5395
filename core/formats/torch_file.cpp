#include "formats/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "formats/atomic_file.h"
#include "formats/byte_reader.h"
#include "formats/torch_objects.h"
#include "formats/zip_archive.h"

namespace espalier {
namespace {

constexpr std::string_view kPickleName = "data.pkl";
constexpr int64_t kLegacyProtocol = 1001;
// 0x1950a86a20f9469cfc6c, little endian.
constexpr std::array<unsigned char, 10> kLegacyMagic = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr int kNewestVersion = 10;

using StorageBytes = std::map<std::string, std::span<const std::byte>>;

[[noreturn]] void fail(const std::string& where, std::string what, std::string got, std::string wanted,
                       ErrorKind kind = ErrorKind::Format,
                       std::string next = "The file is damaged or cut short: fetch it again.") {
  throw Error(kind, {std::move(what), where, std::move(got), std::move(wanted), std::move(next)});
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check_byte_order(std::string_view order, const std::string& where) {
  if (order == "little") return;
  fail(where, "another byte order than this machine's", std::string(order), "little", ErrorKind::Unsupported,
       "Save the checkpoint on a little-endian machine.");
}

uint64_t bytes_of(const TorchStorage& storage, const std::string& where, const std::string& key) {
  const uint64_t element = size_of(storage.dtype);
  if (static_cast<uint64_t>(storage.numel) > (uint64_t{1} << 62) / element) {
    fail(where, fmt::format("the size of storage {} overflows", key), fmt::format("{} elements", storage.numel),
         "fewer than 2^62 bytes");
  }
  return static_cast<uint64_t>(storage.numel) * element;
}

// --- Tensors from storages -------------------------------------------------------------------------------------------

class TensorMaker {
 public:
  TensorMaker(const TorchObjects& objects, StorageBytes bytes, std::shared_ptr<const void> keeper, size_t file_bytes,
              std::string where)
      : objects_(objects),
        bytes_(std::move(bytes)),
        keeper_(std::move(keeper)),
        copies_left_(2 * file_bytes),
        where_(std::move(where)) {}

  Tensor make(const std::string& name, const TorchTensor& said) {
    const DType dtype = objects_.storages.at(said.storage).dtype;
    const size_t element = size_of(dtype);
    const auto count = static_cast<size_t>(num_elements(said.shape));
    if (count == 0) return {dtype, said.shape, {}, keeper_};
    const Held& storage = held(said.storage, element);
    const auto from = storage.bytes.subspan(static_cast<size_t>(said.offset) * element);
    if (in_order(said)) return {dtype, said.shape, from.first(count * element), storage.keeper};
    spend(count * element, name);
    auto owner = std::make_shared<std::vector<std::byte>>(count * element);
    gather(said, from, element, *owner);
    return {dtype, said.shape, *owner, owner};
  }

 private:
  struct Held {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> keeper;
  };

  // A storage that is aligned for its type: copied once when it is not where it lies.
  const Held& held(const std::string& key, size_t element) {
    const auto known = held_.find(key);
    if (known != held_.end()) return known->second;
    const auto bytes = bytes_.at(key);
    if (reinterpret_cast<uintptr_t>(bytes.data()) % element == 0) {
      return held_.emplace(key, Held{bytes, keeper_}).first->second;
    }
    spend(bytes.size(), "storage " + key);
    const auto owner = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    return held_.emplace(key, Held{*owner, owner}).first->second;
  }

  // Row-major without gaps; the stride of an axis of one element does not matter.
  static bool in_order(const TorchTensor& said) {
    int64_t stride = 1;
    for (size_t i = said.shape.size(); i-- > 0;) {
      if (said.shape[i] != 1 && said.strides[i] != stride) return false;
      stride *= said.shape[i];
    }
    return true;
  }

  static void gather(const TorchTensor& said, std::span<const std::byte> from, size_t element,
                     std::span<std::byte> out) {
    Shape index(said.shape.size(), 0);
    int64_t at = 0;
    for (size_t to = 0; to < out.size(); to += element) {
      std::memcpy(out.data() + to, from.data() + static_cast<size_t>(at) * element, element);
      for (size_t axis = index.size(); axis-- > 0;) {
        at += said.strides[axis];
        if (++index[axis] < said.shape[axis]) break;
        at -= said.strides[axis] * said.shape[axis];
        index[axis] = 0;
      }
    }
  }

  void spend(size_t bytes, const std::string& name) {
    if (bytes > copies_left_) {
      fail(fmt::format("{}, {}", where_, name), "too much would have to be copied", fmt::format("{} bytes more", bytes),
           "tensors whose elements lie in order", ErrorKind::Unsupported, "Save contiguous tensors.");
    }
    copies_left_ -= bytes;
  }

  const TorchObjects& objects_;
  StorageBytes bytes_;
  std::shared_ptr<const void> keeper_;
  size_t copies_left_;
  std::string where_;
  std::map<std::string, Held> held_;
};

TensorFile make_tensors(TorchObjects objects, StorageBytes bytes, const std::shared_ptr<const void>& keeper,
                        size_t file_bytes, const std::string& where) {
  TensorMaker maker(objects, std::move(bytes), keeper, file_bytes, where);
  TensorFile file;
  for (const auto& [name, said] : objects.tensors) file.tensors.emplace(name, maker.make(name, said));
  file.passed_over = std::move(objects.passed_over);
  return file;
}

// --- Zip -------------------------------------------------------------------------------------------------------------

// The folder inside the archive that holds everything, with its slash.
std::string folder_of(const ZipEntries& entries, const std::string& where) {
  std::string folder;
  int found = 0;
  for (const auto& [name, bytes] : entries) {
    if (!name.ends_with(kPickleName)) continue;
    const std::string before = name.substr(0, name.size() - kPickleName.size());
    if (!before.empty() && !before.ends_with('/')) continue;
    folder = before;
    ++found;
  }
  if (found != 1) {
    fail(where, "the archive is no torch checkpoint", fmt::format("{} entries data.pkl", found), "one entry data.pkl",
         ErrorKind::Format, "");
  }
  return folder;
}

void check_archive(const ZipEntries& entries, const std::string& folder, const std::string& where) {
  if (entries.contains(folder + "constants.pkl")) {
    fail(where, "a TorchScript program is not read", "constants.pkl", "a state dict", ErrorKind::Unsupported,
         "Save the model's state_dict.");
  }
  const auto version = entries.find(folder + "version");
  if (version == entries.end()) fail(where, "the archive does not say its version", "", "an entry version");
  std::string_view text = text_of(version->second);
  while (text.ends_with('\n')) text.remove_suffix(1);
  int number = 0;
  for (const char c : text.substr(0, 4)) number = c >= '0' && c <= '9' ? number * 10 + (c - '0') : kNewestVersion + 1;
  if (number < 1 || number > kNewestVersion) {
    fail(where, "a version of the format that is not known", std::string(text), fmt::format("1 to {}", kNewestVersion),
         ErrorKind::Unsupported, "");
  }
  const auto order = entries.find(folder + "byteorder");
  if (order != entries.end()) check_byte_order(text_of(order->second), where);
}

TensorFile parse_zip(std::span<const std::byte> bytes, const std::shared_ptr<const void>& keeper,
                     const std::string& where) {
  const ZipEntries entries = read_zip(bytes, where);
  const std::string folder = folder_of(entries, where);
  check_archive(entries, folder, where);
  const std::string pickle_name = folder + std::string(kPickleName);
  const std::string pickle_place = fmt::format("{}, {}", where, pickle_name);
  const Pickle pickle = read_pickle(entries.at(pickle_name), pickle_place, is_torch_global);
  TorchObjects objects = torch_objects(pickle, where);
  StorageBytes storages;
  for (const auto& [key, storage] : objects.storages) {
    const auto entry = entries.find(fmt::format("{}data/{}", folder, key));
    if (entry == entries.end()) {
      fail(where, "a storage is missing", fmt::format("no entry {}data/{}", folder, key), "every storage of data.pkl");
    }
    const uint64_t wanted = bytes_of(storage, where, key);
    if (entry->second.size() != wanted) {
      fail(fmt::format("{}, {}", where, entry->first), "the entry has another size than data.pkl says",
           fmt::format("{} bytes", entry->second.size()),
           fmt::format("{} bytes for {} {}", wanted, storage.numel, to_string(storage.dtype)));
    }
    storages.emplace(key, entry->second);
  }
  return make_tensors(std::move(objects), std::move(storages), keeper, bytes.size(), where);
}

// --- Before zip ------------------------------------------------------------------------------------------------------

bool no_global(std::string_view) { return false; }

bool is_legacy_magic(const Pickle& pickle) {
  const PickleNode& root = pickle.at(pickle.root);
  return root.kind == PickleKind::BigInteger && root.text.size() == kLegacyMagic.size() &&
         std::memcmp(root.text.data(), kLegacyMagic.data(), kLegacyMagic.size()) == 0;
}

void check_system(const Pickle& pickle, const std::string& where) {
  const PickleNode& root = pickle.at(pickle.root);
  if (root.kind != PickleKind::Dict) {
    fail(where, "the system is not described", std::string(to_string(root.kind)), "a dictionary");
  }
  for (size_t i = 0; i < root.items.size(); i += 2) {
    const PickleNode& value = pickle.at(root.items[i + 1]);
    if (pickle.at(root.items[i]).text != "little_endian") continue;
    check_byte_order(value.kind == PickleKind::Bool && value.integer == 1 ? "little" : "big", where);
  }
}

// magic, protocol, system, objects, keys of storages: five pickles; then for every key a count and the elements.
TensorFile parse_legacy(std::span<const std::byte> bytes, const std::shared_ptr<const void>& keeper,
                        const std::string& where) {
  size_t at = 0;
  const auto next_pickle = [&](const char* name, bool (*allows)(std::string_view)) {
    Pickle pickle = read_pickle(bytes.subspan(at), fmt::format("{}, {}", where, name), allows);
    at += pickle.bytes_read;
    return pickle;
  };
  if (!is_legacy_magic(next_pickle("magic number", no_global))) {
    fail(where, "a pickle that is no torch checkpoint", "another magic number", "a file of torch.save",
         ErrorKind::Format, "");
  }
  const Pickle protocol = next_pickle("protocol", no_global);
  if (protocol.at(protocol.root).integer != kLegacyProtocol) {
    fail(where, "a protocol that is not supported", fmt::format("{}", protocol.at(protocol.root).integer),
         fmt::format("{}", kLegacyProtocol), ErrorKind::Unsupported, "");
  }
  check_system(next_pickle("system", no_global), where);
  const Pickle pickle = next_pickle("objects", is_torch_global);
  TorchObjects objects = torch_objects(pickle, where);
  const Pickle keys = next_pickle("keys", no_global);
  StorageBytes storages;
  ByteReader reader(bytes.subspan(at), where + ", storages");
  for (const PickleId id : keys.at(keys.root).items) {
    const std::string key(keys.at(id).text);
    const auto said = objects.storages.find(key);
    if (said == objects.storages.end()) {
      fail(where, "a storage that no tensor has", key, "the storages of the objects");
    }
    const auto count = reader.number<int64_t>();
    if (count != said->second.numel) {
      fail(where, fmt::format("storage {} has another size than the objects say", key),
           fmt::format("{} elements", count), fmt::format("{} elements", said->second.numel));
    }
    if (!storages.emplace(key, reader.take(bytes_of(said->second, where, key))).second) {
      fail(where, "a storage is listed twice", key, "every storage once");
    }
  }
  if (reader.left() > 0) {
    fail(where, "bytes after the last storage", fmt::format("{} bytes", reader.left()), "the end of the file");
  }
  for (const auto& [key, storage] : objects.storages) {
    if (!storages.contains(key)) fail(where, "a storage is missing", key, "every storage of the objects");
  }
  return make_tensors(std::move(objects), std::move(storages), keeper, bytes.size(), where);
}

}  // namespace

TensorFile parse_torch(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper, const std::string& where) {
  const std::string_view begin = text_of(bytes.first(std::min<size_t>(bytes.size(), 4)));
  if (begin.starts_with("PK")) return parse_zip(bytes, keeper, where);
  if (begin.starts_with('\x80')) return parse_legacy(bytes, keeper, where);
  fail(where, "the file is no torch checkpoint", bytes.empty() ? "an empty file" : "another begin",
       "a zip archive or pickles of torch.save");
}

TensorFile read_torch(const std::filesystem::path& file) {
  const MappedFile mapped = map_file(file);
  return parse_torch(mapped.bytes, mapped.keeper, file.string());
}

}  // namespace espalier
