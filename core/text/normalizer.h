#pragma once
#include <memory>
#include <string>
#include <vector>

#include "text/aligned_text.h"
#include "text/charsmap.h"
#include "text/growth.h"
#include "text/pattern.h"

namespace espalier {

// Rewrites a text before it is split; every code point keeps the span of the original that it stands for. Any thread
// may call it.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(AlignedText& text, const GrowthLimit& limit) const = 0;
};
using NormalizerPtr = std::shared_ptr<const Normalizer>;

// As BERT's own tokenizer does (Devlin 2019, arXiv 1810.04805).
class BertNormalizer final : public Normalizer {
 public:
  struct Options {
    bool clean_text = true;    // control characters vanish, white space becomes a blank
    bool separate_cjk = true;  // blanks around ideographs
    bool strip_accents = true;
    bool lower_case = true;
  };
  explicit BertNormalizer(Options options) : options_(options) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;
  const Options& options() const { return options_; }

 private:
  Options options_;
};

class UnicodeNormalizer final : public Normalizer {
 public:
  explicit UnicodeNormalizer(NormalForm form) : form_(form) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  NormalForm form_;
};

class LowercaseNormalizer final : public Normalizer {
 public:
  void apply(AlignedText& text, const GrowthLimit& limit) const override;
};

// Takes every mark away: it is meant for decomposed text.
class StripAccentsNormalizer final : public Normalizer {
 public:
  void apply(AlignedText& text, const GrowthLimit& limit) const override;
};

// Takes white space off the ends.
class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  bool left_;
  bool right_;
};

// What replaces a match stands for the last code point of it.
class ReplaceNormalizer final : public Normalizer {
 public:
  ReplaceNormalizer(Pattern pattern, std::u32string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  Pattern pattern_;
  std::u32string content_;
};

// Puts a string before a text that is not empty; it stands for the first code point.
class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::u32string content) : content_(std::move(content)) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  std::u32string content_;
};

// The white space and control characters that SentencePiece's "nmt" rules change.
class NmtNormalizer final : public Normalizer {
 public:
  void apply(AlignedText& text, const GrowthLimit& limit) const override;
};

// A charsmap as the reference applies it: a grapheme of fewer than six bytes as a whole, by the rule for its shortest
// beginning; otherwise code point by code point. (SentencePiece itself takes the longest rule: see
// sentencepiece_normalizer.h.)
class PrecompiledNormalizer final : public Normalizer {
 public:
  explicit PrecompiledNormalizer(Charsmap rules) : rules_(std::move(rules)) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  Charsmap rules_;
};

class SequenceNormalizer final : public Normalizer {
 public:
  explicit SequenceNormalizer(std::vector<NormalizerPtr> steps) : steps_(std::move(steps)) {}
  void apply(AlignedText& text, const GrowthLimit& limit) const override;

 private:
  std::vector<NormalizerPtr> steps_;
};

// Puts `content` before `text`, with the span of its first code point; nothing before an empty text.
void prepend(AlignedText& text, const std::u32string& content);

}  // namespace espalier
