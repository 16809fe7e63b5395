// The C interface of the engine. Nothing but its functions is visible from outside, and no exception leaves it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/version.h"
#include "engine/engine.h"
#include "espalier/engine.h"
#include "model/model.h"
#include "text/tokenizer.h"

using namespace espalier;  // NOLINT: a file of C functions

struct espalier_model {
  espalier_model(const Model& model, int threads) : architecture(model.architecture), engine(model, {threads}) {
    if (!model.tokenizer_files.empty()) tokenizer = load_tokenizer(model.tokenizer_files, display_name(model));
    for (const PlanEntry& entry : engine.plan()) packed_bytes += entry.resident_bytes;
  }

  Architecture architecture;
  Engine engine;
  std::shared_ptr<const Tokenizer> tokenizer;
  int64_t packed_bytes = 0;
};

namespace {

// Tokens of texts that are run at once: beyond, a pass gains no speed and only takes memory.
constexpr int64_t kTokensAtOnce = 4096;

std::string& last_error() {
  thread_local std::string error;
  return error;
}

// Runs `work`; whatever it throws becomes `failed` and the last error.
template <typename Result, typename Work>
Result guarded(Result failed, Work&& work) {
  try {
    return work();
  } catch (...) {
    try {
      last_error() = current_error_info().message;
    } catch (...) {  // no memory for the reason either
      last_error().clear();
    }
    return failed;
  }
}

void require(bool given, const char* what) {
  if (!given) throw Error(ErrorKind::InvalidInput, ErrorParts{.what = "an argument is NULL", .where = what});
}

void require_encoder(const espalier_model& model, const char* what) {
  if (model.architecture.has_decoder()) {
    throw Error(ErrorKind::Unsupported, ErrorParts{.what = fmt::format("{} need a model without a decoder", what),
                                                   .got = model.architecture.family,
                                                   .next = "Call espalier_generate."});
  }
}

bool row_per_token(HeadKind kind) {
  return kind != HeadKind::None && kind != HeadKind::Classification && kind != HeadKind::Regression;
}

int64_t outputs(const Architecture& architecture) {
  switch (architecture.head.kind) {
    case HeadKind::None:
      return architecture.has_pooler ? architecture.hidden_size : 0;
    case HeadKind::MaskedLm:
    case HeadKind::LanguageModel:
      return architecture.decoder_embedding ? architecture.decoder_embedding->vocab_size
                                            : architecture.embedding.vocab_size;
    default:
      return architecture.head.num_labels;
  }
}

int64_t longest(const espalier_model& model) {
  const int64_t positions = model.architecture.embedding.max_positions;
  const int64_t said = model.tokenizer ? model.tokenizer->model_max_length() : 0;
  return said > 0 ? std::min(said, positions) : positions;
}

Encoding encoded(const espalier_model& model, const char* text, const char* pair, int64_t max_length) {
  if (!model.tokenizer) {
    throw Error(ErrorKind::Unsupported,
                ErrorParts{.what = "the model has no tokenizer", .next = "Give ids to espalier_run."});
  }
  require(text != nullptr, "text");
  if (max_length < 0) {
    throw Error(ErrorKind::InvalidInput,
                ErrorParts{.what = "max_length is negative", .got = std::to_string(max_length)});
  }
  const int64_t limit = longest(model);
  const int64_t kept = max_length == 0 ? limit : std::min(limit, max_length);
  const EncodeOptions options{.max_length = kept == kAnyLength ? 0 : kept};
  return pair == nullptr ? model.tokenizer->encode(text, options) : model.tokenizer->encode_pair(text, pair, options);
}

// Calls run(batch, first) for packs of texts `first` and on, in order.
template <typename Run>
void in_packs(const espalier_model& model, const char* const* texts, const char* const* pairs, int64_t count,
              int64_t max_length, Run&& run) {
  require(texts != nullptr || count == 0, "texts");
  std::vector<Encoding> waiting;
  int64_t tokens = 0;
  for (int64_t i = 0; i < count; ++i) {
    waiting.push_back(encoded(model, texts[i], pairs == nullptr ? nullptr : pairs[i], max_length));
    tokens += static_cast<int64_t>(waiting.back().size());
    if (tokens < kTokensAtOnce && i + 1 < count) continue;
    run(pack(waiting), i + 1 - static_cast<int64_t>(waiting.size()));
    waiting.clear();
    tokens = 0;
  }
}

// The mean of rows [begin, end) of `states` (T, hidden), of length 1.
void write_mean(const Tensor& states, int64_t begin, int64_t end, float* out) {
  const int64_t width = states.size(1);
  const std::span<const float> values = states.values<float>();
  std::vector<double> sum(static_cast<size_t>(width), 0);
  for (int64_t r = begin; r < end; ++r) {
    for (int64_t k = 0; k < width; ++k) {
      sum[static_cast<size_t>(k)] += static_cast<double>(values[static_cast<size_t>(r * width + k)]);
    }
  }
  double square = 0;
  for (const double value : sum) square += value * value;
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  for (int64_t k = 0; k < width; ++k) out[k] = static_cast<float>(sum[static_cast<size_t>(k)] * scale);
}

void check_starts(const int32_t* starts, int64_t sequences) {
  for (int64_t b = 0; b < sequences; ++b) {
    if (starts[b + 1] > starts[b]) continue;
    throw Error(ErrorKind::InvalidInput, ErrorParts{.what = "a sequence is empty",
                                                    .where = fmt::format("starts[{}]", b + 1),
                                                    .got = fmt::format("{} after {}", starts[b + 1], starts[b])});
  }
  if (starts[0] != 0) {
    throw Error(ErrorKind::InvalidInput,
                ErrorParts{.what = "the first sequence begins elsewhere", .where = "starts[0]", .wanted = "0"});
  }
}

}  // namespace

const char* espalier_version(void) { return kVersion; }

const char* espalier_last_error(void) { return last_error().c_str(); }

espalier_model* espalier_open(const char* folder, int threads) {
  return guarded<espalier_model*>(nullptr, [&] {
    require(folder != nullptr, "folder");
    if (threads < 0) {
      throw Error(ErrorKind::InvalidInput, ErrorParts{.what = "threads is negative", .got = std::to_string(threads)});
    }
    return std::make_unique<espalier_model>(open_model(folder), threads).release();
  });
}

void espalier_close(espalier_model* model) { delete model; }

espalier_info espalier_describe(const espalier_model* model) {
  if (model == nullptr) return {};
  const Architecture& architecture = model->architecture;
  const int64_t limit = longest(*model);
  return {.outputs = outputs(architecture),
          .hidden = architecture.hidden_size,
          .vocabulary = model->tokenizer ? model->tokenizer->vocab_size() : architecture.embedding.vocab_size,
          .max_length = limit == kAnyLength ? std::numeric_limits<int64_t>::max() : limit,
          .packed_bytes = model->packed_bytes,
          .threads = model->engine.threads(),
          .row_per_token = row_per_token(architecture.head.kind) ? 1 : 0,
          .has_tokenizer = model->tokenizer ? 1 : 0,
          .generates = architecture.head.kind == HeadKind::LanguageModel ? 1 : 0};
}

const char* espalier_label(const espalier_model* model, int64_t output) {
  if (model == nullptr) return "";
  const std::vector<std::string>& labels = model->architecture.head.labels;
  return output >= 0 && output < static_cast<int64_t>(labels.size()) ? labels[static_cast<size_t>(output)].c_str() : "";
}

int64_t espalier_tokenize(const espalier_model* model, const char* text, const char* pair, int64_t max_length,
                          int32_t* ids, int32_t* types, int64_t capacity) {
  return guarded<int64_t>(-1, [&] {
    require(model != nullptr, "model");
    require(ids != nullptr || capacity <= 0, "ids");
    const Encoding encoding = encoded(*model, text, pair, max_length);
    const auto count = static_cast<int64_t>(encoding.size());
    for (int64_t i = 0; i < std::min(count, capacity); ++i) {
      ids[i] = encoding.ids[static_cast<size_t>(i)];
      if (types != nullptr) types[i] = encoding.type_ids[static_cast<size_t>(i)];
    }
    return count;
  });
}

int espalier_run(const espalier_model* model, const int32_t* ids, const int32_t* types, const int32_t* starts,
                 int64_t sequences, float* logits) {
  return guarded(-1, [&] {
    require(model != nullptr, "model");
    require_encoder(*model, "logits of ids");
    if (sequences <= 0) return 0;
    require(starts != nullptr, "starts");
    require(ids != nullptr, "ids");
    require(logits != nullptr, "logits");
    check_starts(starts, sequences);
    const int32_t tokens = starts[sequences];
    PackedBatch batch;
    batch.starts.assign(starts, starts + sequences + 1);
    batch.ids.assign(ids, ids + tokens);
    batch.type_ids.assign(static_cast<size_t>(tokens), 0);
    if (types != nullptr) std::copy_n(types, tokens, batch.type_ids.begin());
    const Tensor found = model->engine.run(batch).logits;
    std::ranges::copy(found.values<float>(), logits);
    return 0;
  });
}

int espalier_classify(const espalier_model* model, const char* const* texts, const char* const* pairs, int64_t count,
                      int64_t max_length, float* logits) {
  return guarded(-1, [&] {
    require(model != nullptr, "model");
    require(logits != nullptr || count <= 0, "logits");
    require_encoder(*model, "classes");
    if (row_per_token(model->architecture.head.kind)) {
      throw Error(ErrorKind::Unsupported, ErrorParts{.what = "the model gives a row of logits a token, not a text",
                                                     .where = "espalier_classify",
                                                     .next = "Call espalier_tokenize and espalier_run."});
    }
    const int64_t width = outputs(model->architecture);
    in_packs(*model, texts, pairs, count, max_length, [&](const PackedBatch& batch, int64_t first) {
      const Tensor found = model->engine.run(batch).logits;
      std::ranges::copy(found.values<float>(), logits + first * width);
    });
    return 0;
  });
}

int espalier_embed(const espalier_model* model, const char* const* texts, int64_t count, int64_t max_length,
                   float* embeddings) {
  return guarded(-1, [&] {
    require(model != nullptr, "model");
    require(embeddings != nullptr || count <= 0, "embeddings");
    require_encoder(*model, "embeddings");
    const int64_t width = model->architecture.hidden_size;
    in_packs(*model, texts, nullptr, count, max_length, [&](const PackedBatch& batch, int64_t first) {
      const EngineOutput found = model->engine.run(batch, {.hidden_states = true});
      for (int64_t b = 0; b < batch.num_sequences(); ++b) {
        const auto at = static_cast<size_t>(b);
        write_mean(found.hidden_states.back(), batch.starts[at], batch.starts[at + 1],
                   embeddings + (first + b) * width);
      }
    });
    return 0;
  });
}

int64_t espalier_generate(const espalier_model* model, const char* text, int64_t max_length, int64_t beams, char* out,
                          size_t capacity) {
  return guarded<int64_t>(-1, [&] {
    require(model != nullptr, "model");
    require(out != nullptr || capacity == 0, "out");
    if (max_length < 0 || beams < 0) {
      throw Error(ErrorKind::InvalidInput, ErrorParts{.what = "max_length or beams is negative"});
    }
    const Architecture& architecture = model->architecture;
    GenerationSpec spec = architecture.generation.value_or(GenerationSpec{});
    if (max_length > 0) spec.max_length = max_length;
    if (beams > 0) spec.beams = beams;
    const std::vector<Encoding> one = {encoded(*model, text, nullptr, 0)};
    std::vector<TokenId> ids = model->engine.generate(pack(one), spec).front();
    if (architecture.is_causal()) ids.erase(ids.begin(), ids.begin() + static_cast<int64_t>(one.front().size()));
    const std::string written = model->tokenizer->decode(ids);
    if (capacity > 0) {
      const size_t bytes = std::min(written.size(), capacity - 1);
      std::memcpy(out, written.data(), bytes);
      out[bytes] = '\0';
    }
    return static_cast<int64_t>(written.size());
  });
}
