// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/parameters.h"

#include <algorithm>

namespace dragoman {
namespace {

using enum ParameterGroup;
using enum ParameterKind;

constexpr Parameter kParameters[] = {
    {1, "audio_level_dbfs", "dBFS", "RMS level; a full-scale square wave is 0, silence -100",
     kLevel, kSampled, ParameterMean::kPower},
    {2, "peak_dbfs", "dBFS", "sample peak", kLevel, kSampled},
    {4, "crest_factor_db", "dB", "peak over RMS", kLevel, kSampled},
    {5, "dc_offset", "of full scale", "mean of the samples", kLevel, kSampled},
    {12, "clipping_ratio", "0-1", "samples in runs of 3 or more at full scale", kLevel, kSampled},
    {13, "silence_ratio", "0-1", "20 ms frames under -60 dBFS", kLevel, kSampled},
    {33, "packets_received", "count", "RTP packets accepted", kNetwork, kCounted},
    {34, "packets_lost", "count", "RTP packets missing by sequence number", kNetwork, kCounted},
    {35, "packet_loss_pct", "%", "lost of expected RTP packets", kNetwork, kSampled},
    {36, "packets_late", "count", "RTP packets that came after their play-out time", kNetwork,
     kCounted},
    {37, "packets_duplicated", "count", "RTP packets received more than once", kNetwork, kCounted},
    {38, "packets_reordered", "count", "RTP packets that came after a later one", kNetwork,
     kCounted},
    {39, "jitter_ms", "ms", "interarrival jitter, RFC 3550 section 6.4.1", kNetwork, kSampled},
    {48, "buffer_usage_pct", "%", "fill of the jitter buffer", kBuffers, kSampled},
    {50, "buffer_underruns", "count", "times the jitter buffer had nothing to play", kBuffers,
     kCounted},
    {52, "concealed_ms", "ms", "audio made up for missing packets", kBuffers, kCounted},
    {66, "stt_latency_ms", "ms", "end of speech to final transcript", kSpeechChain, kSampled},
    {69, "translation_latency_ms", "ms", "transcript in to translation out", kSpeechChain,
     kSampled},
    {70, "tts_first_audio_ms", "ms", "text in to first sample out", kSpeechChain, kSampled},
    {71, "end_to_end_latency_ms", "ms", "end of speech to first translated sample sent",
     kSpeechChain, kSampled},
    {72, "utterances", "count", "committed clauses", kSpeechChain, kCounted},
};

}  // namespace

std::span<const Parameter> parameters() { return kParameters; }

const Parameter* find_parameter(std::string_view key) {
  const auto found = std::ranges::find(kParameters, key, &Parameter::key);
  return found == std::end(kParameters) ? nullptr : found;
}

}  // namespace dragoman
