#pragma once
// The SuperGLUE benchmark (methods: superglue): JSONL files whose members tell the task. Tasks that ask for a choice
// become one example a candidate: text and pair hold question and candidate, label says whether it is right, `group`
// names the question.

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "data/splits.h"

namespace espalier {

// Fills all of `task` but its name and gives true when the files are one SuperGLUE task.
//   BoolQ   question / passage; false, true           RTE, AX-g  premise / hypothesis; entailment, not_entailment
//   CB      premise / hypothesis; 3 labels            AX-b       sentence1 / sentence2; as RTE
//   COPA    premise and question / choice; 0, 1       MultiRC    passage / question and answer; 0, 1
//   ReCoRD  passage / query with an entity; 0, 1      WiC        sentences with *word* marked; false, true
//   WSC     text with *span1* and #span2# marked; false, true
bool open_superglue(Task& task, const std::map<std::string, std::filesystem::path>& file_of_split, bool one_file,
                    const TaskOptions& options);

}  // namespace espalier
