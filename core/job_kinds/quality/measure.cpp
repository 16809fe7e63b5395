#include "job_kinds/quality/measure.h"

#include <algorithm>

#include "base/error.h"
#include "job_kinds/inputs.h"
#include "job_kinds/kinds.h"
#include "network/network_runner.h"

namespace espalier {

QualitySettings quality_settings(const Json& settings, const Model& model) {
  QualitySettings wanted;
  wanted.split = json_get_or(settings, "split", std::string(), kSettingsOf);
  wanted.max_examples = json_get_or(settings, "max_examples", int64_t{0}, kSettingsOf);
  wanted.beams = json_get_or(settings, "beams", int64_t{0}, kSettingsOf);
  wanted.null_threshold = json_get_or(settings, "null_threshold", 0.0, kSettingsOf);
  wanted.max_answer = json_get_or(settings, "max_answer", wanted.max_answer, kSettingsOf);
  wanted.lengths = job_lengths(settings, model, true);
  if (wanted.beams < 0 || wanted.max_answer < 1) {
    throw Error(ErrorKind::InvalidInput, {.what = "a number is out of range",
                                          .where = std::string(kSettingsOf),
                                          .got = {},
                                          .wanted = "beams of at least 0, max_answer of at least 1",
                                          .next = {}});
  }
  return wanted;
}

std::unique_ptr<QualityMeasure> open_quality(const Task& task, const Model& model, const QualitySettings& settings,
                                             JobContext& context) {
  require_task_head(model, task);
  QualitySettings wanted = settings;
  wanted.split = evaluation_split(task, settings.split);
  switch (task.kind) {
    case TaskKind::Classification:
    case TaskKind::Regression:
      return open_text_quality(task, model, wanted, context);
    case TaskKind::TokenClassification:
      return open_word_quality(task, model, wanted, context);
    case TaskKind::QuestionAnswering:
      return open_answer_quality(task, model, wanted, context);
    case TaskKind::LanguageModelling:
      return open_language_quality(task, model, wanted, context);
    case TaskKind::Translation:
      return open_translation_quality(task, model, wanted, context);
  }
  throw Error(ErrorKind::Internal, "unknown kind of task");
}

std::unique_ptr<Runner> make_runner(const Model& model, const std::optional<Placement>& libtorch) {
  if (libtorch) return make_network_runner(model, *libtorch);
  return engine_runs(model.architecture) ? make_engine_runner(model) : make_network_runner(model);
}

void require_ending(const std::filesystem::path& file, const std::vector<std::string>& endings,
                    const std::string& wanted) {
  if (std::ranges::find(endings, file.extension().string()) != endings.end()) return;
  throw Error(ErrorKind::InvalidInput,
              {.what = "predictions on this kind of task have another form, told by the file's name",
               .where = file.string(),
               .got = file.extension().string(),
               .wanted = wanted,
               .next = {}});
}

std::vector<Encoding> text_blocks(const TokenStream& stream, const Model& model, const Tokenizer& tokenizer,
                                  int64_t length, int64_t stride) {
  if (model.architecture.head.kind != HeadKind::MaskedLm) return token_blocks(stream, length, stride);
  const Encoding sample = tokenizer.encode("a");
  std::vector<TokenId> before, behind;
  for (size_t i = 0; i < sample.size() && sample.special[i]; ++i) before.push_back(sample.ids[i]);
  for (size_t i = sample.size(); i > before.size() && sample.special[i - 1]; --i) behind.push_back(sample.ids[i - 1]);
  std::ranges::reverse(behind);
  const int64_t room = length - std::ssize(before) - std::ssize(behind);
  std::vector<Encoding> blocks = token_blocks(stream, room, 0);
  for (Encoding& block : blocks) {
    block.ids.insert(block.ids.begin(), before.begin(), before.end());
    block.ids.insert(block.ids.end(), behind.begin(), behind.end());
    block.special.insert(block.special.begin(), before.size(), true);
    block.special.insert(block.special.end(), behind.size(), true);
    block.type_ids.assign(block.ids.size(), 0);
    block.offsets.assign(block.ids.size(), {0, 0});
  }
  return blocks;
}

}  // namespace espalier
