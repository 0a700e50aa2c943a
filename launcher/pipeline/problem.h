// SPDX-License-Identifier: LGPL-2.1-or-later
// What is wrong with a pipeline file, or with what it was given: for a person to mend.
#pragma once

#include <string>
#include <vector>

namespace dragoman {

struct Problem {
  std::string file;
  int line = 0;  ///< from 1; 0: not about a line
  std::string what, cure;

  /// "file:line: what; cure"
  std::string text() const;
};

using Problems = std::vector<Problem>;

/// All of them, one a line, without a newline at the end.
std::string text_of(const Problems& problems);

/// " did you mean 'x'?" for the candidate that is most like `word`, or empty when none is.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace dragoman
