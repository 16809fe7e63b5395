#include <fmt/format.h>

#include "engine/forward.h"

namespace espalier {

namespace {

[[noreturn]] void refuse(std::string what, std::string where, std::string got, std::string wanted,
                         std::string next = "") {
  throw Error(ErrorKind::InvalidInput,
              {std::move(what), std::move(where), std::move(got), std::move(wanted), std::move(next)});
}

void check_layout(const PackedBatch& batch) {
  const size_t tokens = batch.ids.size();
  if (batch.starts.size() < 2) refuse("the batch holds no sequence", "batch.starts", "", "one sequence or more");
  if (batch.type_ids.size() != tokens) {
    refuse("the batch has another number of token types than tokens", "batch.type_ids",
           fmt::format("{}", batch.type_ids.size()), fmt::format("{}", tokens));
  }
  if (batch.starts.front() != 0 || batch.starts.back() < 0 || static_cast<size_t>(batch.starts.back()) != tokens) {
    refuse("the sequences do not cover the tokens", "batch.starts",
           fmt::format("{} to {}", batch.starts.front(), batch.starts.back()), fmt::format("0 to {}", tokens));
  }
}

}  // namespace

void check_batch(const EmbeddingSpec& embedding, const PackedBatch& batch, const std::vector<int32_t>& lengths) {
  check_layout(batch);
  for (size_t b = 0; b + 1 < batch.starts.size(); ++b) {
    const int64_t length = int64_t{batch.starts[b + 1]} - batch.starts[b];
    if (length <= 0 || batch.starts[b + 1] > batch.starts.back()) {
      refuse(length <= 0 ? "a sequence is empty" : "a sequence ends after the last token",
             fmt::format("sequence {}", b), fmt::format("{} tokens", length), "one token or more");
    }
    const int64_t whole = length + (b < lengths.size() ? lengths[b] : 0);
    if (whole > embedding.max_positions) {
      refuse("a sequence is longer than the model's position table", fmt::format("sequence {}", b),
             fmt::format("{} tokens", whole), fmt::format("{} at the most", embedding.max_positions),
             "truncate it when it is tokenized");
    }
    for (int32_t t = batch.starts[b]; t < batch.starts[b + 1]; ++t) {
      const TokenId id = batch.ids[static_cast<size_t>(t)];
      const int32_t type = batch.type_ids[static_cast<size_t>(t)];
      const auto where = [&] { return fmt::format("sequence {}, token {}", b, t - batch.starts[b]); };
      if (id < 0 || id >= embedding.vocab_size) {
        refuse("a token id is not in the vocabulary", where(), fmt::format("{}", id),
               fmt::format("0 to {}", embedding.vocab_size - 1), "tokenize with the model's own vocabulary");
      }
      if (embedding.type_vocab_size > 0 && (type < 0 || type >= embedding.type_vocab_size)) {
        refuse("a token type is not in the model's table", where(), fmt::format("{}", type),
               fmt::format("0 to {}", embedding.type_vocab_size - 1));
      }
    }
  }
}

}  // namespace espalier
