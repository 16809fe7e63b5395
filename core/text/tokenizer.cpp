#include "text/tokenizer.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "base/json.h"
#include "text/composed_tokenizer.h"
#include "text/tokenizer_readers.h"

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

std::vector<std::string> Tokenizer::pieces(std::string_view text, const EncodeOptions& options) const {
  EncodeOptions plain = options;
  plain.add_special_tokens = false;
  std::vector<std::string> result;
  for (const TokenId id : encode(text, plain).ids) result.push_back(token(id));
  return result;
}

const std::vector<std::string>& tokenizer_file_names() {
  static const std::vector<std::string> kNames = {"tokenizer.json",
                                                  "vocab.txt",
                                                  "vocab.json",
                                                  "merges.txt",
                                                  "spiece.model",
                                                  "source.spm",
                                                  "target.spm",
                                                  "tokenizer_config.json",
                                                  "special_tokens_map.json",
                                                  "added_tokens.json"};
  return kNames;
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::vector<TokenizerFile>& files, std::string_view where) {
  const auto bytes = [&](std::string_view name) -> const std::string* {
    const TokenizerFile* file = find_file(files, name);
    return file == nullptr ? nullptr : file->bytes.get();
  };
  const auto json = [&](std::string_view name) {
    const std::string* text = bytes(name);
    return text == nullptr ? Json() : parse_json(*text, place_of(where, name));
  };
  const TokenizerSettings settings =
      read_settings(json("tokenizer_config.json"), json("special_tokens_map.json"), json("added_tokens.json"), where);
  if (bytes("tokenizer.json") != nullptr) {
    const std::string place = place_of(where, "tokenizer.json");
    TokenizerParts parts = read_tokenizer_json(json("tokenizer.json"), place);
    parts.named = settings.named;
    parts.model_max_length = settings.model_max_length;
    return compose_tokenizer(std::move(parts), place);
  }
  if (const std::string* lines = bytes("vocab.txt")) {
    const std::string place = place_of(where, "vocab.txt");
    return compose_tokenizer(read_wordpiece_vocabulary(*lines, settings, place), place);
  }
  if (const std::string* merges = bytes("merges.txt"); merges != nullptr && bytes("vocab.json") != nullptr) {
    const std::string place = place_of(where, "vocab.json and merges.txt");
    return compose_tokenizer(read_byte_level_bpe(json("vocab.json"), *merges, settings, place), place);
  }
  const std::string* source = bytes("source.spm");
  const std::string* target = bytes("target.spm");
  if (source != nullptr && target != nullptr && bytes("vocab.json") != nullptr) {
    return compose_tokenizer(read_marian(*source, *target, json("vocab.json"), settings, where), where);
  }
  if (const std::string* model = bytes("spiece.model")) {
    const std::string place = place_of(where, "spiece.model");
    return compose_tokenizer(read_sentencepiece(*model, settings, place), place);
  }
  throw Error(ErrorKind::InvalidInput,
              {.what = "there is no tokenizer",
               .where = std::string(where),
               .wanted = "tokenizer.json; vocab.txt; vocab.json with merges.txt; spiece.model; or source.spm with "
                         "target.spm and vocab.json",
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
