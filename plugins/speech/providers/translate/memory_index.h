// SPDX-License-Identifier: LGPL-2.1-or-later
// Units of translation memories, by what can be looked up.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugins/speech/providers/translate/phrase.h"
#include "plugins/speech/providers/translate/tmx.h"

namespace dragoman {

/// Immutable once filled; then any number of threads may look things up.
class MemoryIndex {
 public:
  /// Adds a file's units, in both directions. What was added first wins, and the direction that a
  /// file was written for before the reverse of another.
  void add(const TmxFile& file);
  /// Something that the user should know ("FILE:LINE: …").
  void add_error(const std::string& error);

  /// The translation of one phrase, in the phrase's letter case and with its final punctuation.
  std::optional<std::string> find(std::string_view phrase, std::string_view from,
                                  std::string_view to, double threshold) const;

  /// How many bytes at the start of `phrase` are a phrase that may be cut off it; 0: none.
  size_t detachable(std::string_view phrase, std::string_view from, std::string_view to) const;

  const std::string& error() const { return error_; }
  size_t size() const { return unit_count_; }

 private:
  struct Entry {
    std::string source, target;
    std::vector<PhraseWord> words;
    bool reversed = false;
  };
  struct Direction {
    std::vector<Entry> entries;
    std::unordered_multimap<std::string, size_t> exact, content;  // key → index in entries
    std::vector<std::string> detachable;                          // without punctuation
  };

  void add_pair(const TmxUnit& unit, const TmxVariant& source, const TmxVariant& target);

  std::unordered_map<std::string, Direction> directions_;  // "en>es"
  std::string error_;
  size_t unit_count_ = 0;
};

/// `target`, a translation of `source`, with the numbers of `wanted` in place of `source`'s;
/// nothing if that is not certain to be right.
std::optional<std::string> with_numbers(const std::vector<PhraseWord>& source,
                                        const std::vector<PhraseWord>& wanted,
                                        const std::string& target, std::string_view to);

}  // namespace dragoman
