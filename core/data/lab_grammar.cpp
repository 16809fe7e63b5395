#include "data/lab_grammar.h"

#include <algorithm>
#include <cmath>

namespace espalier::lab {
namespace {

struct LongNegator {
  std::string before;
  std::string negator;
  std::string after;
};

const std::vector<LongNegator>& long_negators() {
  static const std::vector<LongNegator> kFrames = {
      {"I", "cannot", "say"},       {"I would", "not", "say"},           {"", "nobody", "could claim"},
      {"I", "doubt", ""},           {"there is", "no", "reason to say"}, {"it is simply", "not", "true"},
      {"I would", "never", "claim"}};
  return kFrames;
}

const std::vector<std::string>& asides() {
  static const std::vector<std::string> kAsides = {"looking back",         "after all those hours",
                                                   "with all due respect", "even after a second try",
                                                   "now that I am home",   "considering the price"};
  return kAsides;
}

class Writer {
 public:
  Writer(Rng& rng, const Mixture& mixture)
      : rng_(rng), mixture_(mixture), domain_(domains()[rng.below(domains().size())]) {}

  Clause review(int polarity);

 private:
  struct Negation {
    int count = 0;
    bool long_scope = false;
  };
  // How a clause stands to negators: with one of its own, inside the scope of another.
  struct Scope {
    bool negated = false;
    bool inside = false;
    bool any() const { return negated || inside; }
  };

  template <typename Word>
  const Word& pick_word(const std::vector<Word>& words, int sign);
  const OpinionWord& adjective(int sign);
  Negation pick_negation();
  // An opinion of this sign. `plain`: without commas, for places where a comma ends the clause.
  Clause opinion(int sign, bool plain);
  Clause inner_opinion(int sign, Scope scope);
  Clause about_aspect(int sign, Scope scope);
  Clause about_thing(int sign, Scope scope);
  Clause feeling(int sign, Scope scope);
  Clause effect(int sign, Scope scope);
  Clause manner(int sign, Scope scope);
  // Says the word with an intensifier now and then and adds its score.
  void say_word(Clause& clause, const std::string& word, double score, Scope scope);
  Clause contrasted(int sign);
  Clause counted_sentence(int sign) { return rng_.chance(mixture_.contrast) ? contrasted(sign) : opinion(sign, false); }
  Clause distractor(int polarity);
  Clause of_another(int sign);
  std::string aspect() { return "the " + rng_.pick(domain_.aspects).word; }
  static std::string article_of(const std::string& phrase) {
    return std::string("aeiou").find(phrase[0]) == std::string::npos ? "a" : "an";
  }

  Rng& rng_;
  const Mixture& mixture_;
  const Domain& domain_;
};

template <typename Word>
const Word& Writer::pick_word(const std::vector<Word>& words, int sign) {
  const Frequency wanted = rng_.chance(mixture_.rare_word) ? Frequency::Rare : Frequency::Common;
  while (true) {
    const Word& word = rng_.pick(words);
    if (word.frequency == wanted && (word.score > 0) == (sign > 0)) return word;
  }
}

const OpinionWord& Writer::adjective(int sign) {
  if (!rng_.chance(0.2)) return pick_word(adjectives(), sign);
  while (true) {
    const OpinionWord& word = rng_.pick(domain_.adjectives);
    if ((word.score > 0) == (sign > 0)) return word;
  }
}

Writer::Negation Writer::pick_negation() {
  if (!rng_.chance(mixture_.negation)) return {};
  if (rng_.chance(mixture_.double_negation)) return {2, true};
  return {1, rng_.chance(mixture_.long_scope)};
}

void Writer::say_word(Clause& clause, const std::string& word, double score, Scope scope) {
  double factor = 1;
  if (rng_.chance(scope.any() ? 0.2 : 0.4)) {
    const Intensifier& intensifier = rng_.pick(intensifiers());
    clause.say(intensifier.word, MarkKind::Intensifier);
    if (!scope.any()) factor = intensifier.factor;
  }
  clause.say(word, MarkKind::Opinion);
  clause.score += score * factor;
}

Clause Writer::about_aspect(int sign, Scope scope) {
  const Noun& noun = rng_.pick(domain_.aspects);
  const int word_sign = scope.negated ? -sign : sign;
  const OpinionWord& word = adjective(word_sign);
  Clause clause;
  clause.say("the " + noun.word);
  const std::string was = noun.plural ? "were" : "was";
  if (!scope.negated) {
    static const std::vector<std::string> kLinks = {"felt", "seemed", "looked", "turned out"};
    clause.say(rng_.chance(0.7) ? was : rng_.pick(kLinks));
    say_word(clause, word.word, word.score, scope);
    if (rng_.chance(0.15)) {
      const OpinionWord& other = adjective(word_sign);
      if (other.word != word.word) {
        clause.say("and").say(other.word, MarkKind::Opinion);
        clause.score += other.score;
      }
    }
    return clause;
  }
  switch (rng_.below(7)) {
    case 0:
      clause.say(was).say("never", MarkKind::Negator);
      break;
    case 1:
      clause.say(was).say("hardly", MarkKind::Negator);
      break;
    case 2:
      clause.say(was).say("far from", MarkKind::Negator);
      break;
    case 3:
      clause.say(was).say("anything but", MarkKind::Negator);
      break;
    case 4:
      clause.say(was + "n't", MarkKind::Negator);
      break;
    case 5:
      clause.say(was + " by").say("no", MarkKind::Negator).say("means");
      break;
    default:
      clause.say(was).say("not", MarkKind::Negator);
      break;
  }
  say_word(clause, word.word, word.score, scope);
  clause.score = -clause.score;
  return clause;
}

Clause Writer::about_thing(int sign, Scope scope) {
  const OpinionWord& word = adjective(scope.negated ? -sign : sign);
  Clause phrase;
  say_word(phrase, word.word, word.score, scope);
  phrase.say(rng_.pick(domain_.things));
  Clause clause;
  clause.say("it was");
  if (scope.negated) {
    static const std::vector<std::string> kNegators = {"not", "never", "hardly"};
    clause.say(rng_.pick(kNegators), MarkKind::Negator);
  }
  clause.say(article_of(phrase.text)).say(phrase);
  clause.score = scope.negated ? -phrase.score : phrase.score;
  return clause;
}

Clause Writer::feeling(int sign, Scope scope) {
  const OpinionVerb& verb = pick_word(feeling_verbs(), scope.negated ? -sign : sign);
  Clause clause;
  clause.say(rng_.chance(0.7) ? "I" : "we");
  if (!scope.negated) {
    say_word(clause, verb.past, verb.score, scope);
  } else {
    switch (rng_.below(4)) {
      case 0:
        clause.say("never", MarkKind::Negator).say(verb.past, MarkKind::Opinion);
        break;
      case 1:
        clause.say("hardly", MarkKind::Negator).say(verb.past, MarkKind::Opinion);
        break;
      case 2:
        clause.say("didn't", MarkKind::Negator).say(verb.base, MarkKind::Opinion);
        break;
      default:
        clause.say("did").say("not", MarkKind::Negator).say(verb.base, MarkKind::Opinion);
        break;
    }
    clause.score = -verb.score;
  }
  return clause.say(aspect());
}

Clause Writer::effect(int sign, Scope scope) {
  const OpinionWord& verb = pick_word(effect_verbs(), scope.negated ? -sign : sign);
  Clause clause;
  clause.say(aspect());
  if (scope.negated) {
    clause.say(rng_.chance(0.5) ? "never" : "hardly", MarkKind::Negator).say(verb.word, MarkKind::Opinion);
    clause.score = -verb.score;
  } else {
    say_word(clause, verb.word, verb.score, scope);
  }
  return clause.say(rng_.chance(0.7) ? "me" : "us");
}

Clause Writer::manner(int sign, Scope scope) {
  const OpinionWord& adverb = pick_word(manner_adverbs(), sign);
  Clause clause;
  clause.say(rng_.pick(domain_.actions));
  say_word(clause, adverb.word, adverb.score, scope);
  return clause;
}

Clause Writer::inner_opinion(int sign, Scope scope) {
  const double form = rng_.uniform();
  if (form < 0.45) return about_aspect(sign, scope);
  if (form < 0.62) return about_thing(sign, scope);
  if (form < 0.8) return feeling(sign, scope);
  if (form < 0.91) return effect(sign, scope);
  return scope.negated ? about_aspect(sign, scope) : manner(sign, scope);
}

Clause Writer::opinion(int sign, bool plain) {
  const Negation negation = pick_negation();
  if (!negation.long_scope) return inner_opinion(sign, {.negated = negation.count == 1});
  const LongNegator& frame = rng_.pick(long_negators());
  Clause clause;
  if (!frame.before.empty()) clause.say(frame.before);
  clause.say(frame.negator, MarkKind::Negator);
  if (!frame.after.empty()) clause.say(frame.after);
  if (!plain && rng_.chance(0.4)) clause.join(",").say(rng_.pick(asides())).join(",");
  const Clause inner = inner_opinion(-sign, {.negated = negation.count == 2, .inside = true});
  clause.say("that").say(inner);
  clause.score = -inner.score;
  return clause;
}

Clause Writer::contrasted(int sign) {
  const bool concession = rng_.chance(mixture_.concession);
  const Clause main = opinion(sign, false);
  Clause sentence;
  // The side that does not count gives its words, not its marks and score.
  const auto aside = [&](bool plain) { return opinion(rng_.chance(0.92) ? -sign : sign, plain).text; };
  if (!concession) {
    sentence.say(aside(false));
    switch (rng_.below(4)) {
      case 0:
        sentence.join(",").say("yet", MarkKind::Contrast);
        break;
      case 1:
        sentence.join(";").say("however", MarkKind::Contrast).join(",");
        break;
      default:
        sentence.join(",").say("but", MarkKind::Contrast);
        break;
    }
    sentence.say(main);
  } else if (const uint64_t form = rng_.below(5); form < 2) {
    sentence.say(form == 0 ? "although" : "even though", MarkKind::Contrast).say(aside(true)).join(",").say(main);
  } else if (form < 4) {
    sentence.say(main).join(",").say(form == 2 ? "although" : "even though", MarkKind::Contrast).say(aside(true));
  } else {
    sentence.say("despite", MarkKind::Contrast)
        .say("the " + adjective(-sign).word + " " + rng_.pick(domain_.aspects).word);
    sentence.join(",").say(main);
  }
  sentence.score = main.score;
  return sentence;
}

Clause Writer::of_another(int sign) {
  Clause clause;
  const std::string person = "my " + rng_.pick(persons());
  switch (rng_.below(7)) {
    case 0:
      clause.say(person + " said that " + inner_opinion(sign, {.negated = rng_.chance(0.15)}).text);
      break;
    case 1:
      clause.say(person + " thought that " + about_aspect(sign, {}).text);
      break;
    case 2:
      clause.say(person + " " + pick_word(feeling_verbs(), sign).past + " " + aspect());
      break;
    case 3:
      clause.say("according to " + rng_.pick(sources()) + ", " + about_aspect(sign, {}).text);
      break;
    case 4:
      clause.say(rng_.pick(sources()) + " called it " + adjective(sign).word);
      break;
    case 5: {
      const OpinionWord& word = adjective(sign);
      clause.say("I had expected " + article_of(word.word) + " " + word.word + " " + rng_.pick(domain_.things));
      break;
    }
    default:
      clause.say("I had been told that " + about_aspect(sign, {.negated = rng_.chance(0.15)}).text);
      break;
  }
  return clause;
}

Clause Writer::distractor(int polarity) {
  const double kind = rng_.uniform();
  Clause clause;
  if (kind < mixture_.other) return of_another(rng_.chance(mixture_.agreeing_other) ? polarity : -polarity);
  if (kind < mixture_.other + 0.15) {
    std::string frame = rng_.pick(domain_.title_frames);
    frame.replace(frame.find('%'), 1, "\"" + rng_.pick(domain_.titles) + "\"");
    return clause.say(frame);
  }
  return clause.say(rng_.pick(rng_.chance(0.6) ? domain_.neutral : general_neutral()));
}

// What decides: opinion words and negators of the label's polarity, the words that say which side of a contrast
// counts, and intensifiers where opinions of both polarities are weighed.
std::vector<Mark> deciding_marks(const Clause& sentence, int polarity, bool weighed) {
  if (sentence.score * polarity <= 0) return {};
  std::vector<Mark> marks = sentence.marks;
  if (!weighed) std::erase_if(marks, [](const Mark& mark) { return mark.kind == MarkKind::Intensifier; });
  return marks;
}

Clause Writer::review(int polarity) {
  constexpr double kLeastMargin = 1;  // so that no label hangs on a tie
  std::vector<Clause> sentences;
  double sum = 0;
  bool weighed = false;
  do {
    sentences = {counted_sentence(polarity)};
    sum = sentences[0].score;
    weighed = false;
    if (rng_.chance(mixture_.second_opinion)) {
      weighed = rng_.chance(mixture_.mixed);
      sentences.push_back(counted_sentence(weighed ? -polarity : polarity));
      sum += sentences[1].score;
    }
  } while (sum * polarity < kLeastMargin && (weighed || sum * polarity <= 0));
  const auto spread = static_cast<uint64_t>(mixture_.max_distractors - mixture_.min_distractors + 1);
  for (int64_t i = mixture_.min_distractors + static_cast<int64_t>(rng_.below(spread)); i > 0; --i) {
    sentences.push_back(distractor(polarity));
  }
  rng_.shuffle(sentences);
  Clause review;
  for (Clause& sentence : sentences) {
    sentence.marks = deciding_marks(sentence, polarity, weighed);
    sentence.text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.text[0])));
    review.say(sentence).join(".");
  }
  review.score = sum;
  return review;
}

}  // namespace

Clause& Clause::say(const std::string& words) {
  if (!text.empty()) text += ' ';
  text += words;
  return *this;
}

Clause& Clause::say(const std::string& word, MarkKind kind) {
  const auto begin = static_cast<int32_t>(text.empty() ? 0 : text.size() + 1);
  marks.push_back({begin, begin + static_cast<int32_t>(word.size()), kind});
  return say(word);
}

Clause& Clause::say(const Clause& clause) {
  const auto shift = static_cast<int32_t>(text.empty() ? 0 : text.size() + 1);
  for (const Mark& mark : clause.marks) marks.push_back({mark.begin + shift, mark.end + shift, mark.kind});
  return say(clause.text);
}

Clause& Clause::join(const std::string& mark) {
  text += mark;
  return *this;
}

Clause make_review(Rng& rng, const Mixture& mixture, int polarity) { return Writer(rng, mixture).review(polarity); }

}  // namespace espalier::lab
