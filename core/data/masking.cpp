#include "data/masking.h"

#include "base/error.h"

namespace espalier {
namespace {

constexpr double kMaskedShare = 0.8;
constexpr double kReplacedShare = 0.1;

}  // namespace

MaskingRule masking_rule(const Tokenizer& tokenizer, double share) {
  if (!(share > 0 && share <= 1)) {
    throw Error(ErrorKind::InvalidInput, {.what = "the share of masked tokens is out of range",
                                          .got = std::to_string(share),
                                          .wanted = "above 0 and at most 1"});
  }
  if (tokenizer.mask_id() < 0) {
    throw Error(ErrorKind::InvalidInput, {.what = "the tokenizer has no mask token",
                                          .wanted = "one that a masked language model can be asked with",
                                          .next = "Choose a model that was made for masked language modelling."});
  }
  MaskingRule rule{.share = share, .mask_id = tokenizer.mask_id()};
  for (int64_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!tokenizer.is_special(static_cast<TokenId>(id))) rule.ordinary.push_back(static_cast<TokenId>(id));
  }
  if (rule.ordinary.empty()) throw Error(ErrorKind::InvalidInput, "the tokenizer has special tokens only");
  return rule;
}

MaskedEncoding mask_tokens(const Encoding& encoding, const MaskingRule& rule, Rng& rng) {
  MaskedEncoding masked{encoding, std::vector<int32_t>(encoding.size(), -1)};
  std::vector<size_t> ordinary;
  for (size_t i = 0; i < encoding.size(); ++i) {
    if (!encoding.special[i]) ordinary.push_back(i);
  }
  if (ordinary.empty()) return masked;
  const auto ask = [&](size_t i) {
    masked.targets[i] = encoding.ids[i];
    const double drawn = rng.uniform();
    if (drawn < kMaskedShare) {
      masked.encoding.ids[i] = rule.mask_id;
    } else if (drawn < kMaskedShare + kReplacedShare) {
      masked.encoding.ids[i] = rng.pick(rule.ordinary);
    }
  };
  bool any = false;
  for (const size_t i : ordinary) {
    if (!rng.chance(rule.share)) continue;
    ask(i);
    any = true;
  }
  if (!any) ask(rng.pick(ordinary));
  return masked;
}

}  // namespace espalier
