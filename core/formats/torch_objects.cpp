#include "formats/torch_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/unicode.h"

namespace espalier {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxVisits = size_t{1} << 23;
constexpr size_t kMaxTensors = size_t{1} << 18;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxPassedOver = 1000;
constexpr size_t kMaxAxes = 64;

struct StorageClass {
  std::string_view name;
  DType dtype;
};

constexpr std::array<StorageClass, 12> kStorages = {{{"torch.DoubleStorage", DType::F64},
                                                     {"torch.FloatStorage", DType::F32},
                                                     {"torch.HalfStorage", DType::F16},
                                                     {"torch.BFloat16Storage", DType::BF16},
                                                     {"torch.LongStorage", DType::I64},
                                                     {"torch.IntStorage", DType::I32},
                                                     {"torch.ShortStorage", DType::I16},
                                                     {"torch.CharStorage", DType::I8},
                                                     {"torch.ByteStorage", DType::U8},
                                                     {"torch.BoolStorage", DType::Bool},
                                                     {"torch.storage.UntypedStorage", DType::U8},
                                                     {"torch.storage._UntypedStorage", DType::U8}}};

constexpr std::string_view kRebuildTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kRebuildOldTensor = "torch._utils._rebuild_tensor";
constexpr std::string_view kRebuildParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kOrderedDict = "collections.OrderedDict";
// The C++ library wraps dictionaries and lists to say of what type they are; the first argument is the value itself.
constexpr std::string_view kTypeTag = "torch.jit._pickle.restore_type_tag";
// Values that are no tensors and mean nothing more than their name or arguments.
constexpr std::array<std::string_view, 20> kPlain = {
    "torch.Size",  "torch.device",  "torch.float64", "torch.double",    "torch.float32",
    "torch.float", "torch.float16", "torch.half",    "torch.bfloat16",  "torch.int64",
    "torch.long",  "torch.int32",   "torch.int",     "torch.int16",     "torch.short",
    "torch.int8",  "torch.uint8",   "torch.bool",    "torch.complex64", "torch.complex128"};
constexpr std::array<std::string_view, 4> kWrappers = {"state_dict", "model_state_dict", "model", "module"};

template <size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const StorageClass* storage_class(std::string_view name) {
  const auto found =
      std::find_if(kStorages.begin(), kStorages.end(), [&](const StorageClass& at) { return at.name == name; });
  return found == kStorages.end() ? nullptr : &*found;
}

class Reader {
 public:
  Reader(const Pickle& pickle, const std::string& where) : pickle_(pickle), where_(where), place_(where) {}

  TorchObjects read() {
    for (const PickleNode& node : pickle_.nodes) {
      if (node.kind == PickleKind::Persistent) static_cast<void>(storage(node));
    }
    const PickleId root = unwrapped(pickle_.root);
    if (!is_container(root)) {
      fail("the checkpoint is no dictionary of tensors", describe(root), "a state dict");
    }
    walk(root, "", 0);
    return std::move(objects_);
  }

 private:
  const PickleNode& at(PickleId id) const { return pickle_.at(id); }

  [[noreturn]] void fail(std::string what, std::string got, std::string wanted) const {
    throw Error(ErrorKind::Format, {std::move(what), place_, std::move(got), std::move(wanted), ""});
  }

  bool calls(PickleId id, std::string_view global) const {
    return at(id).kind == PickleKind::Call && at(at(id).callee).text == global;
  }

  // The value behind type tags.
  PickleId bare(PickleId id) const {
    for (size_t depth = 0; depth < kMaxDepth && calls(id, kTypeTag); ++depth) {
      const auto& arguments = at(at(id).arguments).items;
      if (arguments.empty()) break;
      id = arguments.front();
    }
    return id;
  }

  bool is_dict(PickleId id) const { return at(id).kind == PickleKind::Dict || calls(id, kOrderedDict); }
  bool is_container(PickleId id) const {
    return is_dict(id) || at(id).kind == PickleKind::List || at(id).kind == PickleKind::Tuple;
  }
  bool is_tensor(PickleId id) const {
    return calls(id, kRebuildTensor) || calls(id, kRebuildOldTensor) || calls(id, kRebuildParameter);
  }

  std::string describe(PickleId id) const {
    const PickleNode& node = at(id);
    if (node.kind == PickleKind::Call) return fmt::format("a {}", at(node.callee).text);
    if (node.kind == PickleKind::Global) return std::string(node.text);
    return std::string(to_string(node.kind));
  }

  // Keys and values by turns. A program of Python 2 gives an ordered dictionary a list of pairs.
  std::vector<PickleId> members(PickleId id) {
    const PickleNode& node = at(id);
    std::vector<PickleId> items;
    if (node.kind == PickleKind::Call) {
      const auto& arguments = at(node.arguments).items;
      if (!arguments.empty()) {
        if (at(arguments.front()).kind != PickleKind::List) {
          fail("a dictionary is made of something else than pairs", describe(arguments.front()), "a list of pairs");
        }
        for (const PickleId pair : at(arguments.front()).items) {
          const bool fits =
              (at(pair).kind == PickleKind::List || at(pair).kind == PickleKind::Tuple) && at(pair).items.size() == 2;
          if (!fits) fail("a dictionary is made of something else than pairs", describe(pair), "a key and a value");
          items.insert(items.end(), at(pair).items.begin(), at(pair).items.end());
        }
      }
    }
    items.insert(items.end(), node.items.begin(), node.items.end());
    spend(items.size());
    return items;
  }

  // A value that is held many times is visited many times: what may be spent on all visits is bounded.
  void spend(size_t visits) {
    visits_ += visits;
    if (visits_ <= kMaxVisits) return;
    fail("the checkpoint holds too many values", fmt::format("more than {}", kMaxVisits), "a model's tensors");
  }

  // Steps into the one member that holds the model, where a training program wrapped it.
  PickleId unwrapped(PickleId id) {
    std::string path;
    for (size_t depth = 0; depth < kMaxDepth; ++depth) {
      id = bare(id);
      if (!is_dict(id)) return id;
      const std::vector<PickleId> items = members(id);
      std::optional<size_t> inner;
      for (size_t i = 0; i < items.size(); i += 2) {
        const PickleId value = bare(items[i + 1]);
        if (is_tensor(value)) return id;
        const bool wraps = at(items[i]).kind == PickleKind::Text && is_one_of(at(items[i]).text, kWrappers);
        if (!wraps || !is_dict(value)) continue;
        if (inner) return id;
        inner = i;
      }
      if (!inner) return id;
      for (size_t i = 0; i < items.size(); i += 2) {
        if (i != *inner) pass_over(path + key_text(items[i]), items[i + 1]);
      }
      path += key_text(items[*inner]) + ".";
      id = items[*inner + 1];
    }
    return id;
  }

  std::string key_text(PickleId id) const {
    const PickleNode& key = at(id);
    if (key.kind == PickleKind::Text) return std::string(key.text.substr(0, kMaxNameBytes + 1));
    if (key.kind == PickleKind::Integer) return fmt::format("{}", key.integer);
    return fmt::format("({})", describe(id));
  }

  void pass_over(const std::string& name, PickleId value) {
    if (objects_.passed_over.size() < kMaxPassedOver) {
      objects_.passed_over.push_back(printable_utf8(fmt::format("{} ({})", name, describe(bare(value)))));
    }
  }

  void walk(PickleId id, const std::string& name, size_t depth) {
    id = bare(id);
    spend(1);
    if (depth > kMaxDepth) fail("nested too deeply", name, fmt::format("at most {} levels", kMaxDepth));
    if (name.size() > kMaxNameBytes) {
      fail("the name of a tensor is too long", name, fmt::format("at most {} bytes", kMaxNameBytes));
    }
    const std::string prefix = name.empty() ? "" : name + ".";
    if (is_tensor(id)) {
      place_ = fmt::format("{}, tensor {}", where_, name);
      if (objects_.tensors.size() >= kMaxTensors) {
        fail("the checkpoint holds too many tensors", fmt::format("more than {}", kMaxTensors), "a model's tensors");
      }
      if (!objects_.tensors.emplace(name, tensor(id, 0)).second) {
        fail("two tensors bear the same name", name, "every name once");
      }
      place_ = where_;
    } else if (is_dict(id)) {
      const std::vector<PickleId> items = members(id);
      for (size_t i = 0; i < items.size(); i += 2) walk(items[i + 1], prefix + key_text(items[i]), depth + 1);
    } else if (is_container(id) && !is_plain_list(id)) {
      for (size_t i = 0; i < at(id).items.size(); ++i) walk(at(id).items[i], fmt::format("{}{}", prefix, i), depth + 1);
    } else {
      pass_over(name, id);
    }
  }

  // A list of numbers and texts is one leaf.
  bool is_plain_list(PickleId id) {
    spend(at(id).items.size());
    return std::all_of(at(id).items.begin(), at(id).items.end(), [&](PickleId item) {
      const PickleKind kind = at(item).kind;
      return kind <= PickleKind::Bytes || kind == PickleKind::Global;
    });
  }

  // --- Tensors ----------------------------------------------------------------------------------------------------

  int64_t number(PickleId id, const char* what) const {
    const PickleNode& node = at(id);
    if (node.kind != PickleKind::Integer || node.integer < 0) {
      const std::string got = node.kind == PickleKind::Integer ? fmt::format("{}", node.integer) : describe(id);
      fail(fmt::format("{} is no whole number from 0 that fits", what), got, "a whole number below 2^63");
    }
    return node.integer;
  }

  Shape numbers(PickleId id, const char* what) const {
    if (calls(id, "torch.Size") && at(at(id).arguments).items.size() == 1) id = at(at(id).arguments).items.front();
    const PickleNode& node = at(id);
    if (node.kind != PickleKind::Tuple && node.kind != PickleKind::List) {
      fail(fmt::format("{} is no list of numbers", what), describe(id), "a tuple of whole numbers");
    }
    if (node.items.size() > kMaxAxes) {
      fail(fmt::format("{} has too many axes", what), fmt::format("{}", node.items.size()),
           fmt::format("at most {}", kMaxAxes));
    }
    Shape values;
    for (const PickleId item : node.items) values.push_back(number(item, what));
    return values;
  }

  // ("storage", class, key, device, elements) and in old files a view, which is none.
  std::string storage(const PickleNode& outside) {
    const PickleNode& identity = at(outside.arguments);
    const auto& parts = identity.items;
    const bool fits = identity.kind == PickleKind::Tuple && (parts.size() == 5 || parts.size() == 6) &&
                      at(parts[0]).text == "storage" && at(parts[2]).kind == PickleKind::Text;
    if (!fits) {
      fail("a storage is not said as torch says it", describe(outside.arguments),
           "(\"storage\", class, key, device, elements)");
    }
    if (parts.size() == 6 && at(parts[5]).kind != PickleKind::None) {
      throw Error(ErrorKind::Unsupported, {"a storage that is a view of another is not read", place_,
                                           describe(parts[5]), "a storage of its own", "Save the checkpoint again."});
    }
    const StorageClass* known = at(parts[1]).kind == PickleKind::Global ? storage_class(at(parts[1]).text) : nullptr;
    if (known == nullptr) fail("the class of a storage is none", describe(parts[1]), "torch.FloatStorage or its like");
    std::string key(at(parts[2]).text);
    const TorchStorage said{known->dtype, number(parts[4], "the size of a storage")};
    const auto [held, added] = objects_.storages.emplace(key, said);
    if (!added && (held->second.dtype != said.dtype || held->second.numel != said.numel)) {
      fail(fmt::format("storage {} is said in two ways", key),
           fmt::format("{} {} and {} {}", held->second.numel, to_string(held->second.dtype), said.numel,
                       to_string(said.dtype)),
           "one type and size");
    }
    return key;
  }

  TorchTensor tensor(PickleId id, size_t depth) {
    const auto& arguments = at(at(id).arguments).items;
    if (calls(id, kRebuildParameter)) {
      if (arguments.empty() || !is_tensor(arguments.front()) || depth >= kMaxDepth) {
        fail("a parameter holds no tensor", fmt::format("{} arguments", arguments.size()), "a tensor");
      }
      return tensor(arguments.front(), depth + 1);
    }
    if (arguments.size() < 4 || at(arguments[0]).kind != PickleKind::Persistent) {
      fail("a tensor is not said as torch says it", fmt::format("{} arguments", arguments.size()),
           "storage, offset, shape, strides");
    }
    TorchTensor tensor;
    tensor.storage = storage(at(arguments[0]));
    tensor.offset = number(arguments[1], "the offset");
    tensor.shape = numbers(arguments[2], "the shape");
    tensor.strides = numbers(arguments[3], "the strides");
    check_inside(tensor);
    return tensor;
  }

  // Everything in elements. The last element's place is found without a product that could overflow.
  void check_inside(const TorchTensor& tensor) const {
    const int64_t held = objects_.storages.at(tensor.storage).numel;
    if (tensor.shape.size() != tensor.strides.size()) {
      fail("shape and strides have different lengths", to_string(tensor.strides), to_string(tensor.shape));
    }
    const bool empty = std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end();
    int64_t left = held - std::min(held, tensor.offset);  // elements from the offset on
    bool inside = empty ? tensor.offset <= held : left > 0;
    int64_t count = 1;
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 8;  // bytes fit as well
    for (size_t i = 0; inside && i < tensor.shape.size(); ++i) {
      const int64_t steps = tensor.shape[i] - 1;
      if (steps < 0) continue;  // an axis of no elements
      if (steps >= kMost / count) fail("the shape overflows", to_string(tensor.shape), "fewer than 2^63 bytes");
      count *= tensor.shape[i];
      if (empty || steps == 0 || tensor.strides[i] == 0) continue;
      inside = steps <= (left - 1) / tensor.strides[i];
      if (inside) left -= steps * tensor.strides[i];
    }
    if (!inside) {
      fail("the tensor reaches beyond its storage",
           fmt::format("{} from element {} with strides {}", to_string(tensor.shape), tensor.offset,
                       to_string(tensor.strides)),
           fmt::format("inside {} elements", held));
    }
    if (!empty && count > held) {
      fail("the tensor has more elements than its storage",
           fmt::format("{} with strides {}", to_string(tensor.shape), to_string(tensor.strides)),
           fmt::format("at most {} elements", held));
    }
  }

  const Pickle& pickle_;
  const std::string& where_;
  std::string place_;  // where_, with the tensor that is read
  TorchObjects objects_;
  size_t visits_ = 0;
};

}  // namespace

bool is_torch_global(std::string_view global) {
  return storage_class(global) != nullptr || is_one_of(global, kPlain) || global == kRebuildTensor ||
         global == kRebuildOldTensor || global == kRebuildParameter || global == kOrderedDict || global == kTypeTag;
}

TorchObjects torch_objects(const Pickle& pickle, const std::string& where) { return Reader(pickle, where).read(); }

}  // namespace espalier
