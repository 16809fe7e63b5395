#pragma once
// Python pickles, protocols 2 to 4, read without doing anything that they ask for: the result is a tree that says what
// a program would have called with which arguments. Nothing is looked up, imported, constructed or run.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

enum class PickleKind : uint8_t {
  None,
  Bool,
  Integer,
  BigInteger,  // above 64 bits: its bytes, little endian, in text
  Real,
  Text,
  Bytes,
  List,
  Tuple,
  Dict,       // items: key, value, key, value, ...
  Global,     // text: "torch.FloatStorage"
  Call,       // callee and arguments; items: what was put into the result, key and value by turns
  Persistent  // arguments: an identity that the surrounding file explains
};

std::string_view to_string(PickleKind kind);  // "a number"

using PickleId = uint32_t;  // a place in Pickle::nodes

struct PickleNode {
  PickleKind kind = PickleKind::None;
  int64_t integer = 0;         // Bool, Integer
  double real = 0;             // Real
  std::string_view text = {};  // into the bytes of the pickle, or into Pickle::names
  PickleId callee = 0;         // Call: a Global
  PickleId arguments = 0;      // Call: a Tuple; Persistent: anything
  std::vector<PickleId> items = {};
};

// Values that are used in several places are one node, as in the program that wrote them; a node may even hold itself.
// Whoever walks over the tree must bound how deep and how long.
struct Pickle {
  std::vector<PickleNode> nodes;
  std::vector<std::shared_ptr<const std::string>> names;  // of globals
  PickleId root = 0;
  size_t bytes_read = 0;  // up to and with STOP

  const PickleNode& at(PickleId id) const { return nodes[id]; }
};

// Reads one pickle from the begin of `bytes`, which must outlive the result. A global that `allows` does not know is
// Unsupported, by name ("os.system"), as soon as it is met; so is an opcode that no such file needs. At most 4 million
// values and 64 MiB; everything else that is wrong is Format. Errors name `where` and the byte.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& where,
                   const std::function<bool(std::string_view global)>& allows);

}  // namespace espalier
