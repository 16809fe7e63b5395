// libespalier-engine: a compressed Transformer on the processor, from C++17. A thin cover of engine.h, so that one
// library serves every compiler. Failures are thrown as espalier::engine::Failure.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "espalier/engine.h"

namespace espalier::engine {

struct Failure : std::runtime_error {
  Failure() : std::runtime_error(espalier_last_error()) {}
};

struct Tokens {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> types;  // segment of each
};

// Rows of equal width, one behind the other.
struct Rows {
  std::vector<float> values;
  std::int64_t width = 0;

  std::int64_t count() const { return width == 0 ? 0 : static_cast<std::int64_t>(values.size()) / width; }
  const float* row(std::int64_t index) const { return values.data() + index * width; }
};

// Any number of threads may call the const members at once.
class Model {
 public:
  explicit Model(const std::string& folder, int threads = 0) : model_(espalier_open(folder.c_str(), threads)) {
    if (!model_) throw Failure();
  }

  espalier_info describe() const { return espalier_describe(model_.get()); }
  std::string label(std::int64_t output) const { return espalier_label(model_.get(), output); }

  Tokens tokenize(const std::string& text, std::int64_t max_length = 0) const {
    return tokens(text, nullptr, max_length);
  }
  Tokens tokenize(const std::string& text, const std::string& pair, std::int64_t max_length = 0) const {
    return tokens(text, pair.c_str(), max_length);
  }

  Rows classify(const std::vector<std::string>& texts, std::int64_t max_length = 0) const {
    Rows rows = make_rows(texts.size(), describe().outputs);
    check(
        espalier_classify(model_.get(), pointers(texts).data(), nullptr, size(texts), max_length, rows.values.data()));
    return rows;
  }
  // One pair of each text and what stands at its place in `pairs`.
  Rows classify(const std::vector<std::string>& texts, const std::vector<std::string>& pairs,
                std::int64_t max_length = 0) const {
    if (pairs.size() != texts.size()) throw std::invalid_argument("texts and pairs differ in number");
    Rows rows = make_rows(texts.size(), describe().outputs);
    check(espalier_classify(model_.get(), pointers(texts).data(), pointers(pairs).data(), size(texts), max_length,
                            rows.values.data()));
    return rows;
  }

  Rows embed(const std::vector<std::string>& texts, std::int64_t max_length = 0) const {
    Rows rows = make_rows(texts.size(), describe().hidden);
    check(espalier_embed(model_.get(), pointers(texts).data(), size(texts), max_length, rows.values.data()));
    return rows;
  }

  // `starts`: first token of each sequence, and the number of all.
  Rows run(const Tokens& tokens, const std::vector<std::int32_t>& starts) const {
    if (starts.size() < 2) throw std::invalid_argument("starts needs the first token of a sequence and the end");
    const espalier_info info = describe();
    const std::size_t rows_wanted = info.row_per_token != 0 ? tokens.ids.size() : starts.size() - 1;
    Rows rows = make_rows(rows_wanted, info.outputs);
    check(espalier_run(model_.get(), tokens.ids.data(), tokens.types.empty() ? nullptr : tokens.types.data(),
                       starts.data(), static_cast<std::int64_t>(starts.size()) - 1, rows.values.data()));
    return rows;
  }

  std::string generate(const std::string& text, std::int64_t max_length = 0, std::int64_t beams = 0) const {
    std::string out(4096, '\0');
    for (;;) {
      const std::int64_t bytes =
          espalier_generate(model_.get(), text.c_str(), max_length, beams, out.data(), out.size());
      if (bytes < 0) throw Failure();
      const bool whole = static_cast<std::size_t>(bytes) < out.size();
      out.resize(static_cast<std::size_t>(bytes) + (whole ? 0 : 1));
      if (whole) return out;
    }
  }

 private:
  struct Close {
    void operator()(espalier_model* model) const { espalier_close(model); }
  };

  static void check(int result) {
    if (result != 0) throw Failure();
  }
  static std::int64_t size(const std::vector<std::string>& texts) { return static_cast<std::int64_t>(texts.size()); }
  static Rows make_rows(std::size_t rows, std::int64_t width) {
    return {std::vector<float>(rows * static_cast<std::size_t>(width)), width};
  }
  static std::vector<const char*> pointers(const std::vector<std::string>& texts) {
    std::vector<const char*> all;
    all.reserve(texts.size());
    for (const std::string& text : texts) all.push_back(text.c_str());
    return all;
  }
  Tokens tokens(const std::string& text, const char* pair, std::int64_t max_length) const {
    Tokens found{std::vector<std::int32_t>(512), std::vector<std::int32_t>(512)};
    for (;;) {
      const auto room = static_cast<std::int64_t>(found.ids.size());
      const std::int64_t count =
          espalier_tokenize(model_.get(), text.c_str(), pair, max_length, found.ids.data(), found.types.data(), room);
      if (count < 0) throw Failure();
      found.ids.resize(static_cast<std::size_t>(count));
      found.types.resize(static_cast<std::size_t>(count));
      if (count <= room) return found;
    }
  }

  std::unique_ptr<espalier_model, Close> model_;
};

}  // namespace espalier::engine
