// SPDX-License-Identifier: LGPL-2.1-or-later
// espeak-ng as a program, one process a request. Its library is GPL-3: never linked, never loaded.
#pragma once

#include <chrono>

#include "plugins/speech/providers/tts/tts_provider.h"

namespace dragoman {

/// Speaks with `espeak-ng --stdout`. First chunk about 10 ms after the request; 22050 Hz.
class EspeakNg : public TtsProvider {
 public:
  static constexpr char kName[] = "espeak-ng";
  /// Words per minute at rate 1, espeak-ng's own default.
  static constexpr double kNormalWordsPerMinute = 175;
  /// A program that gives nothing for this long is hung.
  static constexpr std::chrono::milliseconds kTimeout{3000};

  /// `program`: a path, or a name to look up in PATH. `timeout`: longest wait for more output.
  explicit EspeakNg(std::string program, std::chrono::milliseconds timeout = kTimeout);

  /// With the program named in the environment's DRAGOMAN_ESPEAK_NG, else `espeak-ng`.
  static std::unique_ptr<TtsProvider> make();

  /// espeak-ng's voice for a BCP 47 tag or an ISO 639-3 code: "en" → "en-us", "es" → "es-419". A
  /// tag that is not in the table gives its primary tag.
  static std::string voice_for(std::string_view language);

  const char* name() const override { return kName; }
  std::optional<std::string> unusable() const override;
  SpeechResult synthesize(const SpeechRequest& request, const SpeechSink& sink,
                          std::stop_token stop) override;

 private:
  std::string program_;
  std::chrono::milliseconds timeout_;
};

}  // namespace dragoman
