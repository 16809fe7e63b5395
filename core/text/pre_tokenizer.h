#pragma once
#include <memory>
#include <span>
#include <vector>

#include "text/aligned_text.h"
#include "text/growth.h"
#include "text/pattern.h"

namespace espalier {

// A normalized text and the words that it was split into so far, in order, none of them empty. What lies between words
// is gone.
struct SplitText {
  AlignedText chars;
  std::vector<Range> words;
};

// Splits every word further and may rewrite it. Any thread may call it.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(SplitText& text, const GrowthLimit& limit) const = 0;
};
using PreTokenizerPtr = std::shared_ptr<const PreTokenizer>;

// What becomes of the matches at which a word is split.
enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

// Adds to `out` what splitting `word` at `matches` (in code points of the whole text, in order) gives.
void split_at(Range word, const std::vector<Range>& matches, SplitBehavior behavior, bool invert,
              std::vector<Range>& out);

// Blanks end words, punctuation marks stand alone: as BERT's own tokenizer does.
class BertPreTokenizer final : public PreTokenizer {
 public:
  void apply(SplitText& text, const GrowthLimit& limit) const override;
};

// Splits at the code points of one kind, or keeps their runs.
class CharPreTokenizer final : public PreTokenizer {
 public:
  enum class Kind { WhiteSpace, Punctuation, Number };
  CharPreTokenizer(Kind kind, SplitBehavior behavior) : kind_(kind), behavior_(behavior) {}
  void apply(SplitText& text, const GrowthLimit& limit) const override;

 private:
  Kind kind_;
  SplitBehavior behavior_;
};

// Runs of word characters and runs of other marks; blanks vanish.
class WordPreTokenizer final : public PreTokenizer {
 public:
  void apply(SplitText& text, const GrowthLimit& limit) const override;
};

class PatternPreTokenizer final : public PreTokenizer {
 public:
  PatternPreTokenizer(Pattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void apply(SplitText& text, const GrowthLimit& limit) const override;

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

// Writes blanks as a mark (U+2581) that begins the word behind it, so that a text can be put together again.
class MetaspacePreTokenizer final : public PreTokenizer {
 public:
  enum class Prepend { Always, First, Never };  // the mark before a word that has none; First: of a text's beginning
  MetaspacePreTokenizer(char32_t mark, Prepend prepend, bool split) : mark_(mark), prepend_(prepend), split_(split) {}
  void apply(SplitText& text, const GrowthLimit& limit) const override;

 private:
  char32_t mark_;
  Prepend prepend_;
  bool split_;
};

// GPT-2's words, written in its stand-ins for bytes.
class ByteLevelPreTokenizer final : public PreTokenizer {
 public:
  ByteLevelPreTokenizer(bool add_prefix_space, bool split) : add_prefix_space_(add_prefix_space), split_(split) {}
  void apply(SplitText& text, const GrowthLimit& limit) const override;

 private:
  bool add_prefix_space_;
  bool split_;
};

class SequencePreTokenizer final : public PreTokenizer {
 public:
  explicit SequencePreTokenizer(std::vector<PreTokenizerPtr> steps) : steps_(std::move(steps)) {}
  void apply(SplitText& text, const GrowthLimit& limit) const override;

 private:
  std::vector<PreTokenizerPtr> steps_;
};

}  // namespace espalier
