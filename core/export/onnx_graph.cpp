#include "export/onnx_graph.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/version.h"
#include "formats/atomic_file.h"

namespace espalier::onnx_writer {

namespace {

constexpr int64_t kIrVersion = 8;  // of ONNX 1.12
constexpr int64_t kOpset = 17;     // LayerNormalization as one operator
// External tensors begin at multiples of this, so that a runtime may map them.
constexpr int64_t kAlignment = 4096;
// Smaller tensors stay in the model's file: shapes and constants that a runtime folds.
constexpr int64_t kLeastBytesOutside = 1024;

onnx::TensorProto::DataType type_of(DType dtype) {
  switch (dtype) {
    case DType::F64:
      return onnx::TensorProto::DOUBLE;
    case DType::F32:
      return onnx::TensorProto::FLOAT;
    case DType::F16:
      return onnx::TensorProto::FLOAT16;
    case DType::BF16:
      return onnx::TensorProto::BFLOAT16;
    case DType::I64:
      return onnx::TensorProto::INT64;
    case DType::I32:
      return onnx::TensorProto::INT32;
    case DType::I16:
      return onnx::TensorProto::INT16;
    case DType::I8:
      return onnx::TensorProto::INT8;
    case DType::U8:
      return onnx::TensorProto::UINT8;
    case DType::Bool:
      return onnx::TensorProto::BOOL;
  }
  return onnx::TensorProto::UNDEFINED;
}

void set_attribute(const Attribute& attribute, onnx::AttributeProto& to) {
  to.set_name(attribute.first);
  if (const auto* whole = std::get_if<int64_t>(&attribute.second)) {
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(*whole);
  } else if (const auto* real = std::get_if<float>(&attribute.second)) {
    to.set_type(onnx::AttributeProto::FLOAT);
    to.set_f(*real);
  } else {
    to.set_type(onnx::AttributeProto::INTS);
    for (const int64_t one : std::get<std::vector<int64_t>>(attribute.second)) to.add_ints(one);
  }
}

void describe(const Name& name, DType dtype, const std::vector<Dimension>& shape, onnx::ValueInfoProto& to) {
  to.set_name(name);
  auto* type = to.mutable_type()->mutable_tensor_type();
  type->set_elem_type(type_of(dtype));
  for (const Dimension& dimension : shape) {
    auto* dim = type->mutable_shape()->add_dim();
    if (const auto* size = std::get_if<int64_t>(&dimension)) {
      dim->set_dim_value(*size);
    } else {
      dim->set_dim_param(std::get<std::string>(dimension));
    }
  }
}

int64_t bytes_of(const Tensor& tensor) { return static_cast<int64_t>(tensor.bytes().size()); }

void set_entry(onnx::TensorProto& tensor, const std::string& key, const std::string& value) {
  auto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

}  // namespace

struct Graph::Message {
  onnx::ModelProto model;
};

Graph::Graph() : message_(std::make_unique<Message>()) {}
Graph::~Graph() = default;

Name Graph::add(const std::string& op, const std::vector<Name>& inputs, const std::vector<Attribute>& attributes) {
  return add(op, inputs, 1, attributes).front();
}

std::vector<Name> Graph::add(const std::string& op, const std::vector<Name>& inputs, size_t outputs,
                             const std::vector<Attribute>& attributes) {
  auto* node = message_->model.mutable_graph()->add_node();
  std::string name = scope_.empty() ? op : scope_ + "/" + op;
  if (const int64_t earlier = used_[name]++; earlier > 0) name += fmt::format("_{}", earlier);
  node->set_name(name);
  node->set_op_type(op);
  for (const Name& input : inputs) node->add_input(input);
  std::vector<Name> results;
  for (size_t i = 0; i < outputs; ++i) {
    results.push_back(outputs == 1 ? name + ":out" : fmt::format("{}:out{}", name, i));
    node->add_output(results.back());
  }
  for (const Attribute& attribute : attributes) set_attribute(attribute, *node->add_attribute());
  return results;
}

Name Graph::initializer(const Name& name, const std::function<Tensor()>& make) {
  if (!tensors_.contains(name)) tensors_[name] = make();
  return name;
}

Name Graph::constant(float value) {
  return initializer(fmt::format("constant/{}", value), [&] { return Tensor::from(Shape{}, std::vector{value}); });
}

Name Graph::constant(int64_t value) {
  return initializer(fmt::format("index/{}", value), [&] { return Tensor::from(Shape{}, std::vector{value}); });
}

Name Graph::constants(const std::vector<int64_t>& list) {
  return initializer(fmt::format("indices/{}", fmt::join(list, ",")),
                     [&] { return Tensor::from(Shape{std::ssize(list)}, list); });
}

void Graph::add_input(const Name& name, DType dtype, const std::vector<Dimension>& shape) {
  describe(name, dtype, shape, *message_->model.mutable_graph()->add_input());
  inputs_.push_back(name);
}

void Graph::add_output(const Name& value, const Name& name, DType dtype, const std::vector<Dimension>& shape) {
  auto* node = message_->model.mutable_graph()->add_node();
  node->set_name("output/" + name);
  node->set_op_type("Identity");
  node->add_input(value);
  node->add_output(name);
  describe(name, dtype, shape, *message_->model.mutable_graph()->add_output());
  outputs_.push_back(name);
}

void Graph::add_metadata(const std::string& key, const std::string& value) {
  auto* entry = message_->model.add_metadata_props();
  entry->set_key(key);
  entry->set_value(value);
}

Written Graph::write(const std::filesystem::path& file, const std::string& name, int64_t most_bytes_inside,
                     const CancelToken& cancel) {
  onnx::ModelProto& model = message_->model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("espalier");
  model.set_producer_version(kVersion);
  model.mutable_graph()->set_name(name);
  auto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(kOpset);

  int64_t tensor_bytes = 0;
  for (const auto& [key, tensor] : tensors_) tensor_bytes += bytes_of(tensor);
  const bool outside = tensor_bytes > most_bytes_inside;
  Written written;
  written.nodes = model.graph().node_size();
  written.initializers = std::ssize(tensors_);
  std::vector<std::pair<int64_t, Tensor>> placed;
  int64_t end = 0;
  if (outside) written.data = file.string() + ".data";
  for (const auto& [key, tensor] : tensors_) {
    cancel.throw_if_cancelled();
    onnx::TensorProto& to = *model.mutable_graph()->add_initializer();
    to.set_name(key);
    to.set_data_type(type_of(tensor.dtype()));
    for (const int64_t size : tensor.shape()) to.add_dims(size);
    if (!outside || bytes_of(tensor) < kLeastBytesOutside) {
      to.set_raw_data(tensor.bytes().data(), tensor.bytes().size());
      continue;
    }
    const int64_t begin = (end + kAlignment - 1) / kAlignment * kAlignment;
    to.set_data_location(onnx::TensorProto::EXTERNAL);
    set_entry(to, "location", written.data.filename().string());
    set_entry(to, "offset", std::to_string(begin));
    set_entry(to, "length", std::to_string(bytes_of(tensor)));
    placed.emplace_back(begin, tensor);
    end = begin + bytes_of(tensor);
  }
  if (outside) {
    write_file_atomically(written.data, [&](std::ostream& out) {
      int64_t at = 0;
      for (const auto& [begin, tensor] : placed) {
        cancel.throw_if_cancelled();
        for (; at < begin; ++at) out.put('\0');
        out.write(reinterpret_cast<const char*>(tensor.bytes().data()), bytes_of(tensor));
        at += bytes_of(tensor);
      }
    });
    written.bytes += end;
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    throw Error(ErrorKind::Internal, {.what = "the ONNX message could not be put into bytes", .where = file.string()});
  }
  write_file_atomically(file, bytes);
  written.bytes += std::ssize(bytes);
  return written;
}

}  // namespace espalier::onnx_writer
