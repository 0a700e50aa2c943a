// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/pipeline/problem.h"

#include <algorithm>
#include <numeric>

namespace dragoman {
namespace {

/// Levenshtein's distance, two letters swapped counting one.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  std::iota(rows[0].begin(), rows[0].end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      rows[i][j] = std::min(
          {rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string Problem::text() const {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line);
  text += (text.empty() ? "" : ": ") + what;
  return cure.empty() ? text : text + "; " + cure;
}

std::string text_of(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + problem.text();
  return text;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  size_t least = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (const size_t changes = distance(word, candidate); changes < least) {
      least = changes;
      best = &candidate;
    }
  }
  return best ? "did you mean '" + *best + "'?" : std::string();
}

}  // namespace dragoman
