// SPDX-License-Identifier: LGPL-2.1-or-later
// What every speech synthesis provider does. Knows no GStreamer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace dragoman {

/// What is to be said, and how.
struct SpeechRequest {
  std::string text;      ///< UTF-8
  std::string language;  ///< BCP 47 tag: "en", "es-MX"
  std::string voice;     ///< the provider's own name of a voice; empty: its best for `language`
  double rate = 1;       ///< speaking rate; 1 = the provider's normal one
};

/// Takes speech as it is made: mono PCM in chunks of any size, at `sample_rate` Hz (the same for
/// all chunks of a request). May block; false: no more is wanted.
using SpeechSink = std::function<bool(std::span<const int16_t> samples, unsigned sample_rate)>;

enum class SpeechStatus {
  kDone,       ///< all of the text was handed to the sink
  kCancelled,  ///< the sink or the stop token ended it
  kFailed,     ///< see `error`; the sink may have got a beginning
};

struct SpeechResult {
  SpeechStatus status = SpeechStatus::kDone;
  std::string error;  ///< what failed, and its cure where one is known
};

class TtsProvider {
 public:
  virtual ~TtsProvider() = default;
  virtual const char* name() const = 0;

  /// Why this provider cannot work on this machine, with the cure; nothing if it can. Quick.
  virtual std::optional<std::string> unusable() const = 0;

  /// Synthesises `request` on the caller's thread, which blocks until the end. `sink` is called on
  /// the same thread as soon as there is a first chunk. A stop request ends it within milliseconds.
  virtual SpeechResult synthesize(const SpeechRequest& request, const SpeechSink& sink,
                                  std::stop_token stop) = 0;
};

}  // namespace dragoman
