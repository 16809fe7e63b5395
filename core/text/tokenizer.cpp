#include "text/tokenizer.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

const TokenizerFile* find_file(const std::vector<TokenizerFile>& files, std::string_view name) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const TokenizerFile& file) {
    return file.name == name && file.bytes != nullptr;
  });
  return found == files.end() ? nullptr : &*found;
}

std::string place_of(std::string_view where, std::string_view name) {
  return where.empty() ? std::string(name) : (std::filesystem::path(where) / name).string();
}

}  // namespace

const std::vector<std::string>& tokenizer_file_names() {
  static const std::vector<std::string> kNames = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                                  "special_tokens_map.json", "added_tokens.json"};
  return kNames;
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::vector<TokenizerFile>& files, std::string_view where) {
  Json settings;
  if (const TokenizerFile* file = find_file(files, "tokenizer_config.json")) {
    settings = parse_json(*file->bytes, place_of(where, file->name));
  }
  if (const TokenizerFile* file = find_file(files, "tokenizer.json")) {
    const std::string place = place_of(where, file->name);
    WordPieceConfig config = wordpiece_from_tokenizer_json(parse_json(*file->bytes, place), place);
    if (settings.is_object()) apply_tokenizer_config(config, settings, place_of(where, "tokenizer_config.json"));
    return make_wordpiece_tokenizer(std::move(config), place);
  }
  if (const TokenizerFile* file = find_file(files, "vocab.txt")) {
    const std::string place = place_of(where, file->name);
    return make_wordpiece_tokenizer(wordpiece_from_vocabulary(*file->bytes, settings, place), place);
  }
  throw Error(ErrorKind::InvalidInput, {.what = "there is no tokenizer",
                                        .where = std::string(where),
                                        .wanted = "tokenizer.json or vocab.txt",
                                        .next = "copy the tokenizer files of the model into its folder"});
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  std::vector<TokenizerFile> files;
  for (const std::string& name : tokenizer_file_names()) {
    std::ifstream in(folder / name, std::ios::binary);
    if (!in) continue;
    std::ostringstream bytes;
    bytes << in.rdbuf();
    files.push_back({name, std::make_shared<const std::string>(std::move(bytes).str())});
  }
  return load_tokenizer(files, folder.string());
}

}  // namespace espalier
