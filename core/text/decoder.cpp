#include "text/decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "text/byte_level.h"
#include "text/growth.h"
#include "text/unicode.h"

namespace espalier {
namespace {

using Tokens = std::vector<std::string>;

std::string replaced(const std::string& text, std::string_view from, std::string_view to, const GrowthLimit& limit) {
  std::string out;
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done);
    out += to;
    limit.check(out.size());
    done = at + from.size();
  }
  return done == 0 ? text : out.append(text, done, std::string::npos);
}

// The clean-up of the reference's decoder: token by token, so that it joins marks to the word before but no more.
std::string cleaned(std::string text, const GrowthLimit& limit) {
  static const std::array<std::pair<std::string_view, std::string_view>, 11> kRules = {{{" .", "."},
                                                                                        {" ?", "?"},
                                                                                        {" !", "!"},
                                                                                        {" ,", ","},
                                                                                        {" ' ", "'"},
                                                                                        {" n't", "n't"},
                                                                                        {" 'm", "'m"},
                                                                                        {" do not", " don't"},
                                                                                        {" 's", "'s"},
                                                                                        {" 've", "'ve"},
                                                                                        {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) text = replaced(text, from, to, limit);
  return text;
}

std::string joined(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

void apply(const WordPieceDecoding& step, Tokens& tokens, const GrowthLimit& limit) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) {
      const bool continues = tokens[i].starts_with(step.prefix);
      tokens[i] = continues ? tokens[i].substr(step.prefix.size()) : " " + tokens[i];
    }
    if (step.cleanup) tokens[i] = cleaned(std::move(tokens[i]), limit);
  }
}

void apply(const ByteLevelDecoding&, Tokens& tokens, const GrowthLimit&) {
  for (std::string& token : tokens) token = bytes_of_token(token);
  tokens = {valid_utf8(joined(tokens))};
}

void apply(const MetaspaceDecoding& step, Tokens& tokens, const GrowthLimit&) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::string text;
    for (size_t at = 0; at < tokens[i].size();) {
      const char32_t code = next_code_point(tokens[i], at);
      if (code != step.mark) {
        append_utf8(text, code);
      } else if (i > 0 || !step.drops_first) {
        text.push_back(' ');
      }
    }
    tokens[i] = std::move(text);
  }
}

void apply(const ReplaceDecoding& step, Tokens& tokens, const GrowthLimit& limit) {
  for (std::string& token : tokens) token = replaced(token, step.pattern, step.content, limit);
}

void apply(const StripDecoding& step, Tokens& tokens, const GrowthLimit&) {
  std::string mark;
  append_utf8(mark, step.content);
  for (std::string& token : tokens) {
    std::string_view text = token;
    for (int64_t i = 0; i < step.start && text.starts_with(mark); ++i) text.remove_prefix(mark.size());
    for (int64_t i = 0; i < step.stop && text.ends_with(mark); ++i) text.remove_suffix(mark.size());
    token = std::string(text);
  }
}

// The byte of "<0xE2>"; -1 for any other token.
int byte_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
  int byte = -1;
  const auto result = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  return result.ec == std::errc() && result.ptr == token.data() + 5 ? byte : -1;
}

void apply(const ByteFallbackDecoding&, Tokens& tokens, const GrowthLimit&) {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (valid_utf8(bytes) == bytes) {
      out.push_back(bytes);
    } else {
      for (size_t i = 0; i < bytes.size(); ++i) append_utf8(out.emplace_back(), kReplacementCharacter);
    }
    bytes.clear();
  };
  for (std::string& token : tokens) {
    if (const int byte = byte_token(token); byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
      continue;
    }
    flush();
    out.push_back(std::move(token));
  }
  flush();
  tokens = std::move(out);
}

void apply(const FuseDecoding&, Tokens& tokens, const GrowthLimit&) { tokens = {joined(tokens)}; }

void apply(const TrimDecoding&, Tokens& tokens, const GrowthLimit&) {
  std::string text = joined(tokens);
  const size_t begin = std::min(text.find_first_not_of(' '), text.size());
  text.erase(0, begin);
  text.erase(text.find_last_not_of(' ') + 1);
  tokens = {std::move(text)};
}

}  // namespace

std::string Decoder::decode(std::vector<std::string> tokens) const {
  size_t bytes = 0;
  for (const std::string& token : tokens) bytes += token.size() + 1;
  const GrowthLimit limit(bytes);
  for (const DecodingStep& step : steps) {
    std::visit([&](const auto& s) { apply(s, tokens, limit); }, step);
  }
  std::string text;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) text += separator;
    text += tokens[i];
  }
  return text;
}

}  // namespace espalier
