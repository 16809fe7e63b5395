#pragma once
// Recurrent models as plain loops over single sequences in double precision, from the stored weights.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/index.h"
#include "model/model.h"

namespace espalier::test {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

class Loops {
 public:
  explicit Loops(const Model& model) : model_(model) {}

  Row linear(const std::string& module, const Row& x) const {
    const Tensor weight = materialize(model_.weights.at(module + ".weight")).to_float32();
    const auto values = weight.values<float>();
    Row y(static_cast<size_t>(weight.size(0)), 0.0);
    if (model_.weights.contains(module + ".bias")) {
      const Tensor bias = materialize(model_.weights.at(module + ".bias")).to_float32();
      for (size_t i = 0; i < y.size(); ++i) y[i] = bias.values<float>()[i];
    }
    EXPECT_EQ(static_cast<int64_t>(x.size()), weight.size(1)) << module;
    for (size_t i = 0; i < y.size(); ++i) {
      for (size_t j = 0; j < x.size(); ++j) y[i] += static_cast<double>(values[i * x.size() + j]) * x[j];
    }
    return y;
  }

  Row word(const std::string& table, TokenId id) const {
    const Tensor weight = materialize(model_.weights.at(table + ".word.weight")).to_float32();
    const auto width = static_cast<size_t>(weight.size(1));
    const auto row = weight.values<float>().subspan(static_cast<size_t>(id) * width, width);
    return {row.begin(), row.end()};
  }

  // states: hidden and cell.
  void step(Cell cell, const std::string& direction, const Row& x, Rows& states) const {
    const Row given = linear(direction + "input", x), own = linear(direction + "hidden", states[0]);
    const size_t width = states[0].size();
    for (size_t j = 0; j < width; ++j) {
      const auto gate = [&](size_t number) { return given[number * width + j] + own[number * width + j]; };
      if (cell == Cell::Lstm) {
        states[1][j] = sigmoid(gate(1)) * states[1][j] + sigmoid(gate(0)) * std::tanh(gate(2));
        states[0][j] = sigmoid(gate(3)) * std::tanh(states[1][j]);
      } else {
        const double reset = sigmoid(gate(0)), update = sigmoid(gate(1));
        const double candidate = std::tanh(given[2 * width + j] + reset * own[2 * width + j]);
        states[0][j] = (1 - update) * candidate + update * states[0][j];
      }
    }
  }

  // One stack; `last` gets hidden and cell of the last layer, directions side by side.
  Rows stack(const std::vector<LayerSpec>& layers, Rows rows, std::vector<Rows>& last) const {
    for (size_t i = 0; i < layers.size(); ++i) {
      const RecurrentSpec& spec = *layers[i].recurrent;
      const auto width = static_cast<size_t>(spec.width);
      Rows out(rows.size());
      Rows ends(2);
      for (int64_t direction = 0; direction < spec.num_directions(); ++direction) {
        const std::string at =
            "encoder." + std::to_string(i) + (direction == 0 ? ".recurrent." : ".recurrent.backward.");
        Rows states(2, Row(width, 0.0));
        for (size_t taken = 0; taken < rows.size(); ++taken) {
          const size_t t = direction == 0 ? taken : rows.size() - 1 - taken;
          step(spec.cell, at, rows[t], states);
          out[t].insert(out[t].end(), states[0].begin(), states[0].end());
        }
        for (size_t k = 0; k < 2; ++k) ends[k].insert(ends[k].end(), states[k].begin(), states[k].end());
      }
      rows = out;
      last.push_back(ends);
    }
    return rows;
  }

  Rows encode(const std::vector<TokenId>& text, std::vector<Rows>& last) const {
    Rows rows;
    for (const TokenId id : text) rows.push_back(word("embeddings", id));
    return stack(model_.architecture.layers, rows, last);
  }

  Row head(Row read) const {
    if (model_.weights.contains("head.dense.weight")) {
      read = linear("head.dense", read);
      if (model_.architecture.head.activation == Activation::Relu) {
        for (double& value : read) value = std::max(0.0, value);
      }
    }
    return linear("head.out", read);
  }

  Rows language_model(const std::vector<TokenId>& text) const {
    std::vector<Rows> last;
    Rows rows = encode(text, last);
    for (Row& row : rows) row = head(row);
    return rows;
  }

  Row classify(const std::vector<TokenId>& text) const {
    std::vector<Rows> last;
    encode(text, last);
    return head(last.back()[0]);
  }

  Row compare(const std::vector<TokenId>& first, const std::vector<TokenId>& second) const {
    std::vector<Rows> u, v;
    encode(first, u);
    encode(second, v);
    const Row &a = u.back()[0], &b = v.back()[0];
    Row features = a;
    features.insert(features.end(), b.begin(), b.end());
    for (size_t j = 0; j < a.size(); ++j) features.push_back(a[j] * b[j]);
    for (size_t j = 0; j < a.size(); ++j) features.push_back(std::abs(a[j] - b[j]));
    return head(features);
  }

  Rows translate(const std::vector<TokenId>& source, const std::vector<TokenId>& target) const {
    const Architecture& a = model_.architecture;
    const RecurrentDecoderSpec& spec = *a.recurrent_decoder;
    std::vector<Rows> last;
    const Rows memory = encode(source, last);
    std::vector<Rows> states;
    for (size_t i = 0; i < a.decoder.size(); ++i) {
      Rows begin = last[std::min(i, last.size() - 1)];
      const std::string at = "decoder." + std::to_string(i) + ".bridge.";
      for (size_t k = 0; spec.bridge && k < begin.size(); ++k) {
        if (k == 1 && a.decoder[i].recurrent->cell == Cell::Gru) continue;
        begin[k] = linear(at + (k == 0 ? "hidden" : "cell"), begin[k]);
        for (double& value : begin[k]) value = std::tanh(value);
      }
      states.push_back(begin);
    }
    Row fed(static_cast<size_t>(a.hidden_size), 0.0);
    Rows logits;
    for (const TokenId id : target) {
      Row x = word("decoder_embeddings", id);
      if (spec.attention && spec.input_feeding) x.insert(x.end(), fed.begin(), fed.end());
      for (size_t i = 0; i < a.decoder.size(); ++i) {
        step(a.decoder[i].recurrent->cell, "decoder." + std::to_string(i) + ".recurrent.", x, states[i]);
        x = states[i][0];
      }
      if (spec.attention) {
        Row scores, context(memory[0].size(), 0.0);
        double sum = 0;
        for (const Row& row : memory) {
          const Row key = spec.attention == AttentionScore::General ? linear("decoder.attention.score", row) : row;
          double score = 0;
          for (size_t j = 0; j < key.size(); ++j) score += key[j] * x[j];
          scores.push_back(std::exp(score));
          sum += scores.back();
        }
        for (size_t m = 0; m < memory.size(); ++m) {
          for (size_t j = 0; j < context.size(); ++j) context[j] += scores[m] / sum * memory[m][j];
        }
        context.insert(context.end(), x.begin(), x.end());
        x = linear("decoder.attention.combine", context);
        for (double& value : x) value = std::tanh(value);
        fed = x;
      }
      logits.push_back(head(x));
    }
    return logits;
  }

 private:
  const Model& model_;
};

}  // namespace espalier::test
