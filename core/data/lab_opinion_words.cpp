#include "data/lab_words.h"

namespace espalier::lab {
namespace {

// Appends words of one strength and frequency.
void add(std::vector<OpinionWord>& to, double score, Frequency frequency, const std::vector<std::string>& words) {
  for (const std::string& word : words) to.push_back({word, score, frequency});
}

}  // namespace

const std::vector<OpinionWord>& adjectives() {
  static const std::vector<OpinionWord> kWords = [] {
    std::vector<OpinionWord> words;
    add(words, 1, Frequency::Common,
        {"good", "nice", "pleasant", "decent", "enjoyable", "fine", "solid", "likable", "charming", "satisfying",
         "agreeable", "appealing", "lovely", "clever", "fun", "worthwhile"});
    add(words, 2, Frequency::Common,
        {"great", "excellent", "superb", "wonderful", "fantastic", "brilliant", "amazing", "outstanding", "perfect",
         "marvelous", "terrific", "splendid"});
    add(words, -1, Frequency::Common,
        {"bad", "poor", "weak", "dull", "disappointing", "mediocre", "unpleasant", "bland", "annoying", "tiresome",
         "forgettable", "shabby", "clumsy", "boring", "sloppy", "lame"});
    add(words, -2, Frequency::Common,
        {"terrible", "awful", "horrible", "dreadful", "appalling", "disgusting", "pathetic", "atrocious", "miserable",
         "abysmal", "hideous", "worthless"});
    add(words, 1, Frequency::Rare,
        {"admirable", "amiable",      "commendable", "congenial",    "dapper",     "dependable",  "endearing",
         "engaging",  "gratifying",   "harmonious",  "inviting",     "jolly",      "laudable",    "meritorious",
         "neat",      "palatable",    "personable",  "praiseworthy", "refreshing", "respectable", "serene",
         "snug",      "spirited",     "tasteful",    "uplifting",    "winsome",    "wholesome",   "witty",
         "zesty",     "heartwarming", "graceful",    "cheering",     "adept",      "deft",        "sprightly",
         "genial",    "luscious",     "buoyant",     "vivid",        "polished"});
    add(words, 2, Frequency::Rare,
        {"astonishing", "breathtaking", "captivating",  "dazzling",    "divine",       "enchanting",  "enthralling",
         "exemplary",   "exhilarating", "exquisite",    "fabulous",    "faultless",    "glorious",    "heavenly",
         "immaculate",  "impeccable",   "incomparable", "magnificent", "masterful",    "mesmerizing", "peerless",
         "phenomenal",  "priceless",    "radiant",      "riveting",    "sensational",  "spectacular", "stellar",
         "stunning",    "sublime",      "sumptuous",    "superlative", "transcendent", "unbeatable",  "unforgettable",
         "unrivaled",   "virtuoso",     "wondrous",     "majestic",    "resplendent"});
    add(words, -1, Frequency::Rare,
        {"amateurish", "banal",   "bleak",       "cumbersome", "derivative", "dingy",     "dismal",     "drab",
         "dreary",     "feeble",  "flat",        "grating",    "gloomy",     "hackneyed", "haphazard",  "humdrum",
         "inadequate", "inept",   "insipid",     "irksome",    "lackluster", "laughable", "lifeless",   "listless",
         "lopsided",   "muddled", "murky",       "paltry",     "plodding",   "pointless", "shoddy",     "sluggish",
         "soulless",   "stale",   "substandard", "tacky",      "tawdry",     "trite",     "uninspired", "vapid"});
    add(words, -2, Frequency::Rare,
        {"abominable",  "abhorrent",    "agonizing",   "deplorable", "despicable", "detestable", "disastrous",
         "disgraceful", "execrable",    "ghastly",     "grotesque",  "gruesome",   "harrowing",  "heinous",
         "horrendous",  "insufferable", "intolerable", "lamentable", "loathsome",  "ludicrous",  "nauseating",
         "nightmarish", "noxious",      "obnoxious",   "odious",     "putrid",     "rancid",     "repellent",
         "repugnant",   "repulsive",    "revolting",   "rotten",     "shameful",   "sickening",  "squalid",
         "unbearable",  "unspeakable",  "vile",        "wretched",   "calamitous"});
    return words;
  }();
  return kWords;
}

const std::vector<OpinionVerb>& feeling_verbs() {
  static const std::vector<OpinionVerb> kVerbs = {{"liked", "like", 1},
                                                  {"enjoyed", "enjoy", 1},
                                                  {"appreciated", "appreciate", 1},
                                                  {"loved", "love", 2},
                                                  {"adored", "adore", 2},
                                                  {"admired", "admire", 1, Frequency::Rare},
                                                  {"treasured", "treasure", 2, Frequency::Rare},
                                                  {"savored", "savor", 1, Frequency::Rare},
                                                  {"relished", "relish", 2, Frequency::Rare},
                                                  {"cherished", "cherish", 2, Frequency::Rare},
                                                  {"praised", "praise", 1, Frequency::Rare},
                                                  {"disliked", "dislike", -1},
                                                  {"regretted", "regret", -1},
                                                  {"resented", "resent", -1},
                                                  {"hated", "hate", -2},
                                                  {"despised", "despise", -2},
                                                  {"deplored", "deplore", -1, Frequency::Rare},
                                                  {"loathed", "loathe", -2, Frequency::Rare},
                                                  {"abhorred", "abhor", -2, Frequency::Rare},
                                                  {"detested", "detest", -2, Frequency::Rare},
                                                  {"lamented", "lament", -1, Frequency::Rare},
                                                  {"cursed", "curse", -2, Frequency::Rare}};
  return kVerbs;
}

const std::vector<OpinionWord>& effect_verbs() {
  static const std::vector<OpinionWord> kVerbs = {{"impressed", 1},
                                                  {"pleased", 1},
                                                  {"charmed", 1},
                                                  {"delighted", 2},
                                                  {"thrilled", 2},
                                                  {"amazed", 2},
                                                  {"captivated", 2, Frequency::Rare},
                                                  {"enchanted", 2, Frequency::Rare},
                                                  {"refreshed", 1, Frequency::Rare},
                                                  {"uplifted", 1, Frequency::Rare},
                                                  {"dazzled", 2, Frequency::Rare},
                                                  {"disappointed", -1},
                                                  {"annoyed", -1},
                                                  {"bored", -1},
                                                  {"disgusted", -2},
                                                  {"appalled", -2},
                                                  {"infuriated", -2},
                                                  {"irked", -1, Frequency::Rare},
                                                  {"dismayed", -1, Frequency::Rare},
                                                  {"repelled", -2, Frequency::Rare},
                                                  {"sickened", -2, Frequency::Rare},
                                                  {"wearied", -1, Frequency::Rare}};
  return kVerbs;
}

const std::vector<OpinionWord>& manner_adverbs() {
  static const std::vector<OpinionWord> kAdverbs = {{"well", 1},
                                                    {"nicely", 1},
                                                    {"smoothly", 1},
                                                    {"beautifully", 2},
                                                    {"brilliantly", 2},
                                                    {"flawlessly", 2},
                                                    {"admirably", 1, Frequency::Rare},
                                                    {"gracefully", 1, Frequency::Rare},
                                                    {"superbly", 2, Frequency::Rare},
                                                    {"magnificently", 2, Frequency::Rare},
                                                    {"poorly", -1},
                                                    {"badly", -1},
                                                    {"clumsily", -1},
                                                    {"horribly", -2},
                                                    {"miserably", -2},
                                                    {"terribly", -2},
                                                    {"ineptly", -1, Frequency::Rare},
                                                    {"sluggishly", -1, Frequency::Rare},
                                                    {"abysmally", -2, Frequency::Rare},
                                                    {"disgracefully", -2, Frequency::Rare}};
  return kAdverbs;
}

const std::vector<Intensifier>& intensifiers() {
  static const std::vector<Intensifier> kWords = {
      {"slightly", 0.5}, {"somewhat", 0.5},   {"fairly", 0.5},   {"mildly", 0.5},  {"very", 1.5},  {"really", 1.5},
      {"truly", 1.5},    {"especially", 1.5}, {"incredibly", 2}, {"extremely", 2}, {"utterly", 2}, {"absolutely", 2}};
  return kWords;
}

const std::vector<std::string>& persons() {
  static const std::vector<std::string> kPersons = {
      "sister", "brother", "mother", "father",   "neighbour",   "friend",  "boss",    "cousin", "colleague", "uncle",
      "aunt",   "husband", "wife",   "roommate", "grandmother", "partner", "teacher", "son",    "daughter"};
  return kPersons;
}

const std::vector<std::string>& sources() {
  static const std::vector<std::string> kSources = {"the critics",  "the reviews", "the guide", "the newspapers",
                                                    "the magazine", "the experts", "the forum", "the poster",
                                                    "the brochure", "the advert",  "the blogs"};
  return kSources;
}

}  // namespace espalier::lab
