// SPDX-License-Identifier: LGPL-2.1-or-later
// Which part of an open segment's text is certain enough to be spoken: the prefix that two
// successive decodes agree on, up to a clause boundary. What is committed never changes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/speech/providers/stt/words.h"

namespace dragoman::stt {

/// A clause that has become certain within a segment.
struct Commit {
  std::string text;
  double fraction = 0;          ///< of the decode's characters that come before the clause's end
  std::optional<size_t> pause;  ///< the pause that it ends at, as given to decoded(), if known
};

class Committer {
 public:
  /// A decode of the segment so far. `pause`: the decoded audio ended with the speaker's pause at
  /// this sample, so that its last word is whole. Answers a clause if one became certain.
  std::optional<Commit> decoded(std::string_view text, std::optional<size_t> pause);

  /// What `text`, a decode of the segment, says after all that is committed.
  std::string rest(std::string_view text) const;

  /// The committer of the segment that begins where this one was cut, whose last decode is `text`:
  /// knows what was committed beyond the cut.
  Committer next(std::string_view text) const;

  bool has_committed() const { return !committed_.empty(); }

 private:
  struct Pause {
    size_t at;
    std::vector<Word> words;  // of the uncommitted speech before it
  };

  std::vector<Word> open_words(std::string_view text, size_t& committed_length) const;
  size_t agreed_clause(const std::vector<Word>& open) const;
  bool pause_confirmed(const std::vector<Word>& open) const;

  std::vector<Word> committed_;
  std::vector<Word> previous_;  // the last decode's uncommitted words
  std::optional<Pause> pause_;
};

}  // namespace dragoman::stt
