// SPDX-License-Identifier: LGPL-2.1-or-later
// The provider that looks phrases up in translation memories: for what telephone systems and people
// on the telephone say all day it beats any machine translation, and takes microseconds.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "plugins/speech/providers/translate/memory_index.h"
#include "plugins/speech/providers/translate/provider.h"

namespace dragoman {

/// Answers with whole phrases only, exact or so alike that neither a number, a negation, a name nor
/// any other word that carries meaning differs (see phrase.h). Of several sentences, or of phrases
/// set off by commas at a sentence's start and end, it translates those it knows and leaves the
/// rest to the next provider. A file that cannot be read is named in the result's `error`; the
/// others are used.
class MemoryProvider : public TranslateProvider {
 public:
  /// `source`: a TMX file, or a folder whose *.tmx files are used in the order of their names. A
  /// file is read again when it has changed. `threshold`: least similarity() of a fuzzy match,
  /// 0 to 1; 1 allows exact ones only.
  explicit MemoryProvider(std::filesystem::path source, double threshold = kDefaultThreshold);

  TranslateResult translate(const TranslateRequest& request) override;
  std::string prepare(const std::string& from, const std::string& to) override;

  static constexpr double kDefaultThreshold = 0.85;

 private:
  std::shared_ptr<const MemoryIndex> index();

  const std::filesystem::path source_;
  const double threshold_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<const MemoryIndex> index_;
  std::string stamp_;
};

/// The memories of `memories_dir()`. `option`: the threshold, 0 to 1, empty for the default;
/// anything else: null.
std::unique_ptr<TranslateProvider> make_memory_provider(std::string_view option);

/// Where the project's memories are: `memories` in $DRAGOMAN_DATA, in the installed data folder or
/// in the source tree, the first that exists.
std::filesystem::path memories_dir();

}  // namespace dragoman
