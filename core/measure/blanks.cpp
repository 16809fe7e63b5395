#include "measure/blanks.h"

#include "text/unicode.h"

namespace espalier {

std::vector<std::string> split_at_blanks(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const char32_t code = next_code_point(text, at);
    if (is_white_space(code)) {
      end_word();
    } else {
      append_utf8(word, code);
    }
  }
  end_word();
  return words;
}

}  // namespace espalier
