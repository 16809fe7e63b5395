#include "formats/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <unordered_map>

#include "formats/byte_reader.h"
#include "formats/pickle_opcodes.h"

namespace espalier {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 26;
constexpr size_t kMaxHeld = size_t{1} << 22;  // values made, on the stack, in containers, in the memo; open containers

constexpr std::array<std::string_view, 13> kKindNames = {
    "none",   "a truth value", "a number",     "a large number", "a number", "a text",          "bytes",
    "a list", "a tuple",       "a dictionary", "a class",        "a call",   "an outside value"};

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& where,
          const std::function<bool(std::string_view)>& allows)
      : reader_(bytes.first(std::min(bytes.size(), kMaxBytes)), where), allows_(allows) {}

  Pickle run() {
    if (reader_.number<uint8_t>() != kProto) reader_.fail("this is no pickle", "another begin", "a protocol from 2");
    const auto protocol = reader_.number<uint8_t>();
    if (protocol < 2 || protocol > 4) {
      reader_.fail("a pickle protocol that is not supported", fmt::format("{}", protocol), "2, 3 or 4",
                   ErrorKind::Unsupported);
    }
    for (uint8_t code = reader_.number<uint8_t>(); code != kStop; code = reader_.number<uint8_t>()) step(code);
    if (stack_.size() != 1 || !marks_.empty()) {
      reader_.fail("the pickle does not end with one value", fmt::format("{} values", stack_.size()), "one value");
    }
    pickle_.root = stack_.back();
    pickle_.bytes_read = reader_.position();
    return std::move(pickle_);
  }

 private:
  void step(uint8_t code) {
    if (push_plain(code) || push_text(code) || change_stack(code) || fill_container(code)) return;
    switch (code) {
      case kFrame:
        static_cast<void>(reader_.number<uint64_t>());  // how much to read at once
        return;
      case kGlobal: {
        const std::string_view module = reader_.take_line();
        push_global(module, reader_.take_line());
        return;
      }
      case kStackGlobal: {
        const std::string_view name = pop_text();
        push_global(pop_text(), name);
        return;
      }
      case kReduce: {
        PickleNode call{.kind = PickleKind::Call};
        call.arguments = pop(PickleKind::Tuple, "arguments");
        call.callee = pop(PickleKind::Global, "what is called");
        push(std::move(call));
        return;
      }
      case kBuild:  // attributes of the object below: no container has any that matter
        pop();
        static_cast<void>(top());
        return;
      case kBinPersId: {
        PickleNode outside{.kind = PickleKind::Persistent};
        outside.arguments = pop();
        push(std::move(outside));
        return;
      }
      default:
        reader_.fail("a pickle opcode that no checkpoint needs", opcode_name(code), "plain values and tensors",
                     ErrorKind::Unsupported);
    }
  }

  bool push_plain(uint8_t code) {
    switch (code) {
      case kNone:
        push({.kind = PickleKind::None});
        return true;
      case kNewTrue:
      case kNewFalse:
        push({.kind = PickleKind::Bool, .integer = code == kNewTrue ? 1 : 0});
        return true;
      case kBinInt:
        push_integer(reader_.number<int32_t>());
        return true;
      case kBinInt1:
        push_integer(reader_.number<uint8_t>());
        return true;
      case kBinInt2:
        push_integer(reader_.number<uint16_t>());
        return true;
      case kLong1:
        push_long(reader_.take_text(reader_.number<uint8_t>()));
        return true;
      case kLong4:
        push_long(reader_.take_text(length(reader_.number<int32_t>())));
        return true;
      case kBinFloat: {
        uint64_t bits = 0;  // big endian
        for (const std::byte byte : reader_.take(8)) bits = bits << 8 | std::to_integer<uint64_t>(byte);
        push({.kind = PickleKind::Real, .real = std::bit_cast<double>(bits)});
        return true;
      }
      default:
        return false;
    }
  }

  bool push_text(uint8_t code) {
    switch (code) {
      case kShortBinString:
      case kShortBinUnicode:
        push({.kind = PickleKind::Text, .text = reader_.take_text(reader_.number<uint8_t>())});
        return true;
      case kBinString:
        push({.kind = PickleKind::Text, .text = reader_.take_text(length(reader_.number<int32_t>()))});
        return true;
      case kBinUnicode:
        push({.kind = PickleKind::Text, .text = reader_.take_text(reader_.number<uint32_t>())});
        return true;
      case kBinUnicode8:
        push({.kind = PickleKind::Text, .text = reader_.take_text(reader_.number<uint64_t>())});
        return true;
      case kShortBinBytes:
        push({.kind = PickleKind::Bytes, .text = reader_.take_text(reader_.number<uint8_t>())});
        return true;
      case kBinBytes:
        push({.kind = PickleKind::Bytes, .text = reader_.take_text(reader_.number<uint32_t>())});
        return true;
      case kBinBytes8:
        push({.kind = PickleKind::Bytes, .text = reader_.take_text(reader_.number<uint64_t>())});
        return true;
      default:
        return false;
    }
  }

  bool change_stack(uint8_t code) {
    switch (code) {
      case kMark:
        check_held(marks_.size());
        marks_.push_back(stack_.size());
        return true;
      case kPop:
        if (!marks_.empty() && marks_.back() == stack_.size()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return true;
      case kPopMark:
        take_to_mark();
        return true;
      case kDup:
        push_known(top());
        return true;
      case kBinPut:
        put(reader_.number<uint8_t>());
        return true;
      case kLongBinPut:
        put(reader_.number<uint32_t>());
        return true;
      case kMemoize:
        put(memo_.size());
        return true;
      case kBinGet:
        get(reader_.number<uint8_t>());
        return true;
      case kLongBinGet:
        get(reader_.number<uint32_t>());
        return true;
      default:
        return false;
    }
  }

  bool fill_container(uint8_t code) {
    switch (code) {
      case kEmptyList:
        push({.kind = PickleKind::List});
        return true;
      case kEmptyTuple:
        push({.kind = PickleKind::Tuple});
        return true;
      case kEmptyDict:
        push({.kind = PickleKind::Dict});
        return true;
      case kTuple:
        push_tuple(take_to_mark());
        return true;
      case kTuple1:
      case kTuple2:
      case kTuple3:
        push_tuple(take(code - kTuple1 + 1u));
        return true;
      case kAppend:
        append(take(1), PickleKind::List);
        return true;
      case kAppends:
        append(take_to_mark(), PickleKind::List);
        return true;
      case kSetItem:
        append(take(2), PickleKind::Dict);
        return true;
      case kSetItems:
        append(take_to_mark(), PickleKind::Dict);
        return true;
      default:
        return false;
    }
  }

  void push(PickleNode node) {
    check_held(pickle_.nodes.size());
    push_known(static_cast<PickleId>(pickle_.nodes.size()));
    pickle_.nodes.push_back(std::move(node));
  }

  void push_known(PickleId id) {
    check_held(stack_.size());
    stack_.push_back(id);
  }

  void check_held(size_t count) const {
    if (count < kMaxHeld) return;
    reader_.fail("the pickle holds too many values", fmt::format("more than {}", kMaxHeld), "a checkpoint's few");
  }

  void push_integer(int64_t value) { push({.kind = PickleKind::Integer, .integer = value}); }

  // Two's complement, little endian.
  void push_long(std::string_view bytes) {
    if (bytes.size() > 8) {
      push({.kind = PickleKind::BigInteger, .text = bytes});
      return;
    }
    uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    push_integer(static_cast<int64_t>(value));
  }

  void push_tuple(std::vector<PickleId> items) {
    contained_ += items.size();
    check_held(contained_);
    PickleNode tuple{.kind = PickleKind::Tuple};
    tuple.items = std::move(items);
    push(std::move(tuple));
  }

  void push_global(std::string_view module, std::string_view name) {
    const std::string whole = fmt::format("{}.{}", module, name);
    if (!allows_(whole)) {
      throw Error(ErrorKind::Unsupported, {"the file asks for something that is no tensor", place(), whole,
                                           "tensors, numbers, texts, lists and dictionaries",
                                           "Nothing of it was run. Save the state_dict alone, or as safetensors."});
    }
    const auto [held, added] = names_.emplace(whole, 0);
    if (added) {
      held->second = static_cast<PickleId>(pickle_.nodes.size());
      pickle_.names.push_back(std::make_shared<const std::string>(whole));
      push({.kind = PickleKind::Global, .text = *pickle_.names.back()});
    } else {
      push_known(held->second);
    }
  }

  PickleId top() {
    need(1);
    return stack_.back();
  }

  PickleId pop() {
    const PickleId id = top();
    stack_.pop_back();
    return id;
  }

  PickleId pop(PickleKind wanted, const char* what) {
    const PickleId id = pop();
    const PickleKind kind = pickle_.at(id).kind;
    if (kind != wanted) {
      reader_.fail(fmt::format("{} has the wrong type", what), std::string(to_string(kind)),
                   std::string(to_string(wanted)));
    }
    return id;
  }

  std::string_view pop_text() { return pickle_.at(pop(PickleKind::Text, "the name of a class")).text; }

  // Values above the last mark only: those below belong to a container that is not closed yet.
  void need(size_t count) {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor >= count) return;
    reader_.fail("the pickle takes more values than it has", fmt::format("{} values", stack_.size() - floor),
                 fmt::format("{} values", count));
  }

  std::vector<PickleId> take(size_t count) {
    need(count);
    std::vector<PickleId> items(stack_.end() - static_cast<ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }

  std::vector<PickleId> take_to_mark() {
    if (marks_.empty()) reader_.fail("the pickle closes what it did not open", "no mark", "a mark");
    const size_t count = stack_.size() - marks_.back();
    std::vector<PickleId> items = take(count);
    marks_.pop_back();
    return items;
  }

  void append(const std::vector<PickleId>& items, PickleKind kind) {
    PickleNode& container = pickle_.nodes[top()];
    const bool called = kind == PickleKind::Dict && container.kind == PickleKind::Call;
    if (container.kind != kind && !called) {
      reader_.fail("values are put into something else than a container", std::string(to_string(container.kind)),
                   std::string(to_string(kind)));
    }
    if (kind == PickleKind::Dict && items.size() % 2 != 0) {
      reader_.fail("a key has no value", fmt::format("{} values", items.size()), "keys and values by turns");
    }
    contained_ += items.size();
    check_held(contained_);
    container.items.insert(container.items.end(), items.begin(), items.end());
  }

  void put(uint64_t index) {
    if (index >= kMaxHeld) {
      reader_.fail("a memo index is too large", fmt::format("{}", index), fmt::format("below {}", kMaxHeld));
    }
    memo_[static_cast<uint32_t>(index)] = top();
  }

  void get(uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) {
      reader_.fail("the pickle refers to a value that it did not keep", fmt::format("memo index {}", index),
                   "an index that was put");
    }
    push_known(found->second);
  }

  uint64_t length(int32_t value) {
    if (value < 0) reader_.fail("a length is negative", fmt::format("{}", value), "a length from 0");
    return static_cast<uint64_t>(value);
  }

  std::string place() const { return fmt::format("{}, byte {}", reader_.place(), reader_.position()); }

  ByteReader reader_;
  const std::function<bool(std::string_view)>& allows_;
  Pickle pickle_;
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;  // sizes of the stack where containers were opened
  size_t contained_ = 0;       // values put into containers
  std::unordered_map<uint32_t, PickleId> memo_;
  std::unordered_map<std::string, PickleId> names_;
};

}  // namespace

std::string_view to_string(PickleKind kind) { return kKindNames.at(static_cast<size_t>(kind)); }

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where,
                   const std::function<bool(std::string_view global)>& allows) {
  return Machine(bytes, where, allows).run();
}

}  // namespace espalier
