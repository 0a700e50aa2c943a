// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/tts/tts_providers.h"

#include <algorithm>

#include "plugins/speech/providers/tts/espeak_ng.h"

namespace dragoman {
namespace {

constexpr int kTries = 2;

struct Entry {
  const char* name;
  std::unique_ptr<TtsProvider> (*make)();
};

// A new provider is one file and one line here.
constexpr Entry kProviders[] = {
    {EspeakNg::kName, EspeakNg::make},
};

// Swallows the first `skip` samples: what an earlier try has delivered already.
class ResumingSink {
 public:
  explicit ResumingSink(const SpeechSink& sink) : sink_(sink) {}

  void restart() { skip_ = delivered_; }
  bool operator()(std::span<const int16_t> samples, unsigned sample_rate) {
    const size_t skipped = std::min(skip_, samples.size());
    skip_ -= skipped;
    samples = samples.subspan(skipped);
    if (samples.empty()) return true;
    delivered_ += samples.size();
    return sink_(samples, sample_rate);
  }

 private:
  const SpeechSink& sink_;
  size_t delivered_ = 0, skip_ = 0;
};

SpeechResult try_twice(TtsProvider& provider, const SpeechRequest& request, const SpeechSink& sink,
                       const std::stop_token& stop) {
  ResumingSink resuming(sink);
  SpeechResult result;
  for (int i = 0; i < kTries; ++i) {
    resuming.restart();
    result = provider.synthesize(request, std::ref(resuming), stop);
    if (result.status != SpeechStatus::kFailed) break;
  }
  return result;
}

}  // namespace

std::unique_ptr<TtsProvider> make_tts_provider(std::string_view name) {
  const auto found = std::ranges::find(
      kProviders, name, [](const Entry& entry) -> std::string_view { return entry.name; });
  return found == std::end(kProviders) ? nullptr : found->make();
}

std::string tts_provider_names() {
  std::string names;
  for (const Entry& entry : kProviders) {
    if (!names.empty()) names += ", ";
    names += entry.name;
  }
  return names;
}

SpeechResult TtsProviderList::synthesize(const SpeechRequest& request, const SpeechSink& sink,
                                         std::stop_token stop, const OnFailure& on_failure) {
  SpeechResult result{SpeechStatus::kFailed, "no provider of speech synthesis is configured"};
  for (size_t i = 0; i < providers_.size(); ++i) {
    current_provider_ = providers_[i]->name();
    result = try_twice(*providers_[i], request, sink, stop);
    if (result.status != SpeechStatus::kFailed) return result;
    on_failure({providers_[i]->name(), result.error,
                i + 1 < providers_.size() ? providers_[i + 1]->name() : ""});
  }
  return result;
}

}  // namespace dragoman
