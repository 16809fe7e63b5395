#include "measure/benchmarks/json_lines.h"

#include <fmt/format.h>

#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "formats/atomic_file.h"

namespace espalier {

void for_each_json_line(const std::filesystem::path& file,
                        const std::function<void(const Json& line, const std::string& where)>& action) {
  const MappedFile mapped = map_file(file);
  std::string_view rest(reinterpret_cast<const char*>(mapped.bytes.data()), mapped.bytes.size());
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}, line {}", file.string(), number);
    action(parse_json(line, where), where);
  }
}

std::string label_text(const Json& label, const std::string& where) {
  if (label.is_string()) return label.get<std::string>();
  if (label.is_boolean()) return label.get<bool>() ? "true" : "false";
  if (label.is_number_integer()) return std::to_string(label.get<int64_t>());
  throw Error(ErrorKind::Format, {.what = "this is no label",
                                  .where = where,
                                  .got = label.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80),
                                  .wanted = "a text, a truth value or a whole number",
                                  .next = {}});
}

void throw_unmatched_example(const std::string& what, const std::string& where) {
  throw Error(ErrorKind::InvalidInput, {.what = what,
                                        .where = where,
                                        .got = {},
                                        .wanted = "one prediction for every example of the gold file",
                                        .next = "Check that both files are of the same split."});
}

}  // namespace espalier
