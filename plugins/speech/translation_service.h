// SPDX-License-Identifier: LGPL-2.1-or-later
// Translates committed clauses, once per language and process, through a list of providers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugins/speech/channel.h"

namespace dragoman {

/// A clause in another language.
struct Translation {
  std::shared_ptr<const Clause> source;
  std::string text, language;
  std::string provider;  ///< the one that made it; "none": same language, or nothing could (text is
                         ///< the source's)
  uint64_t translated_utc = 0;  ///< ns since 1970
  double translation_ms = 0;    ///< request to result
};

/// A provider that failed on the way, and the one that took over (empty: none).
struct ProviderFailure {
  std::string provider, error, next;
};

class TranslationService {
 public:
  /// Called on a thread of the service's, never with a lock held; must not block. `failures` is
  /// usually empty.
  using Done =
      std::function<void(const Translation&, const std::vector<ProviderFailure>& failures)>;

  /// The process's one service, made at the first call, gone when the last holder lets go.
  static std::shared_ptr<TranslationService> shared();
  virtual ~TranslationService() = default;

  /// Has `clause` translated into `language` by the first of `providers` (best first: "memory",
  /// "apertium") that can. `user_memory`: a TMX file of the user's, asked before all others; may be
  /// empty. Results of one channel and language come in the order of the requests. Returns at once.
  virtual void translate(std::shared_ptr<const Clause> clause, const std::string& language,
                         const std::vector<std::string>& providers, const std::string& user_memory,
                         Done done) = 0;

  /// Has the providers for this pair ready (processes started, files read) before the first clause.
  /// Returns at once.
  virtual void prepare(const std::string& from, const std::string& language,
                       const std::vector<std::string>& providers,
                       const std::string& user_memory) = 0;
};

}  // namespace dragoman
