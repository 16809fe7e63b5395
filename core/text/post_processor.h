#pragma once
#include <cstdint>
#include <vector>

#include "text/encoding.h"
#include "text/token_spans.h"
#include "text/tokenizer.h"

namespace espalier {

// One place of what is put together around the texts.
struct TemplateItem {
  enum class Kind { Special, First, Second } kind = Kind::Special;
  TokenId id = 0;  // of a special token
  int32_t type_id = 0;
};
using Template = std::vector<TemplateItem>;

TemplateItem special_item(TokenId id, int32_t type_id);
// Without special tokens.
Template plain_template(bool pair);
// [CLS] A [SEP], [CLS] A [SEP] B [SEP]
Template bert_template(TokenId cls, TokenId sep, bool pair);
// <s> A </s>, <s> A </s> </s> B </s>, all of type 0
Template roberta_template(TokenId cls, TokenId sep, bool pair);
// A </s>, A </s> B </s>, all of type 0
Template t5_template(TokenId eos, bool pair);

// Puts special tokens around texts that have been cut to length.
struct PostProcessor {
  Template single = plain_template(false);
  Template pair = plain_template(true);
  // Offsets leave out the blanks that byte-level tokens begin or end with; with `keeps_prefix_space` not the one that
  // was put before the text.
  bool trim_offsets = false;
  bool keeps_prefix_space = false;

  int64_t num_special(bool is_pair) const;
  Encoding assemble(const TokenSpans& first, const TokenSpans* second, bool add_special_tokens) const;
};

// Blanks at the ends of a byte-level token, in code points.
struct BlankEnds {
  int32_t leading = 0;
  int32_t trailing = 0;
};
BlankEnds blank_ends(std::string_view token);
void trim_offsets(TokenSpans& text, const std::vector<BlankEnds>& by_id, bool keeps_prefix_space);

}  // namespace espalier
