#include <algorithm>
#include <set>

#include "base/json.h"
#include "data/lab.h"
#include "data/lab_words.h"

namespace espalier {
namespace {

// Lower-cased words of a text; an apostrophe ends a word, as in the tokenizer.
void add_words(std::set<std::string>& words, const std::string& text) {
  std::string word;
  for (const char c : text + " ") {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
    } else {
      if (!word.empty()) words.insert(word);
      word.clear();
    }
  }
}

void add_words(std::set<std::string>& words, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) add_words(words, text);
}

std::set<std::string> all_words() {
  std::set<std::string> words;
  for (const lab::Domain& domain : lab::domains()) {
    add_words(words, domain.thing);
    for (const auto* texts : {&domain.things, &domain.actions, &domain.neutral, &domain.titles, &domain.title_frames}) {
      add_words(words, *texts);
    }
    for (const lab::Noun& noun : domain.aspects) add_words(words, noun.word);
    for (const lab::OpinionWord& word : domain.adjectives) add_words(words, word.word);
  }
  for (const auto* list : {&lab::adjectives(), &lab::effect_verbs(), &lab::manner_adverbs()}) {
    for (const lab::OpinionWord& word : *list) add_words(words, word.word);
  }
  for (const lab::OpinionVerb& verb : lab::feeling_verbs()) add_words(words, verb.past + " " + verb.base);
  for (const lab::Intensifier& intensifier : lab::intensifiers()) add_words(words, intensifier.word);
  for (const auto* texts : {&lab::persons(), &lab::sources(), &lab::general_neutral(), &lab::everyday_words()}) {
    add_words(words, *texts);
  }
  return words;
}

std::string vocabulary() {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const char c : std::string("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")) tokens.emplace_back(1, c);
  std::string letters = "0123456789abcdefghijklmnopqrstuvwxyz";
  for (const char c : letters) tokens.emplace_back(1, c);
  for (const char c : letters) tokens.push_back(std::string("##") + c);
  std::set<std::string> pieces(lab::word_pieces().begin(), lab::word_pieces().end());
  for (const std::string& piece : pieces) {
    if (piece.size() > 1) tokens.push_back("##" + piece);
  }
  for (const std::string& word : all_words()) {
    if (word.size() > 1) tokens.push_back(word);
  }
  std::string text;
  for (const std::string& token : tokens) text += token + "\n";
  return text;
}

}  // namespace

std::vector<TokenizerFile> lab_tokenizer_files() {
  const Json config = {{"tokenizer_class", "BertTokenizer"},
                       {"do_lower_case", true},
                       {"model_max_length", 128},
                       {"cls_token", "[CLS]"},
                       {"sep_token", "[SEP]"},
                       {"pad_token", "[PAD]"},
                       {"unk_token", "[UNK]"},
                       {"mask_token", "[MASK]"}};
  return {{"vocab.txt", std::make_shared<const std::string>(vocabulary())},
          {"tokenizer_config.json", std::make_shared<const std::string>(config.dump(1) + "\n")}};
}

}  // namespace espalier
