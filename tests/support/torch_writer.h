#pragma once
// Files as torch.save writes them, made in code: pickles as fragments of text, stored zip archives, and both layouts of
// a checkpoint. Every part may be made wrong.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.h"

namespace espalier::test {

// --- Pickles: each gives the opcodes that leave one value on the stack -----------------------------------------------

std::string pickled(const std::string& body, int protocol = 2);  // a whole pickle
std::string py_text(const std::string& text);
std::string py_int(int64_t value);
std::string py_none();
std::string py_bool(bool value);
std::string py_tuple(const std::vector<std::string>& items);
std::string py_list(const std::vector<std::string>& items);
std::string py_dict(const std::vector<std::pair<std::string, std::string>>& members);  // keys are texts
std::string py_global(const std::string& module, const std::string& name);
std::string py_call(const std::string& callee, const std::vector<std::string>& arguments);
std::string py_ordered_dict(const std::vector<std::pair<std::string, std::string>>& members);

// --- Zip -------------------------------------------------------------------------------------------------------------

struct ZipMember {
  std::string name;
  std::string bytes;
};

struct ZipStyle {
  size_t alignment = 64;  // of the data, by padding in the extra field; 1: none
  bool zip64 = false;     // sizes and offsets in the zip64 records
};

std::string zip_of(const std::vector<ZipMember>& members, const ZipStyle& style = {});

// --- Checkpoints -----------------------------------------------------------------------------------------------------

// One tensor: a part of a storage. Offset and strides in elements.
struct TorchView {
  std::string storage;
  int64_t offset = 0;
  Shape shape;
  Shape strides;
  bool parameter = false;
};

struct TorchContent {
  std::map<std::string, Tensor> storages;                   // of one axis
  std::vector<std::pair<std::string, TorchView>> views;     // by name
  std::vector<std::pair<std::string, std::string>> others;  // by name, as opcodes
  std::vector<std::string> wrappers;                        // {"state_dict"}: members around, outermost first
};

Shape row_major_strides(const Shape& shape);
// Every tensor in a storage of its own.
TorchContent torch_content(const std::map<std::string, Tensor>& tensors);

std::string py_view(const TorchContent& content, const TorchView& view, bool legacy = false);
// data.pkl of the content.
std::string torch_pickle(const TorchContent& content, bool legacy = false);
std::vector<ZipMember> torch_members(const TorchContent& content);
std::string torch_zip(const TorchContent& content, const ZipStyle& style = {});
std::string torch_legacy(const TorchContent& content);

}  // namespace espalier::test
