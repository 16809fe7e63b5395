#include "job_kinds/lengths.h"

#include <algorithm>

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"

namespace espalier {
namespace {

constexpr int64_t kTrainingBlock = 128;
constexpr int64_t kMeasuringBlock = 512;
constexpr int64_t kTranslationLength = 128;

int64_t length_in(const Json& settings, const char* member, int64_t otherwise, int64_t least, int64_t most) {
  const int64_t wanted = json_get_or(settings, member, otherwise, kSettingsOf);
  if (wanted >= least) return std::min(wanted, most);
  throw Error(ErrorKind::InvalidInput, {.what = std::string(member) + " leaves no room",
                                        .where = std::string(kSettingsOf),
                                        .got = std::to_string(wanted),
                                        .wanted = "at least " + std::to_string(least),
                                        .next = {}});
}

// The blocks that the model was trained on, if it says so; 0 else.
int64_t trained_block(const Model& model) {
  const Json training = model.provenance->value("training", Json::object());
  return training.is_object() ? training.value("block_length", int64_t{0}) : 0;
}

}  // namespace

SequenceLengths job_lengths(const Json& settings, const Model& model, bool measuring) {
  const int64_t most = model.architecture.embedding.max_positions;
  SequenceLengths lengths;
  lengths.max_length = job_max_length(settings, model);
  lengths.windows.max_length = length_in(settings, "max_length", lengths.windows.max_length, 3, most);
  lengths.windows.stride = length_in(settings, "stride", lengths.windows.stride, 1, most);
  lengths.windows.max_query = length_in(settings, "max_query", lengths.windows.max_query, 1, most);
  const int64_t trained = trained_block(model);
  const int64_t block = !measuring ? kTrainingBlock : trained > 1 ? trained : kMeasuringBlock;
  lengths.block_length = length_in(settings, "block_length", block, 2, most);
  const int64_t stride = measuring ? lengths.block_length - 1 : lengths.block_length;
  lengths.block_stride = length_in(settings, "stride", stride, 1, lengths.block_length);
  const int64_t most_target =
      model.architecture.has_decoder() ? model.architecture.decoder_embedding->max_positions : most;
  lengths.max_source_length = length_in(settings, "max_source_length", kTranslationLength, 2, most);
  lengths.max_target_length = length_in(settings, "max_target_length", kTranslationLength, 2, most_target);
  return lengths;
}

}  // namespace espalier
