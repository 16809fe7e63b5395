#include "measure/attack/victim.h"

#include "measure/evaluate.h"
#include "measure/logits.h"

namespace espalier {

namespace {

using Predict = std::function<Tensor(const EncodedDataset& data, JobContext& context)>;

Victim victim_by(Predict logits_of, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length,
                 CancelToken cancel) {
  return [logits_of = std::move(logits_of), tokenizer = std::move(tokenizer), max_length,
          cancel = std::move(cancel)](const std::vector<VictimText>& texts) {
    EncodeOptions options;
    options.max_length = max_length;
    EncodedDataset data;
    for (const VictimText& one : texts) {
      EncodedExample example;
      example.encoding =
          one.has_pair ? tokenizer->encode_pair(one.text, one.pair, options) : tokenizer->encode(one.text, options);
      data.examples.push_back(std::move(example));
    }
    JobContext context;
    context.cancel = cancel;
    const Tensor logits = logits_of(data, context);
    std::vector<std::vector<double>> rows;
    for (int64_t i = 0; i < logits.size(0); ++i) rows.push_back(softmax(logits_row(logits, i)));
    return rows;
  };
}

}  // namespace

Victim engine_victim(const Engine& engine, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length,
                     CancelToken cancel) {
  return victim_by(
      [&engine](const EncodedDataset& data, JobContext& context) { return predict(engine, data, context); },
      std::move(tokenizer), max_length, std::move(cancel));
}

Victim runner_victim(const Runner& runner, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length,
                     CancelToken cancel) {
  return victim_by(
      [&runner](const EncodedDataset& data, JobContext& context) { return predict(runner, data, context); },
      std::move(tokenizer), max_length, std::move(cancel));
}

}  // namespace espalier
