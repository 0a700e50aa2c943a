// SPDX-License-Identifier: LGPL-2.1-or-later
// Text as a translation memory looks at it: sentences, words, what may differ between two phrases
// that mean the same and what must not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// `text` with what is no UTF-8 replaced by U+FFFD. The functions below take valid text only.
std::string valid_utf8(std::string_view text);

/// A stretch of text and the blanks or comma between it and the next.
struct Stretch {
  std::string text, glue;
};

/// Cuts at `.`, `?`, `!`, `…`, but not in numbers, abbreviations ("Dr.", "p.m.") and initials. The
/// stretches and their glue joined are the text, without blanks at its ends.
std::vector<Stretch> split_sentences(std::string_view text);

/// Cuts a sentence at commas and semicolons that are followed by a blank.
std::vector<Stretch> split_at_commas(std::string_view sentence);

enum class LetterCase { upper, lower };

/// Whether the first letter is upper case (signs before it do not count).
bool starts_upper(std::string_view text);
/// `text` with its first letter in that case.
std::string with_first_letter(std::string_view text, LetterCase letter_case);

/// Whether it begins with English's one word whose capital says nothing about where it stands.
bool is_english_i(std::string_view text);

/// How a sentence ends.
enum class Ending { none, statement, question, exclamation };
Ending ending_of(std::string_view sentence);

/// A word in the form that is compared: lower case, contractions written out, number words as
/// digits.
struct PhraseWord {
  enum class Kind {
    content,  ///< carries meaning, also every negation: must be the same in both phrases
    light,    ///< may be there or not: articles, politeness, fillers
    number    ///< must be the same
  };
  std::string text;
  Kind kind = Kind::content;
  bool spelled = false;  ///< number: it was a word, not digits
  bool operator==(const PhraseWord&) const = default;
};

/// The words of `text` in `language` (a primary tag; for other languages than English and Spanish
/// there are no contractions, number words and light words).
std::vector<PhraseWord> words_of(std::string_view text, std::string_view language);

/// Both phrases have the same words: what exact matching compares.
std::string exact_key(const std::vector<PhraseWord>& words);

/// Both phrases have the same content words but for a plural's `s`, accents and where a compound is
/// written apart; numbers count only as places for one. No fuzzy match is possible between phrases
/// whose keys differ.
std::string content_key(const std::vector<PhraseWord>& words);

/// 0 to 1: how alike two phrases of equal content_key() are. What light words are missing, added or
/// moved costs little, other spellings of content words less.
double similarity(const std::vector<PhraseWord>& a, const std::vector<PhraseWord>& b);

/// The digits of a number word ("two" → "2"), or an empty string; and the reverse.
std::string digits_of(std::string_view word, std::string_view language);
std::string number_word(std::string_view digits, std::string_view language);

}  // namespace dragoman
