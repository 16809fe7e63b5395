#include "engine/prepared_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/pass_parts.h"
#include "model/positions.h"

namespace espalier {

namespace {

kernels::Activation kernel_activation(Activation activation) {
  switch (activation) {
    case Activation::Gelu:
      return kernels::Activation::Gelu;
    case Activation::GeluTanh:
      return kernels::Activation::GeluTanh;
    case Activation::Relu:
      return kernels::Activation::Relu;
    case Activation::Silu:
      return kernels::Activation::Silu;
    case Activation::Tanh:
      return kernels::Activation::Tanh;
    case Activation::Identity:
      return kernels::Activation::None;
  }
  return kernels::Activation::None;
}

const kernels::Table& table_of(KernelSet set) {
  if (set == KernelSet::Reference) return kernels::reference_table();
  if (set == KernelSet::Vector) return kernels::widest_vector_table();
#ifdef ESPALIER_X86_KERNELS
  if (set == KernelSet::Avx2) {
    if (!kernels::processor().avx2) {
      throw Error(ErrorKind::Unsupported,
                  ErrorParts{.what = "this processor has no AVX2", .next = "choose the best kernels"});
    }
    return kernels::avx2_table();
  }
#endif
  return kernels::fastest_table();
}

class Preparation {
 public:
  Preparation(const Model& model, KernelSet set) : model_(model), factory_(table_of(set), set != KernelSet::Reference) {
    made_.architecture = model.architecture;
    made_.kernels = &factory_.kernels();
    made_.kernel_set = set;
  }

  // Takes over what `prepared`, made of `own`, holds of weights that are equal in both models.
  void take_over(const Model& own, const PreparedModel& prepared) {
    const auto equal = [&](const std::string& slot) {
      return model_.weights.contains(slot) && bit_equal(own.weight(slot), model_.weight(slot));
    };
    for (const auto& [slots, linear] : prepared.linears) {
      if (std::ranges::all_of(slots, equal)) factory_.adopt(model_.weights, slots, linear);
    }
    for (const Stack which : {Stack::Encoder, Stack::Decoder}) {
      const std::string slot = std::string(embeddings_of(which)) + ".word.weight";
      if (which == Stack::Decoder && !prepared.decoder) continue;
      if (equal(slot)) words_[slot] = (which == Stack::Encoder ? prepared.encoder : *prepared.decoder).embedding.word;
    }
  }

  PreparedModel run() {
    const Architecture& a = model_.architecture;
    made_.widest_row = a.hidden_size;
    made_.encoder = stack(Stack::Encoder);
    if (a.has_decoder()) made_.decoder = stack(Stack::Decoder);
    if (a.has_pooler) made_.pooler = linear("pooler.dense");
    add_head();
    return std::move(made_);
  }

 private:
  std::vector<float> values(const std::string& slot) const {
    const Tensor tensor = materialize(model_.weight(slot));
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }
  std::vector<float> values_if(const std::string& slot) const {
    return model_.weights.contains(slot) ? values(slot) : std::vector<float>();
  }

  std::vector<float> table(const std::string& module) {
    std::vector<float> rows = values(module + ".weight");
    made_.plan.push_back(
        {module, "F32 rows", static_cast<int64_t>(rows.size() * sizeof(float)), 0, {module + ".weight"}});
    return rows;
  }

  PreparedNorm norm_of(const std::string& module, double epsilon, int part) const {
    const Architecture& a = model_.architecture;
    return {a.norm_kind, static_cast<float>(epsilon > 0 ? epsilon : a.norm_epsilon), values(module + ".weight"),
            values_if(module + ".bias"), part};
  }
  PreparedNorm norm(const std::string& module, double epsilon = 0) {
    PassPart part = part_of(module);
    part.weights = {module + ".weight"};
    return norm_of(module, epsilon, add_part(std::move(part)));
  }

  int add_part(PassPart part) {
    made_.parts.push_back(std::move(part));
    return static_cast<int>(made_.parts.size()) - 1;
  }

  // The part that carries out the newest line of the plan.
  int add_product(const ProductCost& cost, int64_t weight_bytes) {
    PlanEntry& entry = made_.plan.back();
    entry.multiplications = cost.float_macs + cost.int8_macs;
    PassPart part = part_of(entry.slot);
    part.slots = {entry.slot};
    part.kernel = entry.kernel;
    part.weights = entry.weights;
    part.float_macs = cost.float_macs;
    part.int8_macs = cost.int8_macs;
    part.weight_bytes = weight_bytes;
    return add_part(std::move(part));
  }

  PreparedLinear linear(const std::string& module) {
    PreparedLinear made{factory_.single(model_.weights, module + ".weight"), values_if(module + ".bias")};
    made_.linears[{module + ".weight"}] = made.linear;
    made.part = note(module, {module + ".weight"}, *made.linear);
    return made;
  }

  // Plans what a weight became; its bytes only the first time.
  void note(const std::string& module, const std::vector<std::string>& weights, const void* identity,
            const std::string& kernel, int64_t bytes) {
    const bool first = seen_.insert(identity).second;
    made_.plan.push_back({module, first ? kernel : kernel + ", shared", first ? bytes : 0, 0, weights});
  }

  // Returns the part that runs it.
  int note(const std::string& module, const std::vector<std::string>& weights, const Linear& linear) {
    note(module, weights, &linear, linear.describe(), linear.resident_bytes());
    made_.code_bytes = std::max(made_.code_bytes, linear.code_bytes());
    made_.factor_floats = std::max(made_.factor_floats, linear.factor_floats());
    made_.scratch_bytes = std::max(made_.scratch_bytes, linear.scratch_bytes());
    made_.needs_whole_sequences |= linear.needs_whole_sequences();
    return add_product(linear.cost(), linear.resident_bytes());
  }

  PreparedStack stack(Stack which) {
    PreparedStack made;
    made.embedding = embedding(which);
    const std::vector<LayerSpec>& specs = layer_specs(model_.architecture, which);
    for (size_t i = 0; i < specs.size(); ++i) {
      made.layers.push_back(layer(fmt::format("{}.{}.", to_string(which), i), specs[i]));
    }
    if (model_.architecture.final_norm && !specs.empty())
      made.final_norm = norm(fmt::format("{}.norm", to_string(which)));
    return made;
  }

  PreparedEmbedding embedding(Stack which) {
    const std::string at(embeddings_of(which));
    const int64_t hidden = model_.architecture.hidden_size;
    PreparedEmbedding made;
    made.spec = embedding_spec(model_.architecture, which);
    made.word_width = embedding_word_width(made.spec, hidden);
    made.sum_width = embedding_sum_width(made.spec, hidden);
    const std::string word = at + ".word.weight";
    made.word =
        words_.contains(word) ? words_.at(word) : std::make_shared<const EmbeddingTable>(factory_, model_.weight(word));
    note(at + ".word", {word}, made.word.get(), made.word->describe(), made.word->resident_bytes());
    made.word_part = add_product(made.word->cost(), made.word->product_bytes());
    made_.code_bytes = std::max(made_.code_bytes, made.word->code_bytes());
    made_.factor_floats = std::max(made_.factor_floats, made.word->factor_floats());
    made_.scratch_bytes = std::max(made_.scratch_bytes, made.word->scratch_bytes());
    if (made.spec.projection != Projection::None) made.project = linear(at + ".project");
    if (made.spec.positions == PositionKind::Learned) {
      made.position = table(at + ".position");
    } else if (made.spec.positions != PositionKind::None) {
      const int64_t rows = made.spec.max_positions + made.spec.position_offset;
      made.position = sinusoidal_table(made.spec.positions, rows, made.sum_width);
      made_.plan.push_back(
          {at + ".position", "F32 rows by formula", static_cast<int64_t>(made.position.size() * sizeof(float))});
    }
    if (made.spec.type_vocab_size > 0) made.type = table(at + ".type");
    made.sum_part = add_sum(at, made);
    if (made.spec.norm) made.norm = norm_of(at + ".norm", made.spec.norm_epsilon, made.sum_part);
    made_.widest_row = std::max({made_.widest_row, made.sum_width, made.word_width});
    const int64_t words = (made.spec.trigram ? 3 : 1) * made.word_width;
    if (made.spec.projection == Projection::Words) made_.widest_words = std::max(made_.widest_words, words);
    if (made.spec.projection == Projection::Sum) made_.widest_words = std::max(made_.widest_words, made.sum_width);
    return made;
  }

  int add_sum(const std::string& at, const PreparedEmbedding& embedding) {
    PassPart part = part_of(at + ".sum");
    if (!embedding.position.empty()) part.slots.push_back(at + ".position");
    if (!embedding.type.empty()) part.slots.push_back(at + ".type");
    for (const char* module : {".position", ".type", ".norm"}) {
      const std::string weight = at + module + ".weight";
      if (model_.weights.contains(weight)) part.weights.push_back(weight);
    }
    return add_part(std::move(part));
  }

  PreparedLayer layer(const std::string& at, const LayerSpec& spec) {
    PreparedLayer made;
    made.pre_norm = spec.norm == NormPlacement::Pre;
    made.inner = spec.bottleneck ? spec.bottleneck->width : model_.architecture.hidden_size;
    made.bottleneck = spec.bottleneck;
    if (made.pre_norm && spec.bottleneck) {
      throw Error(ErrorKind::Unsupported, {.what = "the engine runs bottlenecks with the norm after each block only",
                                           .where = at + "bottleneck",
                                           .got = "a norm before the block",
                                           .wanted = "the norm after it"});
    }
    if (spec.bottleneck) {
      made.narrow_input = bottleneck(at + "bottleneck.input");
      if (spec.bottleneck->shared) made.narrow_attention = bottleneck(at + "bottleneck.attention");
      made.narrow_output = bottleneck(at + "bottleneck.output");
    }
    made.attention = attention(at + "attention.", spec.attention);
    // Queries, keys and values of a bottleneck may have inputs of their own.
    const std::vector<std::string> inputs = {at + "attention.q_proj", at + "attention.k_proj", at + "attention.v_proj"};
    made.attention.query = spec.bottleneck ? apart(inputs) : side_by_side(at + "attention.qkv_proj", inputs);
    choose_attention(made.attention);
    if (spec.cross) {
      made.cross = attention(at + "cross_attention.", *spec.cross);
      made.cross->query = apart({at + "cross_attention.q_proj"});
      made.cross->memory =
          side_by_side(at + "cross_attention.kv_proj", {at + "cross_attention.k_proj", at + "cross_attention.v_proj"});
      choose_attention(*made.cross);
    }
    for (size_t i = 0; i < spec.stacked.size(); ++i) {
      made.blocks.push_back(feed_forward(fmt::format("{}ffn.{}.", at, i), spec.stacked[i]));
    }
    made.blocks.push_back(feed_forward(at + "ffn.", spec.ffn));
    made_.widest_row = std::max(made_.widest_row, made.inner);
    return made;
  }

  PreparedBottleneck bottleneck(const std::string& at) { return {linear(at), norm(at + ".norm")}; }

  // All but the linears of queries, keys and values.
  PreparedAttention attention(const std::string& at, const AttentionSpec& spec) {
    PreparedAttention made;
    made.spec = spec;
    made.scale = static_cast<float>(spec.score_scale());
    made.out = linear(at + "out_proj");
    made.norm = norm(at + "norm");
    made.scores_part = add_part(part_of(at + "scores"));
    if (spec.relative) made.relative_bias = values(at + "relative_bias.weight");
    made_.widest_attention = std::max(made_.widest_attention, spec.width());
    return made;
  }

  // Between linears that round their inputs to 8 bits the products of attention are rounded too, where that is faster.
  void choose_attention(PreparedAttention& attention) {
    const auto rounds = [](const PreparedLinear& linear) { return linear.linear->code_bytes() > 0; };
    const bool short_numbers = made_.kernels->attention_in_bfloat16 && rounds(attention.out) &&
                               std::ranges::all_of(attention.query, rounds) &&
                               std::ranges::all_of(attention.memory, rounds);
    attention.attend = short_numbers ? made_.kernels->attention_in_bfloat16 : made_.kernels->attention;
    PassPart& scores = made_.parts[static_cast<size_t>(attention.scores_part)];
    scores.kernel = fmt::format("{}, {}", short_numbers ? "bfloat16" : "float32", made_.kernels->name);
    (short_numbers ? scores.bfloat16_macs : scores.float_macs) = 2 * attention.spec.width();
  }

  PreparedFeedForward feed_forward(const std::string& at, const FeedForwardSpec& spec) {
    PreparedFeedForward made;
    made.activation = kernel_activation(spec.activation);
    made.in = linear(at + "in_proj");
    if (spec.gated) made.up = linear(at + "up_proj");
    made.out = linear(at + "out_proj");
    made.norm = norm(at + "norm", spec.norm_epsilon);
    made_.widest_ffn = std::max(made_.widest_ffn, spec.width);
    return made;
  }

  std::vector<PreparedLinear> apart(const std::vector<std::string>& modules) {
    std::vector<PreparedLinear> made;
    made.reserve(modules.size());
    for (const std::string& module : modules) made.push_back(linear(module));
    return made;
  }

  // One linear of all where their forms can be joined, planned under `name`.
  std::vector<PreparedLinear> side_by_side(const std::string& name, const std::vector<std::string>& modules) {
    std::vector<std::string> slots;
    for (const std::string& module : modules) slots.push_back(module + ".weight");
    PreparedLinear joined{factory_.joined(model_.weights, slots), {}};
    if (!joined.linear) return apart(modules);
    made_.linears[slots] = joined.linear;
    for (const std::string& module : modules) {
      const std::vector<float> part = values_if(module + ".bias");
      joined.bias.insert(joined.bias.end(), part.begin(), part.end());
    }
    joined.part = note(name, slots, *joined.linear);
    std::vector<PreparedLinear> made;
    made.push_back(std::move(joined));
    return made;
  }

  void add_head() {
    const Architecture& a = model_.architecture;
    if (a.head.kind == HeadKind::None) return;
    if (model_.weights.contains("head.dense.weight")) {
      made_.head_dense = linear("head.dense");
      made_.head_activation = kernel_activation(head_activation(a));
      made_.widest_row = std::max(made_.widest_row, made_.head_dense->linear->columns());
    }
    if (a.head.kind == HeadKind::MaskedLm) {
      made_.head_norm = norm("head.norm");
      made_.head_norm->kind = NormKind::Layer;
    }
    made_.head_out = linear("head.out");
    if (model_.weights.contains("head.extra.weight")) made_.head_extra = linear("head.extra");
  }

  const Model& model_;
  LinearFactory factory_;
  PreparedModel made_;
  std::set<const void*> seen_;
  std::map<std::string, std::shared_ptr<const EmbeddingTable>> words_;  // taken over, by slot
};

// Throws where a model cannot run at all.
void check_runs(const Model& model) {
  validate(model, "the engine's model");
  if (engine_runs(model.architecture)) return;
  throw Error(ErrorKind::Unsupported, ErrorParts{.what = "the engine does not run recurrent layers",
                                                 .where = display_name(model),
                                                 .got = "LSTM or GRU layers",
                                                 .wanted = "a Transformer",
                                                 .next = "run it on libtorch"});
}

}  // namespace

bool engine_runs(const Architecture& architecture) { return !architecture.is_recurrent(); }

PreparedModel prepare(const Model& model, KernelSet kernels) {
  check_runs(model);
  return Preparation(model, kernels).run();
}

PreparedModel prepare_edit(const Model& model, const Model& own, const PreparedModel& prepared) {
  check_runs(model);
  Preparation preparation(model, prepared.kernel_set);
  preparation.take_over(own, prepared);
  return preparation.run();
}

}  // namespace espalier
