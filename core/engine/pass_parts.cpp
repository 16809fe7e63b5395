#include "engine/pass_parts.h"

#include <charconv>

namespace espalier {

namespace {

PartKind kind_of(std::string_view name) {
  const auto holds = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (name.starts_with("head.") || name.starts_with("pooler.")) return PartKind::Head;
  if (holds("embeddings.")) return PartKind::Embedding;
  if (holds(".bottleneck.")) return PartKind::Bottleneck;
  if (name.ends_with("norm")) return PartKind::Norm;
  if (name.ends_with(".scores")) return PartKind::Attention;
  const bool out = name.ends_with(".out_proj");
  if (holds(".ffn.")) return out ? PartKind::FfnOut : PartKind::FfnIn;
  return out ? PartKind::AttentionOut : PartKind::Qkv;
}

}  // namespace

std::string_view to_string(PartKind kind) {
  switch (kind) {
    case PartKind::Embedding:
      return "embedding";
    case PartKind::Qkv:
      return "qkv";
    case PartKind::Attention:
      return "attention";
    case PartKind::AttentionOut:
      return "out";
    case PartKind::FfnIn:
      return "ffn in";
    case PartKind::FfnOut:
      return "ffn out";
    case PartKind::Bottleneck:
      return "bottleneck";
    case PartKind::Norm:
      return "norms";
    case PartKind::Head:
      return "head";
  }
  return "";
}

PassPart part_of(const std::string& name) {
  PassPart part;
  part.name = name;
  part.kind = kind_of(name);
  part.stack = name.starts_with("decoder") ? Stack::Decoder : Stack::Encoder;
  for (const std::string_view stack : {"encoder.", "decoder."}) {
    if (name.starts_with(stack)) std::from_chars(name.data() + stack.size(), name.data() + name.size(), part.layer);
  }
  return part;
}

}  // namespace espalier
