// SPDX-License-Identifier: LGPL-2.1-or-later
// Recognised text as words, and where the words of one decode are in another.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman::stt {

struct Word {
  std::string text;  ///< as recognised, with its punctuation
  std::string key;   ///< lower case, letters and digits only: what is compared; never empty
  bool operator==(const Word& other) const { return key == other.key; }
};

/// The words of `text` (UTF-8). A mark that stands alone belongs to the word before it, or after it
/// at the start.
std::vector<Word> split_words(std::string_view text);

std::string join_words(std::span<const Word> words);

/// Whether a clause may end with `word`: it ends with one of . , ? ! ; : and is no abbreviation.
bool ends_clause(const Word& word);

/// Number of words that both begin with.
size_t common_prefix(std::span<const Word> a, std::span<const Word> b);

/// How many words of `decoded` say what `committed` says: the prefix nearest to it in edits; of
/// equally near ones, one that ends with the same word, then the longest.
size_t aligned_length(std::span<const Word> committed, std::span<const Word> decoded);

}  // namespace dragoman::stt
