// What is written as ONNX: by structure always, by another runtime where one is installed.

#include "export/onnx.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "engine/engine.h"
#include "formats/atomic_file.h"
#include "tests/engine/random_model.h"
#include "tests/model/small_recurrent.h"
#include "tests/support/onnx_runtime.h"
#include "tests/support/support.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

onnx::ModelProto read(const fs::path& file) {
  onnx::ModelProto model;
  const std::string bytes = read_file(file);
  EXPECT_TRUE(model.ParseFromString(bytes));
  return model;
}

OnnxExport write(const Model& model, const fs::path& file, const OnnxOptions& options = {}) {
  JobContext context;
  return export_onnx(model, file, options, context);
}

int count(const onnx::ModelProto& model, const std::string& op, const std::string& scope = "") {
  const auto& nodes = model.graph().node();
  return static_cast<int>(std::count_if(nodes.begin(), nodes.end(), [&](const onnx::NodeProto& node) {
    return node.op_type() == op && node.name().starts_with(scope);
  }));
}

const onnx::TensorProto* tensor(const onnx::ModelProto& model, const std::string& name) {
  for (const onnx::TensorProto& one : model.graph().initializer()) {
    if (one.name() == name) return &one;
  }
  return nullptr;
}

Model pruned_model() {
  test::ModelShape shape;
  shape.heads = {3, 0, 1};
  Architecture a = test::make_architecture(shape);
  a.layers[0].attention.heads = {HeadIndex(0), HeadIndex(2), HeadIndex(5)};
  a.layers[0].ffn.width = 17;
  a.layers[1].ffn.width = 0;
  return test::random_model(a, 3);
}

Weight low_rank(const Tensor& like, int64_t rank) {
  const auto part = [](int64_t rows, int64_t columns) {
    std::vector<float> values(static_cast<size_t>(rows * columns));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.01F * static_cast<float>(i % 17) - 0.08F;
    return share(Dense{Tensor::from(Shape{rows, columns}, std::move(values))});
  };
  return LowRank{part(like.size(0), rank), part(rank, like.size(1))};
}

// Every form in one model: low-rank queries, masked keys, float input of 8-bit values, 8-bit and 4-bit feed-forwards.
Model mixed_model() {
  return test::with_weights(test::random_model(test::ModelShape{}, 5), [](const Slot& slot, const Tensor& v) -> Weight {
    if (slot.module == "q_proj") return low_rank(v, 5);
    if (slot.module == "k_proj") {
      std::vector<bool> keep(static_cast<size_t>(v.numel()), true);
      for (size_t i = 0; i < keep.size(); i += 3) keep[i] = false;
      return make_masked(v, keep);
    }
    if (slot.module == "v_proj") return quantize_symmetric(v, 8, true, ActivationRange::Float);
    if (slot.module == "in_proj") return quantize_symmetric(v, 8, true, ActivationRange::PerToken);
    if (slot.name.find("ffn.out_proj") != std::string::npos) {
      return quantize_symmetric(v, 4, false, ActivationRange::PerSequence);
    }
    if (slot.module == "word") return quantize_symmetric(v, 8, true, ActivationRange::Float);
    return Dense{v};
  });
}

Model tied_model() {
  test::ModelShape shape;
  shape.head = HeadKind::MaskedLm;
  shape.heads = {3, 3, 3};
  shape.labels = shape.vocab;
  Model model = test::random_model(shape, 8);
  model.weights.share("head.out.weight", "embeddings.word.weight");
  // Three layers that are one.
  for (const std::string& slot : model.weights.slots()) {
    if (slot.starts_with("encoder.1.") || slot.starts_with("encoder.2.")) {
      model.weights.share(slot, "encoder.0." + slot.substr(10));
    }
  }
  return model;
}

const std::vector<OnnxForm> kForms = {OnnxForm::Stored, OnnxForm::Float, OnnxForm::Int8, OnnxForm::Qdq};

TEST(Onnx, EveryFormPassesTheChecker) {
  const TempDir folder;
  for (const Model& model : {pruned_model(), mixed_model(), tied_model()}) {
    for (const OnnxForm form : kForms) {
      const fs::path file = folder.path() / "model.onnx";
      const OnnxExport made = write(model, file, {.form = form});
      check_onnx(file);
      EXPECT_EQ(made.bytes, static_cast<int64_t>(fs::file_size(file)));
      EXPECT_EQ(made.inputs, (std::vector<std::string>{"input_ids", "attention_mask", "token_type_ids"}));
      EXPECT_EQ(made.outputs, std::vector<std::string>{"logits"});
    }
  }
}

TEST(Onnx, ShapesOfBatchAndLengthStayOpen) {
  const TempDir folder;
  write(pruned_model(), folder.path() / "model.onnx");
  const onnx::ModelProto model = read(folder.path() / "model.onnx");
  for (const auto& input : model.graph().input()) {
    EXPECT_EQ(input.type().tensor_type().shape().dim(0).dim_param(), "batch");
    EXPECT_EQ(input.type().tensor_type().shape().dim(1).dim_param(), "length");
  }
}

TEST(Onnx, FormsOfWeightsBecomeTheirOperators) {
  const TempDir folder;
  const fs::path file = folder.path() / "model.onnx";
  const OnnxExport stored = write(mixed_model(), file);
  const onnx::ModelProto model = read(file);
  EXPECT_EQ(count(model, "MatMul", "encoder.0.attention.q_proj"), 2) << "low rank";
  EXPECT_EQ(count(model, "DequantizeLinear", "encoder.0.attention.v_proj"), 1) << "float input";
  EXPECT_EQ(count(model, "MatMulInteger"), 4) << "two feed-forwards of two layers";
  EXPECT_EQ(count(model, "DynamicQuantizeLinear"), 4);
  const auto* codes = tensor(model, "encoder.0.ffn.in_proj.weight/codes");
  ASSERT_NE(codes, nullptr);
  EXPECT_EQ(codes->data_type(), onnx::TensorProto::INT8);
  EXPECT_EQ(codes->dims(0), 48) << "as MatMul reads it: (in, out)";
  EXPECT_EQ(codes->dims(1), 96);
  EXPECT_EQ(stored.notes.size(), 3) << "zeros, 4 bits, ranges";

  write(mixed_model(), file, {.form = OnnxForm::Float});
  EXPECT_EQ(count(read(file), "MatMulInteger") + count(read(file), "DequantizeLinear"), 0);
  write(mixed_model(), file, {.form = OnnxForm::Qdq});
  EXPECT_EQ(count(read(file), "MatMulInteger"), 0);
  EXPECT_GE(count(read(file), "DequantizeLinear"), 20) << "both sides of every product";
}

TEST(Onnx, SharedWeightsAreOneTensor) {
  const TempDir folder;
  const Model model = tied_model();
  const fs::path file = folder.path() / "model.onnx";
  write(model, file);
  const onnx::ModelProto written = read(file);
  int64_t scalars = 0;
  std::set<std::string> names;
  for (const auto& one : written.graph().initializer()) {
    EXPECT_TRUE(names.insert(one.name()).second);
    if (one.data_type() == onnx::TensorProto::FLOAT && one.dims_size() > 0) {
      scalars += static_cast<int64_t>(one.raw_data().size() / sizeof(float));
    }
  }
  EXPECT_EQ(scalars, num_parameters(model));
}

TEST(Onnx, LargeTensorsGoToAFileOfTheirOwn) {
  const TempDir folder;
  const Model model = mixed_model();
  const fs::path inside = folder.path() / "inside.onnx", outside = folder.path() / "outside.onnx";
  write(model, inside);
  const OnnxExport made = write(model, outside, {.most_bytes_inside = 10000});
  EXPECT_EQ(made.data, folder.path() / "outside.onnx.data");
  EXPECT_EQ(made.bytes, static_cast<int64_t>(fs::file_size(outside) + fs::file_size(made.data)));
  check_onnx(outside);
  const std::string data = read_file(made.data);
  const onnx::ModelProto whole = read(inside), split = read(outside);
  int moved = 0;
  for (const onnx::TensorProto& one : split.graph().initializer()) {
    const auto* wanted = tensor(whole, one.name());
    ASSERT_NE(wanted, nullptr);
    if (one.data_location() != onnx::TensorProto::EXTERNAL) {
      EXPECT_EQ(one.raw_data(), wanted->raw_data());
      continue;
    }
    ++moved;
    EXPECT_EQ(one.external_data(0).value(), "outside.onnx.data");
    const size_t begin = std::stoul(one.external_data(1).value()), size = std::stoul(one.external_data(2).value());
    EXPECT_EQ(begin % 4096, 0U);
    EXPECT_EQ(data.substr(begin, size), wanted->raw_data()) << one.name();
  }
  EXPECT_GT(moved, 10);
}

TEST(Onnx, CancellingLeavesNoFile) {
  const TempDir folder;
  JobContext context;
  context.cancel.cancel();
  EXPECT_THROW(export_onnx(mixed_model(), folder.path() / "model.onnx", {}, context), Cancelled);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Onnx, UnknownFormsAndBrokenFilesAreNamed) {
  EXPECT_EQ(test::expect_error([] { onnx_form("int4"); }).parts().got, "int4");
  const TempDir folder;
  const fs::path file = folder.path() / "model.onnx";
  write(mixed_model(), file);
  const std::string bytes = read_file(file);
  write_file_atomically(file, std::string_view(bytes).substr(0, bytes.size() / 2));
  EXPECT_EQ(test::expect_error([&] { check_onnx(file); }).kind(), ErrorKind::Format);
}

// --- Against another runtime ----------------------------------------------------------------------------------------

#define ESPALIER_REQUIRE_ONNX_RUNTIME()                                                               \
  if (test::onnx_runtime_dir().empty()) {                                                             \
    GTEST_SKIP() << "needs $ESPALIER_ONNXRUNTIME_NODE, a folder with `npm install onnxruntime-node`"; \
  }

std::vector<std::vector<int64_t>> sequences_of(const PackedBatch& batch) {
  std::vector<std::vector<int64_t>> sequences;
  for (size_t b = 0; b + 1 < batch.starts.size(); ++b) {
    sequences.emplace_back(batch.ids.begin() + batch.starts[b], batch.ids.begin() + batch.starts[b + 1]);
  }
  return sequences;
}

// Largest difference from the engine's logits, of max(1, largest): (B, n) or, where there are tokens, (B, S, n).
double difference_from_engine(const Model& model, const PackedBatch& batch, test::OnnxRuntime& runtime) {
  const Tensor wanted = Engine(model, {1}).run(batch).logits;
  const test::OnnxRuntime::Run got = runtime.run(sequences_of(batch), true);
  if (got.shape.size() == 2 && wanted.size(0) == batch.num_sequences()) {
    return test::difference(Tensor::from(Shape(got.shape), got.values), wanted);
  }
  const int64_t padded = got.shape[1], width = got.shape.size() == 3 ? got.shape[2] : 1;
  std::vector<float> mine, theirs;
  for (int64_t b = 0; b < batch.num_sequences(); ++b) {
    const int64_t begin = batch.starts[static_cast<size_t>(b)], end = batch.starts[static_cast<size_t>(b) + 1];
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t c = 0; c < width; ++c) {
        mine.push_back(static_cast<float>(wanted.value_at(row * wanted.size(1) + c)));
        theirs.push_back(got.values[static_cast<size_t>((b * padded + row - begin) * width + c)]);
      }
    }
  }
  const Shape shape = {std::ssize(mine)};
  return test::difference(Tensor::from(shape, std::move(theirs)), Tensor::from(shape, std::move(mine)));
}

PackedBatch batch_of(const Model& model, const std::vector<int64_t>& lengths) {
  PackedBatch batch = test::random_batch(model.architecture, lengths, 3);
  std::fill(batch.type_ids.begin(), batch.type_ids.end(), 0);
  return batch;
}

TEST(OnnxRuntimeAgrees, OnPrunedMixedAndTiedModels) {
  ESPALIER_REQUIRE_ONNX_RUNTIME();
  test::OnnxRuntime runtime(test::onnx_runtime_dir());
  const TempDir folder;
  const fs::path file = folder.path() / "model.onnx";
  for (const Model& model : {pruned_model(), mixed_model(), tied_model()}) {
    const Model dense = materialized(model);
    const PackedBatch batch = batch_of(model, {5, 1, 60, 33});
    write(model, file, {.form = OnnxForm::Float});
    runtime.open(file, 1);
    EXPECT_LE(difference_from_engine(dense, batch, runtime), 1e-5);
    for (const OnnxForm form : {OnnxForm::Stored, OnnxForm::Int8, OnnxForm::Qdq}) {
      write(model, file, {.form = form});
      runtime.open(file, 1);
      // Ranges differ from the engine's, so this bounds the precision of 8 bits alone.
      EXPECT_LE(difference_from_engine(dense, batch, runtime), 0.25) << static_cast<int>(form);
    }
  }
}

TEST(Onnx, RefusesWhatItCannotWriteAndLeavesNothing) {
  const TempDir folder;
  const fs::path file = folder.path() / "model.onnx";
  for (const Architecture& architecture : {test::recurrent_classifier(Cell::Lstm, Pooling::LastStates),
                                           test::recurrent_lm(Cell::Gru), test::recurrent_translator(Cell::Lstm)}) {
    const Model model = test::lively_model(architecture);
    const Error error = test::expect_error([&] { write(model, file); });
    EXPECT_EQ(error.kind(), ErrorKind::Unsupported) << error.what();
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(OnnxRuntimeAgrees, OnEveryFamily) {
  ESPALIER_REQUIRE_ONNX_RUNTIME();
  ESPALIER_REQUIRE_SHARED();
  test::OnnxRuntime runtime(test::onnx_runtime_dir());
  const TempDir folder;
  const fs::path file = folder.path() / "model.onnx";
  int families = 0;
  for (const auto& entry : fs::directory_iterator(test::shared_dir() / "oracle/models")) {
    const Model model = open_model(entry.path());
    if (model.architecture.has_decoder()) {
      EXPECT_EQ(test::expect_error([&] { write(model, file); }).kind(), ErrorKind::Unsupported);
      continue;
    }
    ++families;
    write(model, file);
    check_onnx(file);
    runtime.open(file, 1);
    PackedBatch batch = batch_of(model, {7, 20, 3});
    // Padding's own id would be padding to a model that counts only what is none.
    for (TokenId& id : batch.ids) {
      if (id == model.architecture.embedding.pad_token_id) ++id;
    }
    const double difference = difference_from_engine(model, batch, runtime);
    fmt::print("{:18} {:.1e}\n", entry.path().filename().string(), difference);
    EXPECT_LE(difference, 1e-5) << entry.path();
  }
  EXPECT_GE(families, 9);
}

TEST(OnnxRuntimeAgrees, OnSentencesOfSst2) {
  ESPALIER_REQUIRE_ONNX_RUNTIME();
  ESPALIER_REQUIRE_SHARED();
  constexpr int64_t kSentences = 64;
  const fs::path source = test::shared_dir() / "models/minilm-l6-sst2";
  const Model model = open_model(source);
  const auto tokenizer = load_tokenizer(source);
  PackedBatch batch;
  batch.starts.push_back(0);
  std::ifstream in(test::shared_dir() / "data/sst2/dev.tsv");
  std::string line;
  std::getline(in, line);
  while (batch.num_sequences() < kSentences && std::getline(in, line)) {
    const Encoding encoding = tokenizer->encode(line.substr(0, line.find('\t')));
    batch.ids.insert(batch.ids.end(), encoding.ids.begin(), encoding.ids.end());
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  batch.type_ids.assign(batch.ids.size(), 0);
  const Tensor wanted = Engine(model).run(batch).logits;
  test::OnnxRuntime runtime(test::onnx_runtime_dir());
  const TempDir folder;
  for (const OnnxForm form : kForms) {
    write(model, folder.path() / "model.onnx", {.form = form});
    runtime.open(folder.path() / "model.onnx", 1);
    const auto got = runtime.run(sequences_of(batch), true);
    ASSERT_EQ(got.shape, (Shape{kSentences, 2}));
    double most = 0;
    int same = 0;
    for (int64_t b = 0; b < kSentences; ++b) {
      const auto at = static_cast<size_t>(2 * b);
      const double a0 = wanted.value_at(2 * b), a1 = wanted.value_at(2 * b + 1);
      most = std::max({most, std::abs(a0 - got.values[at]), std::abs(a1 - got.values[at + 1])});
      same += (a1 > a0) == (got.values[at + 1] > got.values[at]);
    }
    fmt::print("form {}: largest difference of a logit {:.1e}, {} of {} labels agree\n", static_cast<int>(form), most,
               same, kSentences);
    const bool exact = form == OnnxForm::Stored || form == OnnxForm::Float;
    EXPECT_LE(most, exact ? 1e-4 : 1.0);
    EXPECT_GE(same, exact ? kSentences : kSentences - 3);
  }
}

}  // namespace
}  // namespace espalier
