#pragma once
// One reader for each kind of file that a tokenizer may come in. All throw Format naming `where` for damage, and
// Unsupported naming a component that is not known.

#include <string_view>

#include "base/json_fwd.h"
#include "text/composed_tokenizer.h"
#include "text/tokenizer_settings.h"

namespace espalier {

// tokenizer.json: everything in one file.
TokenizerParts read_tokenizer_json(const Json& json, std::string_view where);

// vocab.txt: BERT's WordPiece, one token a line.
TokenizerParts read_wordpiece_vocabulary(std::string_view lines, const TokenizerSettings& settings,
                                         std::string_view where);

// vocab.json and merges.txt: byte-level BPE, as GPT-2 has it, or as RoBERTa and BART when the settings say so or,
// without settings, when there is a <s>, a </s> and a <mask>.
TokenizerParts read_byte_level_bpe(const Json& vocabulary, std::string_view merges, const TokenizerSettings& settings,
                                   std::string_view where);

// spiece.model. With a tokenizer class in the settings: what that family makes of it (T5, ALBERT), text for text as its
// tokenizer.json. Without: SentencePiece itself, with [CLS] and [SEP] or </s> around the texts when it has these.
TokenizerParts read_sentencepiece(std::string_view model, const TokenizerSettings& settings, std::string_view where);

// source.spm, target.spm and vocab.json: two SentencePiece models with one list of ids (Marian). A token >>xx<< at the
// beginning of a text is looked for as it stands.
TokenizerParts read_marian(std::string_view source, std::string_view target, const Json& vocabulary,
                           const TokenizerSettings& settings, std::string_view where);

// Tokens by id from an object of token: id.
std::vector<std::string> tokens_from_json(const Json& vocabulary, std::string_view where);

}  // namespace espalier
