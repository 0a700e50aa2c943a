// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/words.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace dragoman::stt {
namespace {

constexpr std::array<std::string_view, 12> kAbbreviations = {
    "mr", "mrs", "ms", "dr", "prof", "st", "sr", "sra", "srta", "dra", "ud", "uds"};
constexpr std::string_view kClauseMarks = ".,?!;:";
constexpr std::string_view kClosingMarks = "\"')]";

std::string key_of(std::string_view text) {
  std::string key;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end; at = g_utf8_next_char(at)) {
    const gunichar character = g_utf8_get_char_validated(at, end - at);
    if (character >= static_cast<gunichar>(-2)) break;  // not UTF-8
    if (!g_unichar_isalnum(character)) continue;
    char bytes[6];
    const int length = g_unichar_to_utf8(g_unichar_tolower(character), bytes);
    key.append(bytes, static_cast<size_t>(length));
  }
  return key;
}

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<Word> words;
  std::string mark;  // stands alone before the first word
  for (size_t at = text.find_first_not_of(kSpaces); at != text.npos;
       at = text.find_first_not_of(kSpaces, at)) {
    const size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    const std::string_view piece = text.substr(at, end - at);
    at = end;
    if (std::string key = key_of(piece); !key.empty()) {
      words.push_back({mark + std::string(piece), std::move(key)});
      mark.clear();
    } else if (!words.empty()) {
      words.back().text += " " + std::string(piece);
    } else {
      mark += std::string(piece) + " ";
    }
  }
  return words;
}

std::string join_words(std::span<const Word> words) {
  std::string text;
  for (const Word& word : words) {
    if (!text.empty()) text += ' ';
    text += word.text;
  }
  return text;
}

bool ends_clause(const Word& word) {
  const size_t last = word.text.find_last_not_of(kClosingMarks);
  if (last == word.text.npos || kClauseMarks.find(word.text[last]) == kClauseMarks.npos) {
    return false;
  }
  return word.text[last] != '.' ||
         std::ranges::find(kAbbreviations, word.key) == kAbbreviations.end();
}

size_t common_prefix(std::span<const Word> a, std::span<const Word> b) {
  const auto [end, other] = std::ranges::mismatch(a, b);
  return static_cast<size_t>(end - a.begin());
}

size_t aligned_length(std::span<const Word> committed, std::span<const Word> decoded) {
  if (committed.empty()) return 0;
  // Levenshtein distances of all of `committed` to each prefix of `decoded`, row by row.
  std::vector<size_t> row(decoded.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < committed.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < decoded.size(); ++j) {
      const size_t substituted = diagonal + (committed[i] == decoded[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  const auto ends_alike = [&](size_t length) {
    return length > 0 && decoded[length - 1] == committed.back();
  };
  size_t best = 0;
  for (size_t length = 1; length <= decoded.size(); ++length) {
    if (row[length] > row[best]) continue;
    if (row[length] < row[best] || ends_alike(length) || !ends_alike(best)) best = length;
  }
  return best;
}

}  // namespace dragoman::stt
