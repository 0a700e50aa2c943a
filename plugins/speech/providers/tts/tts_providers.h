// SPDX-License-Identifier: LGPL-2.1-or-later
// The table of speech synthesis providers, and the list that falls back from one to the next.
#pragma once

#include <string_view>
#include <vector>

#include "plugins/speech/providers/tts/tts_provider.h"

namespace dragoman {

/// The provider named `name`, or null: not in the table.
std::unique_ptr<TtsProvider> make_tts_provider(std::string_view name);

/// All names in the table, separated by ", ".
std::string tts_provider_names();

/// A provider that failed twice on one request, and the one that took over (empty: none).
struct TtsFailure {
  std::string provider, error, next;
};

/// Providers, best first. One that fails is tried once more, then the next takes over. Not
/// thread-safe: one thread at a time.
class TtsProviderList {
 public:
  using OnFailure = std::function<void(const TtsFailure&)>;

  explicit TtsProviderList(std::vector<std::unique_ptr<TtsProvider>> providers)
      : providers_(std::move(providers)) {}

  /// As TtsProvider::synthesize(). A second try of the same provider goes on where the first broke
  /// off; another provider begins the text anew. `on_failure` is called on the caller's thread.
  /// kFailed: all of them failed, `error` is the last one's.
  SpeechResult synthesize(const SpeechRequest& request, const SpeechSink& sink,
                          std::stop_token stop, const OnFailure& on_failure);

  /// The provider at work, or the last that was; empty before any.
  const std::string& current_provider() const { return current_provider_; }

  const std::vector<std::unique_ptr<TtsProvider>>& providers() const { return providers_; }

 private:
  std::vector<std::unique_ptr<TtsProvider>> providers_;
  std::string current_provider_;
};

}  // namespace dragoman
