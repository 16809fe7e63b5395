#pragma once
// The layouts of the GLUE benchmark (methods: glue), known by header, place and the labels that stand there.

#include <optional>
#include <string>
#include <vector>

#include "data/layout.h"

namespace espalier {

// What a GLUE task is beyond one file's columns; nullptr for other names.
struct GlueTask {
  std::string name;  // "CoLA", ..., "AX"
  std::vector<std::string> labels;
  std::vector<std::string> metrics;
  bool regression = false;
};
const GlueTask* find_glue_task(const std::string& name);

// `rows` begin with the first row of the file; more may come from anywhere in it. `folder` and `stem` of its path tell
// tasks with the same header apart. Nothing when the header is another or the labels are not those of the task: a label
// that only one row has is taken for a slip; there may be one, and more up to a third of the rows.
std::optional<FileLayout> glue_layout(const std::vector<TableRow>& rows, const std::string& folder,
                                      const std::string& stem);

}  // namespace espalier
