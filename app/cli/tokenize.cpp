// `espalier tokenize`: JSON lines of texts in, JSON lines of token ids out.

#include <fmt/format.h>

#include <iostream>
#include <map>

#include "app/cli/program.h"
#include "base/error.h"
#include "data/lab.h"
#include "job_kinds/inputs.h"
#include "text/tokenizer.h"

namespace espalier::cli {
namespace {

Truncation truncation_from(const std::string& name, const std::string& where) {
  static const std::map<std::string, Truncation> kNames = {{"longest_first", Truncation::LongestFirst},
                                                           {"only_first", Truncation::OnlyFirst},
                                                           {"only_second", Truncation::OnlySecond},
                                                           {"do_not_truncate", Truncation::None}};
  const auto found = kNames.find(name);
  if (found != kNames.end()) return found->second;
  throw Error(ErrorKind::InvalidInput, {.what = "unknown truncation strategy",
                                        .where = where,
                                        .got = name,
                                        .wanted = "longest_first, only_first, only_second or do_not_truncate",
                                        .next = {}});
}

Json encode_line(const Tokenizer& tokenizer, const std::string& line, const std::string& where, bool special,
                 bool tokens) {
  const Json request = parse_json(line, where);
  EncodeOptions options;
  options.max_length = json_get_or<int64_t>(request, "max_length", 0, where);
  options.truncation = truncation_from(json_get_or<std::string>(request, "strategy", "longest_first", where), where);
  options.add_special_tokens = special;
  Encoding encoding;
  if (request.contains("a")) {
    encoding = tokenizer.encode_pair(json_get<std::string>(request, "a", where),
                                     json_get<std::string>(request, "b", where), options);
  } else {
    encoding = tokenizer.encode(json_get<std::string>(request, "text", where), options);
  }
  Json answer = {{"ids", encoding.ids}, {"type_ids", encoding.type_ids}, {"offsets", encoding.offsets}};
  if (tokens) {
    answer["tokens"] = Json::array();
    for (const TokenId id : encoding.ids) answer["tokens"].push_back(tokenizer.token(id));
  }
  return answer;
}

std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& folder) {
  if (folder == "lab") return load_tokenizer(lab_tokenizer_files(), "lab");
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no such folder",
                                          .where = folder,
                                          .got = {},
                                          .wanted = "a folder with tokenizer.json or vocab.txt, or lab",
                                          .next = {}});
  }
  return load_tokenizer(std::filesystem::path(folder));
}

}  // namespace

void add_tokenize(Program& program) {
  CLI::App* verb = program.add_verb("tokenize", "Turn JSON lines of text into token ids, types and offsets",
                                    "echo '{\"text\": \"Hello there\"}' | espalier tokenize path/to/model");
  struct Options {
    std::string folder;
    bool no_special = false, tokens = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("folder", options->folder, "Folder with tokenizer.json or vocab.txt, or lab")->required();
  verb->add_flag("--no-special", options->no_special, "Leave [CLS] and [SEP] out");
  verb->add_flag("--tokens", options->tokens, "Write the tokens' texts too");
  verb->footer(
      "Reads {\"text\"} or {\"a\", \"b\"} a line, each with \"max_length\" and \"strategy\" (longest_first, "
      "only_first,\n"
      "only_second) if wanted, and writes {\"ids\", \"type_ids\", \"offsets\"}; offsets count code points. A line "
      "that\n"
      "cannot be read or cut gives {\"error\"} and, at the end, exit code 2.\n"
      "Example:\n  echo '{\"text\": \"Hello there\"}' | espalier tokenize path/to/model");
  program.on_run(verb, [&program, options] {
    const auto tokenizer = open_tokenizer(options->folder);
    std::string line;
    int64_t number = 0;
    int64_t failed = 0;
    while (std::getline(std::cin, line)) {
      program.cancel().throw_if_cancelled();
      ++number;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      Json answer;
      try {
        answer = encode_line(*tokenizer, line, "line " + std::to_string(number), !options->no_special, options->tokens);
      } catch (const Error& error) {
        answer = {{"error", error.what()}};
        ++failed;
      }
      fmt::print("{}\n", answer.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    if (failed > 0) throw Error(ErrorKind::InvalidInput, std::to_string(failed) + " lines could not be tokenized");
  });
}

}  // namespace espalier::cli
