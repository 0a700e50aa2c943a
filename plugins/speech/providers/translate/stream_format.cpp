// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/stream_format.h"

#include <algorithm>

#include "plugins/speech/providers/translate/mode_file.h"
#include "plugins/speech/providers/translate/phrase.h"

namespace dragoman {
namespace {

constexpr std::string_view kSpecial = "\\[]{}^$/@<>";
constexpr std::string_view kEndMark = ".[]";
constexpr std::string_view kInvertedQuestion = "¿", kInvertedExclamation = "¡";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void erase_all(std::string& text, std::string_view what) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at))
    text.erase(at, what.size());
}

// Marks stand directly before the word they are about.
std::string without_marks(std::string_view source, std::string_view answer) {
  std::string text;
  for (size_t i = 0; i < answer.size(); ++i) {
    char c = answer[i];
    bool mark = (c == '*' || c == '@' || c == '#') && (i == 0 || is_blank(answer[i - 1])) &&
                i + 1 < answer.size() && !is_blank(answer[i + 1]);
    if (mark && source.find(c) == std::string_view::npos) continue;
    text += c;
  }
  return text;
}

std::string tidy_spaces(std::string_view answer) {
  std::string text;
  for (char c : answer) {
    if (is_blank(c)) {
      if (!text.empty() && text.back() != ' ') text += ' ';
      continue;
    }
    if (std::string_view(",.;:?!").find(c) != std::string_view::npos && !text.empty() &&
        text.back() == ' ')
      text.pop_back();
    text += c;
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::string open_questions(const std::string& text) {
  std::string out;
  for (const auto& sentence : split_sentences(text)) {
    std::string_view opening;
    if (sentence.text.ends_with('?') && sentence.text.find(kInvertedQuestion) == std::string::npos)
      opening = kInvertedQuestion;
    if (sentence.text.ends_with('!') &&
        sentence.text.find(kInvertedExclamation) == std::string::npos)
      opening = kInvertedExclamation;
    out += opening;
    out += sentence.text + sentence.glue;
  }
  return out;
}

}  // namespace

std::string to_apertium(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  out += kEndMark;
  out += '\0';
  return out;
}

bool is_whole(std::string_view answer) { return answer.find("[]") != std::string_view::npos; }

std::string from_apertium(std::string_view answer) {
  while (!answer.empty() && is_blank(answer.back())) answer.remove_suffix(1);
  if (answer.ends_with(kEndMark)) answer.remove_suffix(kEndMark.size());
  std::string text;
  for (size_t i = 0; i < answer.size(); ++i) {
    if (answer[i] == '\\' && i + 1 < answer.size()) ++i;
    if (is_blank(answer[i]) && (text.empty() || text.back() == ' ')) continue;
    text += is_blank(answer[i]) ? ' ' : answer[i];
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

std::string polish(std::string_view source, std::string_view answer, std::string_view to) {
  std::string text = tidy_spaces(without_marks(source, answer));
  bool spanish = primary_tag(to) == "es";
  if (!spanish) {
    erase_all(text, kInvertedQuestion);
    erase_all(text, kInvertedExclamation);
  }
  bool lower = !starts_upper(source) && !(primary_tag(to) == "en" && is_english_i(text));
  text = lower ? with_first_letter(text, LetterCase::lower)
               : with_first_letter(text, LetterCase::upper);
  return spanish ? open_questions(text) : text;
}

}  // namespace dragoman
