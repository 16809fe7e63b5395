#pragma once
// Tokens that a masked language model is asked for (Devlin et al. 2019, arXiv 1810.04805, section 3.1).

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "text/tokenizer.h"

namespace espalier {

struct MaskingRule {
  double share = 0.15;  // of the ordinary tokens that are asked for
  TokenId mask_id = -1;
  // Tokens that may stand in place of one that is asked for; not empty.
  std::vector<TokenId> ordinary = {};
};

// The rule of a tokenizer. InvalidInput when it has no mask token or the share is not in (0, 1].
MaskingRule masking_rule(const Tokenizer& tokenizer, double share);

struct MaskedEncoding {
  Encoding encoding;
  std::vector<int32_t> targets;  // of each token: what stood there where it is asked for, else -1
};

// Asks for each ordinary token with the rule's probability, and for one at least where there is an ordinary one. Of
// those, 80 % become the mask token, 10 % any ordinary one and 10 % stay. The same state of `rng` gives the same bits.
MaskedEncoding mask_tokens(const Encoding& encoding, const MaskingRule& rule, Rng& rng);

}  // namespace espalier
