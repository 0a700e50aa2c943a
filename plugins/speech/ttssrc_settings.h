// SPDX-License-Identifier: LGPL-2.1-or-later
// ttssrc's properties.
#pragma once

#include <gst/gst.h>

#include <string>

#include "plugins/speech/providers/tts/espeak_ng.h"

namespace dragoman {

struct TtsSettings {
  static constexpr const char* kLanguage = "en";
  static constexpr const char* kTranslateProviders = "memory,apertium";
  static constexpr const char* kTtsProviders = EspeakNg::kName;
  static constexpr double kRate = 1, kMaxSpeedup = 1.3;
  static constexpr guint kMaxQueue = 60, kLatency = 20;

  std::string channel, language = kLanguage, source_language;
  std::string translate_providers = kTranslateProviders, tts_providers = kTtsProviders;
  std::string memory, voice, text;
  double rate = kRate, max_speedup = kMaxSpeedup;
  guint max_queue = kMaxQueue;  // s
  guint latency = kLatency;     // ms
  bool is_live = true, post_messages = true, end_with_channel = false;

  /// `rate` as a factor on the normal speaking rate.
  double rate_factor() const;
};

/// The read-only property that the element answers itself.
inline constexpr guint kTtsPropStats = 100;

void install_tts_properties(GObjectClass* klass);

/// False: there is no such property in TtsSettings.
bool set_tts_property(TtsSettings& settings, guint id, const GValue* value);
bool get_tts_property(const TtsSettings& settings, guint id, GValue* value);

}  // namespace dragoman
