#include "measure/attack/victim.h"

#include "measure/evaluate.h"
#include "measure/logits.h"

namespace espalier {

Victim engine_victim(const Engine& engine, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length,
                     CancelToken cancel) {
  return victim_of([&engine](const std::vector<const Encoding*>& batch) { return engine.run(pack(batch)).logits; },
                   std::move(tokenizer), max_length, std::move(cancel));
}

Victim victim_of(RunBatch run, std::shared_ptr<const Tokenizer> tokenizer, int64_t max_length, CancelToken cancel) {
  return [run = std::move(run), tokenizer = std::move(tokenizer), max_length,
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
    const Tensor logits = predict(run, data, context);
    std::vector<std::vector<double>> rows;
    for (int64_t i = 0; i < logits.size(0); ++i) rows.push_back(softmax(logits_row(logits, i)));
    return rows;
  };
}

}  // namespace espalier
