// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/guards.h"

#include <glib.h>

#include <algorithm>

#include "plugins/speech/providers/stt/words.h"

namespace dragoman::stt {
namespace {

constexpr size_t kMaxLoopWords = 10;  // longest phrase looked for
constexpr size_t kMaxWordBytes = 40;  // longer ones are loops within a word
constexpr double kMinLevelDbfs = -65;
constexpr double kMaxCharactersPerSecond = 25;
constexpr double kHurriedCharactersPerSecond = 18;  // faster than people who repeat themselves
constexpr size_t kEchoWords = 3;                    // shortest phrase that comes twice
constexpr double kSlackSeconds = 0.35;              // speech that the detector misses at both ends
constexpr double kShortClipSeconds = 0.5;
constexpr size_t kShortClipWords = 3;
constexpr double kMinSpeechSeconds = 0.09;

// People do say "no, no, no" and read out "zero zero zero zero"; nobody repeats a sentence so
// often.
size_t repeats_allowed(size_t words) { return words == 1 ? 6 : words == 2 ? 4 : 2; }

/// Number of times that the `length` words at `at` follow each other.
size_t repeats(const std::vector<Word>& words, size_t at, size_t length) {
  size_t count = 1;
  while (at + (count + 1) * length <= words.size() &&
         std::equal(words.begin() + at, words.begin() + at + length,
                    words.begin() + at + count * length)) {
    ++count;
  }
  return count;
}

struct Loop {
  size_t at = 0, length = 0, count = 0;
};

template <typename Allowed>
Loop find_loop(const std::vector<Word>& words, size_t shortest, Allowed&& repeats_allowed) {
  for (size_t length = shortest; length <= std::min(kMaxLoopWords, words.size() / 2); ++length) {
    for (size_t at = 0; at + 2 * length <= words.size(); ++at) {
      const size_t count = repeats(words, at, length);
      if (count > repeats_allowed(length)) return {at, length, count};
    }
  }
  return {};
}

Loop find_loop(const std::vector<Word>& words) { return find_loop(words, 1, repeats_allowed); }

void remove_repeats(std::vector<Word>& words, const Loop& loop) {
  const auto second = words.begin() + static_cast<std::ptrdiff_t>(loop.at + loop.length);
  words.erase(second, second + static_cast<std::ptrdiff_t>((loop.count - 1) * loop.length));
}

}  // namespace

bool has_loop(std::string_view text) {
  const std::vector<Word> words = split_words(text);
  return find_loop(words).count > 0 || std::ranges::any_of(words, [](const Word& word) {
           return word.key.size() > kMaxWordBytes;
         });
}

std::string without_loops(std::string_view text) {
  std::vector<Word> words = split_words(text);
  std::erase_if(words, [](const Word& word) { return word.key.size() > kMaxWordBytes; });
  for (Loop loop = find_loop(words); loop.count > 0; loop = find_loop(words)) {
    remove_repeats(words, loop);
  }
  return join_words(words);
}

std::string plausible(std::string_view text, const ClipFacts& clip) {
  if (clip.speech_s < kMinSpeechSeconds || clip.level_dbfs < kMinLevelDbfs) return {};
  std::string kept = without_loops(text);
  const auto characters = static_cast<double>(g_utf8_strlen(kept.data(), kept.size()));
  if (characters > kMaxCharactersPerSecond * (clip.speech_s + kSlackSeconds)) return {};
  if (clip.speech_s < kShortClipSeconds && split_words(kept).size() > kShortClipWords) return {};
  return kept;
}

std::string without_echo(std::string_view text, double speech_s) {
  const auto characters = static_cast<double>(g_utf8_strlen(text.data(), text.size()));
  if (characters <= kHurriedCharactersPerSecond * speech_s) return std::string(text);
  std::vector<Word> words = split_words(text);
  const Loop echo = find_loop(words, kEchoWords, [](size_t) { return size_t{1}; });
  if (echo.count == 0) return std::string(text);
  remove_repeats(words, echo);
  return join_words(words);
}

}  // namespace dragoman::stt
