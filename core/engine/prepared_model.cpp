#include "engine/prepared_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

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
  }
  return kernels::Activation::None;
}

const kernels::Table& table_of(KernelSet set) {
  if (set == KernelSet::Reference) return kernels::reference_table();
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
  }

  PreparedModel run() {
    const Architecture& a = model_.architecture;
    made_.word = std::make_unique<EmbeddingTable>(factory_, model_.weight("embeddings.word.weight"));
    note("embeddings.word", made_.word.get(), made_.word->describe(), made_.word->resident_bytes());
    made_.code_bytes = made_.word->code_bytes();
    made_.factor_floats = made_.word->factor_floats();
    made_.position = table("embeddings.position");
    if (a.embedding.type_vocab_size > 0) made_.type = table("embeddings.type");
    made_.embedding_norm = norm("embeddings.norm");
    for (size_t i = 0; i < a.layers.size(); ++i) add_layer(a.layers[i], static_cast<int64_t>(i));
    if (a.has_pooler) made_.pooler = linear("pooler.dense");
    if (a.head.kind == HeadKind::MaskedLm) {
      made_.head_dense = linear("head.dense");
      made_.head_norm = norm("head.norm");
    }
    if (a.head.kind != HeadKind::None) made_.head_out = linear("head.out");
    return std::move(made_);
  }

 private:
  std::vector<float> values(const std::string& slot) const {
    const Tensor tensor = materialize(model_.weight(slot));
    return {tensor.values<float>().begin(), tensor.values<float>().end()};
  }

  std::vector<float> table(const std::string& module) {
    std::vector<float> rows = values(module + ".weight");
    made_.plan.push_back({module, "F32 rows", static_cast<int64_t>(rows.size() * sizeof(float))});
    return rows;
  }

  PreparedNorm norm(const std::string& module) const { return {values(module + ".weight"), values(module + ".bias")}; }

  PreparedLinear linear(const std::string& module) {
    PreparedLinear made{factory_.single(model_.weights, module + ".weight"), values(module + ".bias")};
    note(module, *made.linear);
    return made;
  }

  // Plans what a weight became; its bytes only the first time.
  void note(const std::string& module, const void* identity, const std::string& kernel, int64_t bytes) {
    const bool first = seen_.insert(identity).second;
    made_.plan.push_back({module, first ? kernel : kernel + ", shared", first ? bytes : 0});
  }

  void note(const std::string& module, const Linear& linear) {
    note(module, &linear, linear.describe(), linear.resident_bytes());
    made_.code_bytes = std::max(made_.code_bytes, linear.code_bytes());
    made_.factor_floats = std::max(made_.factor_floats, linear.factor_floats());
    made_.needs_whole_sequences |= linear.needs_whole_sequences();
  }

  void add_layer(const LayerSpec& spec, int64_t index) {
    const std::string at = fmt::format("encoder.{}.", index);
    if (spec.norm != NormPlacement::Post) {
      throw Error(ErrorKind::Unsupported, {.what = "the engine runs layers with the norm after the residual sum only",
                                           .where = at + "attention.norm",
                                           .got = "a norm before the block",
                                           .wanted = "the norm after it"});
    }
    PreparedLayer layer;
    layer.num_heads = spec.attention.num_heads();
    layer.head_dim = spec.attention.head_dim;
    layer.activation = kernel_activation(spec.ffn.activation);
    add_qkv(layer, at + "attention.");
    layer.attention_out = linear(at + "attention.out_proj");
    layer.attention_norm = norm(at + "attention.norm");
    layer.ffn_in = linear(at + "ffn.in_proj");
    layer.ffn_out = linear(at + "ffn.out_proj");
    layer.ffn_norm = norm(at + "ffn.norm");
    made_.widest_attention = std::max(made_.widest_attention, layer.width());
    made_.widest_ffn = std::max(made_.widest_ffn, spec.ffn.width);
    made_.layers.push_back(std::move(layer));
  }

  void add_qkv(PreparedLayer& layer, const std::string& at) {
    const std::vector<std::string> modules = {at + "q_proj", at + "k_proj", at + "v_proj"};
    std::vector<std::string> slots;
    for (const std::string& module : modules) slots.push_back(module + ".weight");
    PreparedLinear joined{factory_.joined(model_.weights, slots), {}};
    if (!joined.linear) {
      for (const std::string& module : modules) layer.qkv.push_back(linear(module));
      return;
    }
    for (const std::string& module : modules) {
      const std::vector<float> part = values(module + ".bias");
      joined.bias.insert(joined.bias.end(), part.begin(), part.end());
    }
    note(at + "qkv_proj", *joined.linear);
    layer.qkv.push_back(std::move(joined));
  }

  const Model& model_;
  LinearFactory factory_;
  PreparedModel made_;
  std::set<const void*> seen_;
};

}  // namespace

PreparedModel prepare(const Model& model, KernelSet kernels) {
  validate(model, "the engine's model");
  return Preparation(model, kernels).run();
}

}  // namespace espalier
