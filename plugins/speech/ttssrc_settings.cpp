// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/ttssrc_settings.h"

#include <algorithm>

namespace dragoman {
namespace {

constexpr double kMaxFactor = 10;  // a rate above it is in words per minute

constexpr auto kReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kPlaying = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                                   GST_PARAM_MUTABLE_PLAYING);

struct StringProperty {
  guint id;
  std::string TtsSettings::*member;
  const char *name, *nick, *blurb, *value;
  GParamFlags flags;
};

const StringProperty kStrings[] = {
    {1, &TtsSettings::channel, "channel", "Channel", "Name of the channel to listen on", nullptr,
     kReady},
    {2, &TtsSettings::language, "language", "Language",
     "Language to speak (BCP 47: \"en\", \"es\")", TtsSettings::kLanguage, kReady},
    {3, &TtsSettings::source_language, "source-language", "Source language",
     "Language that is said on the channel, if known: its translator is ready before the first "
     "clause",
     nullptr, kReady},
    {4, &TtsSettings::translate_providers, "translate-providers", "Translation providers",
     "Providers of translation, best first, separated by commas", TtsSettings::kTranslateProviders,
     kReady},
    {5, &TtsSettings::tts_providers, "tts-providers", "Speech providers",
     "Providers of speech synthesis, best first, separated by commas", TtsSettings::kTtsProviders,
     kReady},
    {6, &TtsSettings::memory, "memory", "Translation memory",
     "TMX file of the user's, asked before all providers", nullptr, kReady},
    {7, &TtsSettings::voice, "voice", "Voice",
     "The speech provider's name of a voice; unset: its best for the language", nullptr, kPlaying},
    {8, &TtsSettings::text, "text", "Text",
     "Text to speak once, in `language`; then EOS. Needs no channel", nullptr, kReady},
};

struct FlagProperty {
  guint id;
  bool TtsSettings::*member;
  const char *name, *nick, *blurb;
};

const FlagProperty kFlags[] = {
    {20, &TtsSettings::is_live, "is-live", "Is live",
     "Follow the clock; false (with text only): as fast as possible"},
    {21, &TtsSettings::post_messages, "post-messages", "Post messages",
     "Post `translation` and `spoken` messages"},
    {22, &TtsSettings::end_with_channel, "end-with-channel", "End with channel",
     "Go to EOS when the channel's publisher has ended and all was said"},
};

struct CountProperty {
  guint id;
  guint TtsSettings::*member;
  const char *name, *nick, *blurb;
  guint min, max;
};

const CountProperty kCounts[] = {
    {30, &TtsSettings::max_queue, "max-queue", "Maximum queue",
     "Speech that may wait before a warning is posted, in s (nothing is dropped)", 1, 3600},
    {31, &TtsSettings::latency, "latency", "Latency",
     "Time that downstream has to bring a buffer to the sink, in ms", 0, 1000},
};

struct NumberProperty {
  guint id;
  double TtsSettings::*member;
  const char *name, *nick, *blurb;
  double min, max;
};

const NumberProperty kNumbers[] = {
    {40, &TtsSettings::rate, "rate", "Rate",
     "Speaking rate: a factor on the normal one (up to 10), or words per minute (above 10; 175 is "
     "normal)",
     0.5, 450},
    {41, &TtsSettings::max_speedup, "max-speedup", "Maximum speed-up",
     "Highest factor on the rate while it catches up", 1, 2},
};

template <typename Table>
auto* find(const Table& table, guint id) {
  const auto found = std::ranges::find_if(table, [id](const auto& row) { return row.id == id; });
  return found == std::end(table) ? nullptr : &*found;
}

}  // namespace

double TtsSettings::rate_factor() const {
  return rate > kMaxFactor ? rate / EspeakNg::kNormalWordsPerMinute : rate;
}

void install_tts_properties(GObjectClass* klass) {
  const TtsSettings defaults;
  const auto install = [klass](guint id, GParamSpec* spec) {
    g_object_class_install_property(klass, id, spec);
  };
  for (const auto& p : kStrings) {
    install(p.id, g_param_spec_string(p.name, p.nick, p.blurb, p.value, p.flags));
  }
  for (const auto& p : kFlags) {
    install(p.id, g_param_spec_boolean(p.name, p.nick, p.blurb, defaults.*p.member, kReady));
  }
  for (const auto& p : kCounts) {
    install(p.id,
            g_param_spec_uint(p.name, p.nick, p.blurb, p.min, p.max, defaults.*p.member, kReady));
  }
  for (const auto& p : kNumbers) {
    install(p.id, g_param_spec_double(p.name, p.nick, p.blurb, p.min, p.max, defaults.*p.member,
                                      kPlaying));
  }
  install(
      kTtsPropStats,
      g_param_spec_boxed("stats", "Statistics",
                         "Counts since start, and the speech that waits, in ms", GST_TYPE_STRUCTURE,
                         static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

bool set_tts_property(TtsSettings& settings, guint id, const GValue* value) {
  if (const auto* p = find(kStrings, id)) {
    const char* text = g_value_get_string(value);
    settings.*p->member = text ? text : "";
  } else if (const auto* p = find(kFlags, id)) {
    settings.*p->member = g_value_get_boolean(value);
  } else if (const auto* p = find(kCounts, id)) {
    settings.*p->member = g_value_get_uint(value);
  } else if (const auto* p = find(kNumbers, id)) {
    settings.*p->member = g_value_get_double(value);
  } else {
    return false;
  }
  return true;
}

bool get_tts_property(const TtsSettings& settings, guint id, GValue* value) {
  if (const auto* p = find(kStrings, id)) {
    const std::string& text = settings.*p->member;
    g_value_set_string(value, text.empty() ? nullptr : text.c_str());
  } else if (const auto* p = find(kFlags, id)) {
    g_value_set_boolean(value, settings.*p->member);
  } else if (const auto* p = find(kCounts, id)) {
    g_value_set_uint(value, settings.*p->member);
  } else if (const auto* p = find(kNumbers, id)) {
    g_value_set_double(value, settings.*p->member);
  } else {
    return false;
  }
  return true;
}

}  // namespace dragoman
