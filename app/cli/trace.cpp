// `espalier trace`: runs a model on given token ids and writes every hidden state, attention and logit, under the names
// that reference files use.

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/program.h"
#include "base/error.h"
#include "engine/engine.h"
#include "formats/safetensors.h"
#include "job_kinds/inputs.h"
#include "network/network.h"

namespace espalier::cli {
namespace {

// Token ids, types and mask of B sequences of S places, all (B, S) int64.
struct Inputs {
  int64_t batch = 0;
  int64_t length = 0;
  Tensor ids, types, mask;
};

[[noreturn]] void refuse(std::string what, const std::string& where, std::string got, std::string wanted) {
  throw Error(
      ErrorKind::InvalidInput,
      {.what = std::move(what), .where = where, .got = std::move(got), .wanted = std::move(wanted), .next = {}});
}

Tensor as_int64(const TensorFile& file, const std::string& name, const Shape& shape, int64_t fallback,
                const std::string& where) {
  const auto found = file.tensors.find(name);
  const auto count = static_cast<size_t>(num_elements(shape));
  if (found == file.tensors.end()) return Tensor::from(shape, std::vector<int64_t>(count, fallback));
  const Tensor& tensor = found->second;
  if (tensor.shape() != shape)
    refuse("\"" + name + "\" has another shape than \"input_ids\"", where, to_string(tensor.shape()), to_string(shape));
  if (is_floating(tensor.dtype()))
    refuse("\"" + name + "\" does not hold whole numbers", where, std::string(to_string(tensor.dtype())), "I64 or I32");
  std::vector<int64_t> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<int64_t>(tensor.value_at(static_cast<int64_t>(i)));
  return Tensor::from(shape, std::move(values));
}

Inputs read_inputs(const std::string& path) {
  const TensorFile file = read_safetensors(path);
  const auto ids = file.tensors.find("input_ids");
  if (ids == file.tensors.end())
    refuse("there is no tensor \"input_ids\"", path, "",
           "input_ids (B, S), and perhaps attention_mask, token_type_ids");
  const Shape shape = ids->second.shape();
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
    refuse("\"input_ids\" has the wrong shape", path, to_string(shape), "(B, S)");
  Inputs inputs{.batch = shape[0],
                .length = shape[1],
                .ids = as_int64(file, "input_ids", shape, 0, path),
                .types = as_int64(file, "token_type_ids", shape, 0, path),
                .mask = as_int64(file, "attention_mask", shape, 1, path)};
  for (int64_t row = 0; row < inputs.batch; ++row) {
    const auto mask = inputs.mask.values<int64_t>().subspan(static_cast<size_t>(row * inputs.length),
                                                            static_cast<size_t>(inputs.length));
    if (std::none_of(mask.begin(), mask.end(), [](int64_t m) { return m != 0; })) {
      refuse("a sequence is masked as a whole", path, "row " + std::to_string(row), "at least one token");
    }
  }
  return inputs;
}

// Names the logits as the model's kind of head has them: question answering gives two tensors of (B, S).
void add_logits(TensorFile& out, const Tensor& logits, HeadKind head) {
  if (!logits.defined()) return;
  if (head != HeadKind::QuestionAnswering) {
    out.tensors["logits"] = logits;
    return;
  }
  const Tensor values = logits.to_float32();
  const Shape shape = {logits.size(0), logits.size(1)};
  const auto count = static_cast<size_t>(num_elements(shape));
  std::vector<float> start(count), end(count);
  for (size_t i = 0; i < count; ++i) {
    start[i] = values.values<float>()[2 * i];
    end[i] = values.values<float>()[2 * i + 1];
  }
  out.tensors["start_logits"] = Tensor::from(shape, std::move(start));
  out.tensors["end_logits"] = Tensor::from(shape, std::move(end));
}

TensorFile trace_network(const Model& model, const Inputs& inputs, bool attentions) {
  Network network(model);
  const NetworkBatch batch{to_torch(inputs.ids), to_torch(inputs.types), to_torch(inputs.mask)};
  ForwardOptions options;
  options.hidden_states = true;
  options.attentions = attentions;
  const ForwardResult result = network.forward(batch, options);
  TensorFile out;
  for (size_t i = 0; i < result.hidden_states.size(); ++i) {
    out.tensors["hidden_states." + std::to_string(i)] = from_torch(result.hidden_states[i]);
  }
  for (size_t i = 0; i < result.attentions.size(); ++i) {
    out.tensors["attentions." + std::to_string(i)] = from_torch(result.attentions[i]);
  }
  if (result.logits.defined()) add_logits(out, from_torch(result.logits), model.architecture.head.kind);
  return out;
}

// Rows of packed tokens (T, W) at their places in (B, S, W), zeros where nothing was computed.
Tensor unpacked(const Tensor& packed, const PackedBatch& batch, const Inputs& inputs) {
  const int64_t width = packed.numel() / batch.num_tokens();
  std::vector<float> out(static_cast<size_t>(inputs.batch * inputs.length * width));
  const auto values = packed.values<float>();
  for (int64_t row = 0; row < inputs.batch; ++row) {
    const int64_t begin = batch.starts[static_cast<size_t>(row)] * width;
    const int64_t end = batch.starts[static_cast<size_t>(row) + 1] * width;
    std::copy(values.begin() + begin, values.begin() + end, out.begin() + row * inputs.length * width);
  }
  return Tensor::from({inputs.batch, inputs.length, width}, std::move(out));
}

// Probabilities of every sequence (heads, n, n) in (B, heads, S, S).
Tensor unpacked_attention(const std::vector<Tensor>& sequences, const Inputs& inputs) {
  const int64_t heads = sequences[0].size(0);
  const int64_t length = inputs.length;
  std::vector<float> out(static_cast<size_t>(inputs.batch * heads * length * length));
  for (size_t row = 0; row < sequences.size(); ++row) {
    const int64_t n = sequences[row].size(1);
    const auto values = sequences[row].values<float>();
    for (int64_t line = 0; line < heads * n; ++line) {
      const int64_t to = ((static_cast<int64_t>(row) * heads + line / n) * length + line % n) * length;
      std::copy(values.begin() + line * n, values.begin() + (line + 1) * n, out.begin() + to);
    }
  }
  return Tensor::from({inputs.batch, heads, length, length}, std::move(out));
}

TensorFile trace_engine(const Model& model, const Inputs& inputs, bool attentions) {
  PackedBatch batch;
  batch.starts = {0};
  for (int64_t row = 0; row < inputs.batch; ++row) {
    bool ended = false;
    for (int64_t place = row * inputs.length; place < (row + 1) * inputs.length; ++place) {
      const auto at = static_cast<size_t>(place);
      if (inputs.mask.values<int64_t>()[at] == 0) {
        ended = true;
        continue;
      }
      if (ended)
        refuse("the engine takes sequences that are padded at their end only", "attention_mask",
               "row " + std::to_string(row), "ones, then zeros");
      // Narrowed with care: an id beyond 32 bits must not become a valid one.
      batch.ids.push_back(static_cast<TokenId>(std::clamp<int64_t>(inputs.ids.values<int64_t>()[at], -1, INT32_MAX)));
      batch.type_ids.push_back(
          static_cast<int32_t>(std::clamp<int64_t>(inputs.types.values<int64_t>()[at], -1, INT32_MAX)));
    }
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  const EngineOutput result = Engine(model).run(batch, {.hidden_states = true, .attentions = attentions});
  TensorFile out;
  for (size_t i = 0; i < result.hidden_states.size(); ++i) {
    out.tensors["hidden_states." + std::to_string(i)] = unpacked(result.hidden_states[i], batch, inputs);
  }
  for (size_t i = 0; i < result.attentions.size(); ++i) {
    out.tensors["attentions." + std::to_string(i)] = unpacked_attention(result.attentions[i], inputs);
  }
  const HeadKind head = model.architecture.head.kind;
  const bool by_token =
      head == HeadKind::TokenClassification || head == HeadKind::MaskedLm || head == HeadKind::QuestionAnswering;
  if (result.logits.defined()) add_logits(out, by_token ? unpacked(result.logits, batch, inputs) : result.logits, head);
  return out;
}

}  // namespace

void add_trace(Program& program) {
  CLI::App* verb =
      program.add_verb("trace", "Write the hidden states, attentions and logits that a model computes",
                       "espalier trace path/to/model --inputs ids.safetensors --output trace.safetensors --attentions");
  struct Options {
    std::string model, inputs, output;
    bool attentions = false, engine = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  verb->add_option("--inputs", options->inputs,
                   "safetensors with input_ids (B, S), perhaps attention_mask and token_type_ids")
      ->required();
  verb->add_option("--output", options->output, "safetensors file to write: logits, hidden_states.N, attentions.N")
      ->required();
  verb->add_flag("--attentions", options->attentions, "Write attention probabilities too");
  verb->add_flag("--engine", options->engine, "Compute on the inference engine instead of the training network");
  program.on_run(verb, [&program, options] {
    const Model model = open_job_model(options->model);
    const Inputs inputs = read_inputs(options->inputs);
    TensorFile out = options->engine ? trace_engine(model, inputs, options->attentions)
                                     : trace_network(model, inputs, options->attentions);
    out.metadata = {{"model", display_name(model)}, {"computed_by", options->engine ? "engine" : "network"}};
    write_safetensors(options->output, out, program.cancel());
    if (program.json()) {
      Json tensors = Json::object();
      for (const auto& [name, tensor] : out.tensors) tensors[name] = tensor.shape();
      program.print_json({{"output", absolute_or_name(options->output)}, {"tensors", tensors}});
      return;
    }
    for (const auto& [name, tensor] : out.tensors) fmt::print("{:20} {}\n", name, to_string(tensor.shape()));
  });
}

}  // namespace espalier::cli
