// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/phrase.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

namespace dragoman {
namespace {

constexpr double kLightCost = 0.3;      // a light word missing or added
constexpr double kSpellingCost = 0.15;  // content words written otherwise

using Numbers = std::map<std::string, int, std::less<>>;

const Numbers& numbers_of(std::string_view language) {
  static const Numbers english{
      {"zero", 0},         {"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},
      {"five", 5},         {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},
      {"ten", 10},         {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14},
      {"fifteen", 15},     {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19},
      {"twenty", 20},      {"thirty", 30},  {"forty", 40},     {"fifty", 50},    {"sixty", 60},
      {"seventy", 70},     {"eighty", 80},  {"ninety", 90},    {"hundred", 100}, {"thousand", 1000},
      {"million", 1000000}};
  static const Numbers spanish{
      {"cero", 0},          {"uno", 1},          {"un", 1},          {"una", 1},
      {"dos", 2},           {"tres", 3},         {"cuatro", 4},      {"cinco", 5},
      {"seis", 6},          {"siete", 7},        {"ocho", 8},        {"nueve", 9},
      {"diez", 10},         {"once", 11},        {"doce", 12},       {"trece", 13},
      {"catorce", 14},      {"quince", 15},      {"dieciséis", 16},  {"diecisiete", 17},
      {"dieciocho", 18},    {"diecinueve", 19},  {"veinte", 20},     {"veintiuno", 21},
      {"veintiún", 21},     {"veintiuna", 21},   {"veintidós", 22},  {"veintitrés", 23},
      {"veinticuatro", 24}, {"veinticinco", 25}, {"veintiséis", 26}, {"veintisiete", 27},
      {"veintiocho", 28},   {"veintinueve", 29}, {"treinta", 30},    {"cuarenta", 40},
      {"cincuenta", 50},    {"sesenta", 60},     {"setenta", 70},    {"ochenta", 80},
      {"noventa", 90},      {"cien", 100},       {"ciento", 100},    {"doscientos", 200},
      {"trescientos", 300}, {"quinientos", 500}, {"mil", 1000},      {"millón", 1000000}};
  static const Numbers none;
  return language == "en" ? english : language == "es" ? spanish : none;
}

bool is_light(std::string_view word, std::string_view language) {
  static const std::set<std::string, std::less<>> english{"a",    "an",   "the",    "please", "now",
                                                          "just", "well", "um",     "uh",     "oh",
                                                          "ah",   "okay", "really", "very"};
  static const std::set<std::string, std::less<>> spanish{
      "el", "la", "los", "las", "favor", "ahora", "pues", "eh", "ah", "muy", "usted"};
  return language == "en"   ? english.contains(word)
         : language == "es" ? spanish.contains(word)
                            : false;
}

bool is_negation(std::string_view word) {
  static const std::set<std::string, std::less<>> words{
      "not",     "no",      "never", "nobody",  "none",  "nothing", "nor",
      "neither", "without", "ni",    "nunca",   "nadie", "nada",    "ningún",
      "ninguno", "ninguna", "jamás", "tampoco", "sin"};
  return words.contains(word);
}

using Spellings = std::map<std::string, std::vector<std::string>, std::less<>>;

// Whole words that stand for others.
const Spellings& spellings_of(std::string_view language) {
  static const Spellings english{{"can't", {"can", "not"}},  {"cannot", {"can", "not"}},
                                 {"won't", {"will", "not"}}, {"shan't", {"shall", "not"}},
                                 {"ain't", {"is", "not"}},   {"let's", {"let", "us"}},
                                 {"gonna", {"going", "to"}}, {"wanna", {"want", "to"}},
                                 {"ok", {"okay"}},           {"o'clock", {"oclock"}}};
  static const Spellings spanish{{"ok", {"okay"}}};
  static const Spellings none;
  return language == "en" ? english : language == "es" ? spanish : none;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kEnglishEndings{{
    {"n't", "not"},
    {"'m", "am"},
    {"'re", "are"},
    {"'ve", "have"},
    {"'ll", "will"},
    {"'d", "would"},
}};

// Words whose 's is "is", not a possessive.
bool takes_is(std::string_view word) {
  static const std::set<std::string, std::less<>> words{
      "it", "that", "this", "he", "she", "what", "who", "where", "when", "how", "there", "here"};
  return words.contains(word);
}

std::vector<std::string> expanded(const std::string& word, std::string_view language) {
  const auto& spellings = spellings_of(language);
  if (auto found = spellings.find(word); found != spellings.end()) return found->second;
  if (language != "en") return {word};
  for (auto [ending, full] : kEnglishEndings)
    if (word.size() > ending.size() && word.ends_with(ending))
      return {word.substr(0, word.size() - ending.size()), std::string(full)};
  if (word.ends_with("'s")) {
    std::string stem = word.substr(0, word.size() - 2);
    return {stem, takes_is(stem) ? "is" : "'s"};
  }
  return {word};
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return c >= '0' && c <= '9'; });
}

bool has_digit(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= '0' && c <= '9'; });
}

// Text to raw words: letters and digits, an apostrophe within a word, point, comma or colon within
// a number, and each sign that is spoken.
class Scanner {
 public:
  explicit Scanner(const char* text) : at_(text) {}

  std::vector<std::string> words() {
    for (; *at_; at_ = g_utf8_next_char(at_)) take(g_utf8_get_char(at_));
    close();
    return std::move(words_);
  }

 private:
  gunichar next() const { return g_utf8_get_char(g_utf8_next_char(at_)); }

  void take(gunichar c) {
    bool in_number = !word_.empty() && g_unichar_isdigit(last_) && g_unichar_isdigit(next());
    if (g_unichar_isalnum(c) || g_unichar_ismark(c)) {
      add(c);
    } else if ((c == '\'' || c == 0x2019) && !word_.empty() && g_unichar_isalpha(next())) {
      add('\'');
    } else if ((c == '.' || c == ',' || c == ':') && in_number) {
      add(c);
    } else if (c == '-' && word_.size() <= 2 && g_unichar_isalpha(last_) &&
               g_unichar_isalpha(next())) {
      // "re-enter", "e-mail": one word
    } else if (c == '.' && word_.size() <= 3 && g_unichar_isalpha(last_) &&
               (g_unichar_isalpha(next()) || dotted_)) {
      dotted_ = true;  // "p.m." is "pm"
      last_ = c;
    } else {
      close();
      if (c < 128 &&
          std::string_view("*#$%@+=&").find(static_cast<char>(c)) != std::string_view::npos)
        words_.emplace_back(1, static_cast<char>(c));
      if (c == 0x20ac) words_.emplace_back("€");
      if (c == '-' && g_unichar_isdigit(next())) words_.emplace_back("-");
    }
  }

  void add(gunichar c) {
    char utf8[6];
    word_.append(utf8, g_unichar_to_utf8(c, utf8));
    last_ = c;
  }

  void close() {
    if (!word_.empty()) words_.push_back(std::exchange(word_, {}));
    last_ = 0;
    dotted_ = false;
  }

  const char* at_;
  std::vector<std::string> words_;
  std::string word_;
  gunichar last_ = 0;
  bool dotted_ = false;
};

std::string fold_case(std::string_view text) {
  g_autofree char* valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  g_autofree char* lower = g_utf8_strdown(valid, -1);
  g_autofree char* composed = g_utf8_normalize(lower, -1, G_NORMALIZE_ALL_COMPOSE);
  return composed ? composed : "";
}

// Without accents, except on a last letter: in Spanish that one changes who acts, and when
// ("hablo", "habló").
std::string without_accents(const std::string& word) {
  g_autofree char* split = g_utf8_normalize(word.c_str(), -1, G_NORMALIZE_ALL);
  std::string out;
  for (const char* at = split; at && *at; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);
    bool last = *g_utf8_next_char(at) == 0;
    bool tilde = c == 0x303;  // ñ is a letter
    if (g_unichar_ismark(c) && !last && !tilde) continue;
    char utf8[6];
    out.append(utf8, g_unichar_to_utf8(c, utf8));
  }
  return out;
}

// "messages" as "message". Short words and those in -ss or -us are no plurals.
std::string stem(const std::string& word) {
  std::string plain = without_accents(word);
  bool plural = plain.size() >= 5 && plain.ends_with('s') && !plain.ends_with("ss") &&
                !plain.ends_with("us") && !plain.ends_with("is");
  if (plural) plain.pop_back();
  return plain;
}

// "twenty one", "treinta y uno": one number.
void join_tens(std::vector<PhraseWord>& words, std::string_view language) {
  auto value = [](const PhraseWord& word) { return std::stoi(word.text); };
  std::string_view link = language == "es" ? "y" : "";
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    size_t unit = i + 1 + (link.empty() ? 0 : 1);
    if (unit >= words.size() || !words[i].spelled || !words[unit].spelled) continue;
    if (!link.empty() && words[i + 1].text != link) continue;
    int tens = value(words[i]), ones = value(words[unit]);
    if (tens < 20 || tens > 90 || tens % 10 != 0 || ones < 1 || ones > 9) continue;
    words[i].text = std::to_string(tens + ones);
    words.erase(words.begin() + i + 1, words.begin() + unit + 1);
  }
}

std::vector<std::string> texts_of(const std::vector<PhraseWord>& words, PhraseWord::Kind kind) {
  std::vector<std::string> out;
  for (const auto& word : words)
    if (word.kind == kind) out.push_back(word.text);
  return out;
}

size_t edit_distance(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t corner = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
      corner = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string digits_of(std::string_view word, std::string_view language) {
  const auto& numbers = numbers_of(language);
  auto found = numbers.find(word);
  return found == numbers.end() ? std::string{} : std::to_string(found->second);
}

std::string number_word(std::string_view digits, std::string_view language) {
  int value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  if (value == 1) return language == "es" ? "uno" : language == "en" ? "one" : "";
  for (const auto& [word, number] : numbers_of(language))
    if (number == value) return word;
  return {};
}

std::vector<PhraseWord> words_of(std::string_view text, std::string_view language) {
  std::vector<PhraseWord> words;
  std::string folded = fold_case(text);
  for (const auto& raw : Scanner(folded.c_str()).words())
    for (auto& part : expanded(raw, language)) {
      PhraseWord word{.text = std::move(part)};
      if (auto digits = digits_of(word.text, language); !digits.empty())
        word = {digits, PhraseWord::Kind::number, true};
      else if (has_digit(word.text))
        word.kind = PhraseWord::Kind::number;
      else if (is_light(word.text, language))
        word.kind = PhraseWord::Kind::light;
      // "por favor" is one light phrase.
      if (language == "es" && word.text == "favor" && !words.empty() && words.back().text == "por")
        words.pop_back();
      words.push_back(std::move(word));
    }
  join_tens(words, language);
  return words;
}

std::string exact_key(const std::vector<PhraseWord>& words) {
  std::string key;
  for (const auto& word : words) key += word.text + ' ';
  return key;
}

std::string content_key(const std::vector<PhraseWord>& words) {
  std::string key;
  for (const auto& word : words) {
    if (word.kind == PhraseWord::Kind::light) continue;
    if (word.kind == PhraseWord::Kind::number)
      key += is_digits(word.text) ? "\x01" : "\x02";
    else if (is_negation(word.text))
      key += '\x03' + word.text + '\x03';  // never part of a compound
    else
      key += stem(word.text);
  }
  return key;
}

double similarity(const std::vector<PhraseWord>& a, const std::vector<PhraseWord>& b) {
  size_t longer = std::max(a.size(), b.size());
  if (longer == 0) return 1;
  double cost =
      kLightCost * static_cast<double>(edit_distance(texts_of(a, PhraseWord::Kind::light),
                                                     texts_of(b, PhraseWord::Kind::light))) +
      kSpellingCost * static_cast<double>(edit_distance(texts_of(a, PhraseWord::Kind::content),
                                                        texts_of(b, PhraseWord::Kind::content)));
  return std::max(0.0, 1 - cost / static_cast<double>(longer));
}

}  // namespace dragoman
