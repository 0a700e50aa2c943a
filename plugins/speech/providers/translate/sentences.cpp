// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "plugins/speech/providers/translate/phrase.h"

namespace dragoman {
namespace {

constexpr std::array<std::string_view, 24> kAbbreviations{
    "mr",  "mrs", "ms",  "dr",  "dra", "sr",  "sra",  "srta",  "st", "prof", "lic", "ing",
    "ext", "no",  "núm", "tel", "etc", "ave", "apdo", "depto", "vs", "inc",  "ud",  "uds"};
constexpr std::string_view kEllipsis = "…";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_stop(char c) { return c == '.' || c == '?' || c == '!'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Whether the full stop at `dot` belongs to the word before it: "Dr.", "p.m.", "J. Smith".
bool is_abbreviation(std::string_view text, size_t dot) {
  size_t begin = dot;
  while (begin > 0 && !is_blank(text[begin - 1])) --begin;
  std::string_view word = text.substr(begin, dot - begin);
  if (word.size() == 1) return word[0] != 'I' && std::isupper(static_cast<unsigned char>(word[0]));
  if (word.find('.') != std::string_view::npos && word.find("..") == std::string_view::npos) {
    // "p.m." ends a sentence only if a capital follows.
    auto rest = trimmed(text.substr(dot + 1));
    return rest.empty() || !starts_upper(rest);
  }
  g_autofree char* lower = g_utf8_strdown(word.data(), static_cast<gssize>(word.size()));
  // "No." ends more sentences than it begins numbers, unless one follows.
  if (g_str_equal(lower, "no")) {
    auto rest = trimmed(text.substr(dot + 1));
    return !rest.empty() && std::isdigit(static_cast<unsigned char>(rest[0]));
  }
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), std::string_view(lower)) !=
         kAbbreviations.end();
}

// Length of the sentence's end at `at` (stops and what closes quotes after them); 0: no end here.
size_t end_at(std::string_view text, size_t at) {
  bool ellipsis = text.substr(at).starts_with(kEllipsis);
  if (!ellipsis && !is_stop(text[at])) return 0;
  size_t end = at;
  while (end < text.size()) {
    if (text.substr(end).starts_with(kEllipsis))
      end += kEllipsis.size();
    else if (is_stop(text[end]) || text[end] == '"' || text[end] == ')')
      ++end;
    else
      break;
  }
  if (end < text.size() && !is_blank(text[end])) return 0;
  if (text[at] == '.' && end == at + 1 && is_abbreviation(text, at)) return 0;
  return end - at;
}

// Calls `stretch` with [begin, end) and its glue for every cut.
template <typename EndAt>
std::vector<Stretch> cut(std::string_view text, EndAt&& length_at) {
  std::vector<Stretch> out;
  text = trimmed(text);
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    size_t length = length_at(text, i);
    if (length == 0) {
      ++i;
      continue;
    }
    size_t end = i + length, next = end;
    while (next < text.size() && is_blank(text[next])) ++next;
    out.push_back(
        {std::string(text.substr(begin, end - begin)), std::string(text.substr(end, next - end))});
    begin = i = next;
  }
  if (begin < text.size()) out.push_back({std::string(text.substr(begin)), {}});
  return out;
}

size_t first_letter(std::string_view text) {
  for (size_t i = 0; i < text.size(); i = g_utf8_next_char(text.data() + i) - text.data())
    if (g_unichar_isalnum(g_utf8_get_char_validated(text.data() + i, text.size() - i))) return i;
  return text.size();
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  g_autofree char* valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  return valid;
}

std::vector<Stretch> split_sentences(std::string_view text) { return cut(text, end_at); }

std::vector<Stretch> split_at_commas(std::string_view sentence) {
  auto stretches = cut(sentence, [](std::string_view text, size_t at) -> size_t {
    bool comma = text[at] == ',' || text[at] == ';';
    return comma && at + 1 < text.size() && is_blank(text[at + 1]) ? 1 : 0;
  });
  for (size_t i = 0; i + 1 < stretches.size(); ++i) {  // the comma is glue
    stretches[i].glue.insert(0, 1, stretches[i].text.back());
    stretches[i].text.pop_back();
  }
  return stretches;
}

bool starts_upper(std::string_view text) {
  size_t at = first_letter(text);
  return at < text.size() &&
         g_unichar_isupper(g_utf8_get_char_validated(text.data() + at, text.size() - at));
}

std::string with_first_letter(std::string_view text, LetterCase letter_case) {
  size_t at = first_letter(text);
  if (at == text.size()) return std::string(text);
  gunichar letter = g_utf8_get_char_validated(text.data() + at, text.size() - at);
  char changed[6];
  int length = g_unichar_to_utf8(
      letter_case == LetterCase::upper ? g_unichar_toupper(letter) : g_unichar_tolower(letter),
      changed);
  size_t after = g_utf8_next_char(text.data() + at) - text.data();
  return std::string(text.substr(0, at)) + std::string(changed, length) +
         std::string(text.substr(after));
}

bool is_english_i(std::string_view text) {
  return text == "I" || text.starts_with("I ") || text.starts_with("I'");
}

Ending ending_of(std::string_view sentence) {
  sentence = trimmed(sentence);
  while (!sentence.empty() && (sentence.back() == '"' || sentence.back() == ')'))
    sentence.remove_suffix(1);
  if (sentence.ends_with('?')) return Ending::question;
  if (sentence.ends_with('!')) return Ending::exclamation;
  if (sentence.ends_with('.') || sentence.ends_with(kEllipsis)) return Ending::statement;
  return Ending::none;
}

}  // namespace dragoman
