// `espalier trace`: runs a model on given token ids and writes every hidden state, attention and logit, under the names
// that reference files use.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/cli/program.h"
#include "base/error.h"
#include "engine/engine.h"
#include "formats/safetensors.h"
#include "job_kinds/inputs.h"
#include "network/network.h"

namespace espalier::cli {
namespace {

// Token ids, types and mask of B sequences of S places, all (B, S) int64.
struct Tokens {
  int64_t batch = 0;
  int64_t length = 0;
  Tensor ids, types, mask;
};

struct Inputs {
  Tokens source;
  std::optional<Tokens> target;  // what a decoder reads
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

// The tokens under "<prefix>input_ids" and what belongs to them.
Tokens read_tokens(const TensorFile& file, const std::string& prefix, const std::string& path) {
  const std::string name = prefix + "input_ids";
  const auto ids = file.tensors.find(name);
  if (ids == file.tensors.end())
    refuse("there is no tensor \"" + name + "\"", path, "", name + " (B, S), and perhaps its attention_mask");
  const Shape shape = ids->second.shape();
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
    refuse("\"" + name + "\" has the wrong shape", path, to_string(shape), "(B, S)");
  Tokens tokens{.batch = shape[0],
                .length = shape[1],
                .ids = as_int64(file, name, shape, 0, path),
                .types = as_int64(file, prefix + "token_type_ids", shape, 0, path),
                .mask = as_int64(file, prefix + "attention_mask", shape, 1, path)};
  for (int64_t row = 0; row < tokens.batch; ++row) {
    const auto mask = tokens.mask.values<int64_t>().subspan(static_cast<size_t>(row * tokens.length),
                                                            static_cast<size_t>(tokens.length));
    if (std::none_of(mask.begin(), mask.end(), [](int64_t m) { return m != 0; })) {
      refuse("a sequence is masked as a whole", path, "row " + std::to_string(row), "at least one token");
    }
  }
  return tokens;
}

Inputs read_inputs(const std::string& path, bool decoder) {
  const TensorFile file = read_safetensors(path);
  Inputs inputs{read_tokens(file, "", path), {}};
  if (!decoder) return inputs;
  inputs.target = read_tokens(file, "decoder_", path);
  if (inputs.target->batch != inputs.source.batch) {
    refuse("source and target have different numbers of sequences", path, std::to_string(inputs.target->batch),
           std::to_string(inputs.source.batch));
  }
  return inputs;
}

// Names the logits as the model's kind of head has them: question answering gives two tensors of (B, S).
void add_logits(TensorFile& out, const Tensor& logits, HeadKind head) {
  if (!logits.defined()) return;
  if (head != HeadKind::QuestionAnswering) {
    // One number a token has no axis of its own.
    const bool flat = head == HeadKind::ReplacedToken;
    out.tensors["logits"] = flat ? logits.reshaped({logits.size(0), logits.size(1)}) : logits;
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

// What is written beside the logits: hidden states and attentions of the only stack, or of both under their names.
void add_torch(TensorFile& out, const std::string& name, const std::vector<at::Tensor>& layers) {
  for (size_t i = 0; i < layers.size(); ++i) out.tensors[name + "." + std::to_string(i)] = from_torch(layers[i]);
}

TensorFile trace_network(const Model& model, const Inputs& inputs, bool attentions) {
  Network network(model);
  const Tokens& source = inputs.source;
  NetworkBatch batch{to_torch(source.ids), to_torch(source.types), to_torch(source.mask)};
  if (inputs.target) {
    batch.decoder_input_ids = to_torch(inputs.target->ids);
    batch.decoder_attention_mask = to_torch(inputs.target->mask);
  }
  ForwardOptions options;
  options.hidden_states = true;
  options.attentions = attentions;
  const ForwardResult result = network.forward(batch, options);
  TensorFile out;
  const std::string side = inputs.target ? "encoder_" : "";
  add_torch(out, side + "hidden_states", result.hidden_states);
  add_torch(out, side + "attentions", result.attentions);
  if (inputs.target) out.tensors["encoder_last_hidden_state"] = from_torch(result.hidden_states.back());
  add_torch(out, "decoder_hidden_states", result.decoder_hidden_states);
  add_torch(out, "decoder_attentions", result.decoder_attentions);
  add_torch(out, "cross_attentions", result.cross_attentions);
  if (result.logits.defined()) add_logits(out, from_torch(result.logits), model.architecture.head.kind);
  return out;
}

// Rows of packed tokens (T, W) at their places in (B, S, W), zeros where nothing was computed.
Tensor unpacked(const Tensor& packed, const PackedBatch& batch, const Tokens& tokens) {
  const int64_t width = packed.numel() / batch.num_tokens();
  std::vector<float> out(static_cast<size_t>(tokens.batch * tokens.length * width));
  const auto values = packed.values<float>();
  for (int64_t row = 0; row < tokens.batch; ++row) {
    const int64_t begin = batch.starts[static_cast<size_t>(row)] * width;
    const int64_t end = batch.starts[static_cast<size_t>(row) + 1] * width;
    std::copy(values.begin() + begin, values.begin() + end, out.begin() + row * tokens.length * width);
  }
  return Tensor::from({tokens.batch, tokens.length, width}, std::move(out));
}

void add_hidden(TensorFile& out, const std::string& name, const std::vector<Tensor>& layers, const PackedBatch& batch,
                const Tokens& tokens) {
  for (size_t i = 0; i < layers.size(); ++i) {
    out.tensors[name + "." + std::to_string(i)] = unpacked(layers[i], batch, tokens);
  }
}

// Probabilities of every sequence (heads, n, m) in (B, heads, queries, keys).
void add_attentions(TensorFile& out, const std::string& name, const std::vector<std::vector<Tensor>>& layers,
                    int64_t queries, int64_t keys) {
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const std::vector<Tensor>& sequences = layers[layer];
    const int64_t heads = sequences[0].size(0);
    const auto batch = static_cast<int64_t>(sequences.size());
    std::vector<float> padded(static_cast<size_t>(batch * heads * queries * keys));
    for (int64_t row = 0; row < batch; ++row) {
      const Tensor& one = sequences[static_cast<size_t>(row)];
      const int64_t n = one.size(1), m = one.size(2);
      const auto values = one.values<float>();
      for (int64_t line = 0; line < heads * n; ++line) {
        const int64_t to = ((row * heads + line / n) * queries + line % n) * keys;
        std::copy(values.begin() + line * m, values.begin() + (line + 1) * m, padded.begin() + to);
      }
    }
    out.tensors[name + "." + std::to_string(layer)] = Tensor::from({batch, heads, queries, keys}, std::move(padded));
  }
}

PackedBatch packed(const Tokens& tokens) {
  PackedBatch batch;
  batch.starts = {0};
  for (int64_t row = 0; row < tokens.batch; ++row) {
    bool ended = false;
    for (int64_t place = row * tokens.length; place < (row + 1) * tokens.length; ++place) {
      const auto at = static_cast<size_t>(place);
      if (tokens.mask.values<int64_t>()[at] == 0) {
        ended = true;
        continue;
      }
      if (ended)
        refuse("the engine takes sequences that are padded at their end only", "attention_mask",
               "row " + std::to_string(row), "ones, then zeros");
      // Narrowed with care: an id beyond 32 bits must not become a valid one.
      batch.ids.push_back(static_cast<TokenId>(std::clamp<int64_t>(tokens.ids.values<int64_t>()[at], -1, INT32_MAX)));
      batch.type_ids.push_back(
          static_cast<int32_t>(std::clamp<int64_t>(tokens.types.values<int64_t>()[at], -1, INT32_MAX)));
    }
    batch.starts.push_back(static_cast<int32_t>(batch.ids.size()));
  }
  return batch;
}

TensorFile trace_engine(const Model& model, const Inputs& inputs, bool attentions) {
  const Tokens& source = inputs.source;
  const PackedBatch batch = packed(source);
  const EngineRequest request{.hidden_states = true, .attentions = attentions};
  const Engine engine(model);
  TensorFile out;
  const HeadKind head = model.architecture.head.kind;
  if (!inputs.target) {
    const EngineOutput result = engine.run(batch, request);
    add_hidden(out, "hidden_states", result.hidden_states, batch, source);
    add_attentions(out, "attentions", result.attentions, source.length, source.length);
    const bool by_token = result.logits.defined() && head != HeadKind::None && head != HeadKind::Classification &&
                          head != HeadKind::Regression;
    add_logits(out, by_token ? unpacked(result.logits, batch, source) : result.logits, head);
    return out;
  }
  const Tokens& target = *inputs.target;
  const PackedBatch read = packed(target);
  const EngineOutput result = engine.run(batch, read, request);
  add_hidden(out, "encoder_hidden_states", result.hidden_states, batch, source);
  out.tensors["encoder_last_hidden_state"] =
      out.tensors.at("encoder_hidden_states." + std::to_string(result.hidden_states.size() - 1));
  add_attentions(out, "encoder_attentions", result.attentions, source.length, source.length);
  add_hidden(out, "decoder_hidden_states", result.decoder_hidden_states, read, target);
  add_attentions(out, "decoder_attentions", result.decoder_attentions, target.length, target.length);
  add_attentions(out, "cross_attentions", result.cross_attentions, target.length, source.length);
  if (result.logits.defined()) add_logits(out, unpacked(result.logits, read, target), head);
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
  verb->add_option(
          "--inputs", options->inputs,
          "safetensors with input_ids (B, S), perhaps attention_mask and token_type_ids; decoder_input_ids (B, T) "
          "for a model with a decoder")
      ->required();
  verb->add_option(
          "--output", options->output,
          "safetensors file to write: logits, hidden_states.N, attentions.N, of two stacks encoder_hidden_states.N, "
          "decoder_hidden_states.N, cross_attentions.N and so on")
      ->required();
  verb->add_flag("--attentions", options->attentions, "Write attention probabilities too");
  verb->add_flag("--engine", options->engine, "Compute on the inference engine instead of the training network");
  program.on_run(verb, [&program, options] {
    const Model model = open_job_model(options->model);
    const Inputs inputs = read_inputs(options->inputs, model.architecture.has_decoder());
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
