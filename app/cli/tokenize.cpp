// `espalier tokenize`: JSON lines of texts in, JSON lines of token ids out; --decode the other way round.

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

struct Options {
  std::string folder;
  bool no_special = false;
  bool tokens = false;
  bool target = false;
  bool decode = false;
  bool keep_special = false;
};

Json encode_line(const Tokenizer& tokenizer, const Json& request, const std::string& where, const Options& options) {
  EncodeOptions encode;
  encode.max_length = json_get_or<int64_t>(request, "max_length", 0, where);
  if (encode.max_length < 0) {
    throw Error(ErrorKind::InvalidInput, {.what = "max_length is negative",
                                          .where = where,
                                          .got = std::to_string(encode.max_length),
                                          .wanted = "the most tokens to give, or 0 for no limit",
                                          .next = {}});
  }
  encode.truncation = truncation_from(json_get_or<std::string>(request, "strategy", "longest_first", where), where);
  encode.add_special_tokens = !options.no_special;
  encode.target = options.target;
  Encoding encoding;
  if (request.contains("a")) {
    encoding = tokenizer.encode_pair(json_get<std::string>(request, "a", where),
                                     json_get<std::string>(request, "b", where), encode);
  } else {
    encoding = tokenizer.encode(json_get<std::string>(request, "text", where), encode);
  }
  Json answer = {{"ids", encoding.ids}, {"type_ids", encoding.type_ids}, {"offsets", encoding.offsets}};
  if (options.tokens) {
    answer["tokens"] = Json::array();
    for (const TokenId id : encoding.ids) answer["tokens"].push_back(tokenizer.token(id));
  }
  return answer;
}

Json decode_line(const Tokenizer& tokenizer, const Json& request, const std::string& where, const Options& options) {
  const Json listed = json_get<Json>(request, "ids", where);
  if (!listed.is_array()) {
    throw Error(ErrorKind::Format,
                {.what = "\"ids\" is no list", .where = where, .got = {}, .wanted = "a list of token ids", .next = {}});
  }
  std::vector<TokenId> ids;
  for (const Json& entry : listed) {
    const int64_t id = entry.is_number_integer() ? entry.get<int64_t>() : -1;
    if (id < 0 || id >= tokenizer.vocab_size()) {
      throw Error(ErrorKind::InvalidInput,
                  {.what = "there is no such token",
                   .where = where,
                   .got = "id " + entry.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40),
                   .wanted = "0 to " + std::to_string(tokenizer.vocab_size() - 1),
                   .next = {}});
    }
    ids.push_back(static_cast<TokenId>(id));
  }
  return {{"text", tokenizer.decode(ids, !options.keep_special)}};
}

std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& folder) {
  if (folder == "lab") return load_tokenizer(lab_tokenizer_files(), "lab");
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no such folder",
                                          .where = folder,
                                          .got = {},
                                          .wanted = "a folder with the tokenizer files of a model, or lab",
                                          .next = {}});
  }
  return load_tokenizer(std::filesystem::path(folder));
}

}  // namespace

void add_tokenize(Program& program) {
  CLI::App* verb = program.add_verb("tokenize", "Turn JSON lines of text into token ids, types and offsets",
                                    "echo '{\"text\": \"Hello there\"}' | espalier tokenize path/to/model");
  auto options = std::make_shared<Options>();
  verb->add_option("folder", options->folder, "Folder with a model's tokenizer files, or lab")->required();
  verb->add_flag("--no-special", options->no_special, "Leave special tokens such as [CLS] and </s> out");
  verb->add_flag("--tokens", options->tokens, "Write the tokens' texts too");
  verb->add_flag("--target", options->target, "Cut texts of the target language (a Marian model has two)");
  verb->add_flag("--decode", options->decode, "Turn lines of ids back into text, without special tokens");
  verb->add_flag("--keep-special", options->keep_special, "With --decode: write special tokens too")->needs("--decode");
  verb->footer(R"(Reads {"text"} or {"a", "b"} a line, each with "max_length" and "strategy" (longest_first, only_first,
only_second, do_not_truncate) if wanted, and writes {"ids", "type_ids", "offsets"}; offsets count code points. With
--decode it reads {"ids"} and writes {"text"}. A line that cannot be read or cut gives {"error"} and, at the end, exit
code 2. A folder may hold tokenizer.json; vocab.txt; vocab.json with merges.txt; spiece.model; or source.spm with
target.spm and vocab.json.
Example:
  echo '{"text": "Hello there"}' | espalier tokenize path/to/model
  echo '{"ids": [7592, 2045]}' | espalier tokenize path/to/model --decode)");
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
        const std::string where = "line " + std::to_string(number);
        const Json request = parse_json(line, where);
        answer = options->decode ? decode_line(*tokenizer, request, where, *options)
                                 : encode_line(*tokenizer, request, where, *options);
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
