// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/stt/committer.h"

#include <algorithm>

namespace dragoman::stt {
namespace {

constexpr size_t kMinClauseWords = 3;  // fewer are not worth a translation of their own
constexpr size_t kMinPauseWords = 4;   // without punctuation a pause must have more before it

void remove_front(std::vector<Word>& words, size_t count) {
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
}

size_t characters(std::span<const Word> words) {
  size_t sum = 0;
  for (const Word& word : words) sum += word.key.size() + 1;
  return sum;
}

}  // namespace

std::vector<Word> Committer::open_words(std::string_view text, size_t& committed_length) const {
  std::vector<Word> words = split_words(text);
  committed_length = aligned_length(committed_, words);
  remove_front(words, committed_length);
  return words;
}

std::string Committer::rest(std::string_view text) const {
  size_t ignored = 0;
  return join_words(open_words(text, ignored));
}

Committer Committer::next(std::string_view text) const {
  Committer next;
  const size_t heard = aligned_length(split_words(text), committed_);
  next.committed_.assign(committed_.begin() + static_cast<std::ptrdiff_t>(heard), committed_.end());
  return next;
}

// A mark at the very end of a decode only says that the audio ended there; the next decode, which
// goes on after it, says whether it was one.
size_t Committer::agreed_clause(const std::vector<Word>& open) const {
  if (open.empty() || previous_.empty()) return 0;
  size_t length = std::min({common_prefix(open, previous_), open.size() - 1, previous_.size() - 1});
  while (length >= kMinClauseWords &&
         !(ends_clause(open[length - 1]) && ends_clause(previous_[length - 1]))) {
    --length;
  }
  return length >= kMinClauseWords ? length : 0;
}

bool Committer::pause_confirmed(const std::vector<Word>& open) const {
  return pause_ && pause_->words.size() >= kMinPauseWords && open.size() > pause_->words.size() &&
         common_prefix(open, pause_->words) == pause_->words.size();
}

std::optional<Commit> Committer::decoded(std::string_view text, std::optional<size_t> pause) {
  size_t before = 0;
  std::vector<Word> open = open_words(text, before);
  std::optional<Commit> commit;
  const size_t agreed = agreed_clause(open);
  const bool at_pause = pause_confirmed(open) && pause_->words.size() >= agreed;
  const size_t length = at_pause ? pause_->words.size() : agreed;
  if (length > 0) {
    const std::span clause(open.data(), length);
    const std::vector<Word> all = split_words(text);
    commit = Commit{join_words(clause),
                    static_cast<double>(characters(std::span(all).first(before + length))) /
                        static_cast<double>(characters(all)),
                    at_pause ? std::optional(pause_->at) : std::nullopt};
    committed_.insert(committed_.end(), clause.begin(), clause.end());
    remove_front(open, length);
    if (pause_ && pause_->words.size() > length && !at_pause) {
      remove_front(pause_->words, length);
    } else {
      pause_.reset();
    }
  }
  if (pause) pause_ = Pause{*pause, open};
  previous_ = std::move(open);
  return commit;
}

}  // namespace dragoman::stt
