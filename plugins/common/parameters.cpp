// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/common/parameters.h"

#include <algorithm>
#include <iterator>

namespace dragoman {
namespace {

using enum ParameterGroup;
using enum ParameterKind;
using enum ParameterMean;

constexpr double kNone = std::numeric_limits<double>::infinity();

constexpr Limits between(Range normal, Range warning, Range critical) {
  return {normal, warning, critical};
}
constexpr Limits at_most(double normal, double warning, double critical) {
  return {{-kNone, normal}, {-kNone, warning}, {-kNone, critical}};
}
constexpr Limits at_least(double normal, double warning, double critical) {
  return {{normal, kNone}, {warning, kNone}, {critical, kNone}};
}
constexpr Limits normally(double low, double high) { return {{low, high}, {}, {}}; }

constexpr Parameter kParameters[] = {
    {1, "audio_level_dbfs", "dBFS", "RMS level; a full-scale square wave is 0, silence -100",
     kLevel, kSampled, kPower, between({-30, -10}, {-50, -6}, {-kNone, -3})},
    {2, "peak_dbfs", "dBFS", "sample peak", kLevel, kSampled, kGreatest, at_most(-3, -1, 0)},
    {3, "true_peak_dbtp", "dBTP", "oversampled peak, ITU-R BS.1770-4 annex 2", kLevel, kSampled,
     kGreatest, at_most(-1, 0, 3)},
    {4, "crest_factor_db", "dB", "peak over RMS", kLevel, kSampled, kArithmetic, normally(6, 24)},
    {5, "dc_offset", "of full scale", "mean of the samples", kLevel, kSampled, kArithmetic,
     between({-0.005, 0.005}, {-0.02, 0.02}, {-0.1, 0.1})},
    {6, "noise_floor_dbfs", "dBFS", "level of the frames without speech, minimum statistics",
     kLevel, kSampled, kArithmetic, at_most(-50, -40, -30)},
    {7, "snr_db", "dB", "active speech level over noise floor", kLevel, kSampled, kArithmetic,
     between({20, 40}, {15, kNone}, {6, kNone})},
    {8, "active_speech_level_dbfs", "dBFS", "ITU-T P.56 method B", kLevel, kSampled, kArithmetic,
     between({-30, -16}, {-38, -10}, {-50, -4})},
    {9, "loudness_momentary_lufs", "LUFS", "ITU-R BS.1770-4 over 400 ms", kLevel, kSampled, kPower,
     normally(-35, -12)},
    {10, "loudness_short_term_lufs", "LUFS", "EBU R128 over 3 s", kLevel, kSampled, kPower,
     normally(-35, -12)},
    {11, "loudness_integrated_lufs", "LUFS", "EBU R128, gated, since the trace began", kLevel,
     kSampled, kArithmetic, normally(-32, -14)},
    {12, "clipping_ratio", "0-1", "samples in runs of 3 or more at full scale", kLevel, kSampled,
     kArithmetic, at_most(0, 0.001, 0.01)},
    {13, "silence_ratio", "0-1", "20 ms frames under -60 dBFS", kLevel, kSampled, kArithmetic,
     at_most(0.8, 0.98, kNone)},
    {14, "dynamic_range_db", "dB", "95th less 10th percentile of frame levels", kLevel, kSampled,
     kArithmetic, normally(15, 60)},
    {15, "voice_activity_ratio", "0-1", "20 ms frames that are speech", kVoice, kSampled,
     kArithmetic, normally(0.4, 0.8)},
    {16, "talk_spurt_count", "count", "starts of speech", kVoice, kCounted, kArithmetic,
     normally(0, 10)},
    {17, "talk_spurt_mean_ms", "ms", "length of speech between pauses", kVoice, kSampled,
     kArithmetic, normally(300, 5000)},
    {18, "pause_mean_ms", "ms", "pause between talk spurts", kVoice, kSampled, kArithmetic,
     normally(200, 5000)},
    {19, "pitch_hz", "Hz", "fundamental frequency of voiced frames", kVoice, kSampled, kMedian,
     normally(75, 300)},
    {20, "voiced_ratio", "0-1", "voiced among speech frames", kVoice, kSampled, kArithmetic,
     normally(0.4, 0.9)},
    {21, "double_talk_ratio", "0-1", "20 ms frames in which both parties speak", kVoice, kSampled,
     kArithmetic, at_most(0.2, 0.5, kNone)},
    {22, "spectral_centroid_hz", "Hz", "mean frequency of the spectrum", kSpectrum, kSampled,
     kArithmetic, normally(300, 2500)},
    {23, "spectral_rolloff_hz", "Hz", "frequency under which 85 % of the energy lies", kSpectrum,
     kSampled, kArithmetic, normally(500, 4000)},
    {24, "spectral_bandwidth_hz", "Hz", "standard deviation of the spectrum around its centroid",
     kSpectrum, kSampled, kArithmetic, normally(200, 2500)},
    {25, "spectral_flatness", "0-1", "geometric over arithmetic mean of the power spectrum",
     kSpectrum, kSampled, kArithmetic, normally(0, 0.4)},
    {26, "spectral_flux", "0-1", "change of the normalised spectrum from frame to frame", kSpectrum,
     kSampled},
    {27, "spectral_tilt_db_per_octave", "dB/oct", "slope of the spectrum", kSpectrum, kSampled,
     kArithmetic, normally(-15, 0)},
    {28, "band_low_dbfs", "dBFS", "level under 300 Hz", kSpectrum, kSampled, kPower},
    {29, "band_voice_dbfs", "dBFS", "level from 300 to 3400 Hz", kSpectrum, kSampled, kPower,
     normally(-35, -10)},
    {30, "band_high_dbfs", "dBFS", "level over 3400 Hz", kSpectrum, kSampled, kPower},
    {31, "hum_db", "dB", "50 or 60 Hz and harmonics over their neighbours", kSpectrum, kSampled,
     kArithmetic, at_most(6, 12, 24)},
    {32, "zero_crossing_rate", "1/s", "changes of sign", kSpectrum, kSampled, kArithmetic,
     normally(500, 6000)},
    {33, "packets_received", "count", "RTP packets accepted", kNetwork, kCounted},
    {34, "packets_lost", "count", "RTP packets missing by sequence number", kNetwork, kCounted,
     kArithmetic, at_most(2, 8, 50)},
    {35, "packet_loss_pct", "%",
     "lost of the RTP packets that the bucket's sequence numbers promise", kNetwork, kSampled,
     kArithmetic, at_most(1, 3, 10)},
    {36, "packets_late", "count", "RTP packets that came after their play-out time", kNetwork,
     kCounted, kArithmetic, at_most(2, 8, 50)},
    {37, "packets_duplicated", "count", "RTP packets received more than once", kNetwork, kCounted,
     kArithmetic, at_most(0, 10, kNone)},
    {38, "packets_reordered", "count", "RTP packets that came after a later one", kNetwork,
     kCounted, kArithmetic, at_most(0, 10, kNone)},
    {39, "jitter_ms", "ms", "interarrival jitter, RFC 3550 section 6.4.1", kNetwork, kSampled,
     kArithmetic, at_most(30, 40, 80)},
    {40, "jitter_max_ms", "ms", "greatest interarrival jitter", kNetwork, kSampled, kGreatest,
     at_most(40, 60, 120)},
    {41, "interarrival_max_ms", "ms", "longest wait between two packets", kNetwork, kSampled,
     kGreatest, at_most(60, 120, 500)},
    {42, "burst_density_pct", "%",
     "loss within bursts since the stream began, RFC 3611 section 4.7.2", kNetwork, kSampled},
    {43, "gap_density_pct", "%",
     "loss between bursts since the stream began, RFC 3611 section 4.7.2", kNetwork, kSampled},
    {44, "bitrate_kbps", "kbit/s", "RTP payload", kNetwork, kSampled},
    {45, "clock_skew_ppm", "ppm", "the sender's clock against ours", kNetwork, kSampled,
     kArithmetic, between({-100, 100}, {-300, 300}, {-1000, 1000})},
    {46, "r_factor", "0-100", "transmission rating, ITU-T G.107", kNetwork, kSampled, kArithmetic,
     at_least(80, 70, 50)},
    {47, "mos", "1-4.5", "conversational quality, ITU-T G.107 annex B", kNetwork, kSampled,
     kArithmetic, at_least(4, 3.6, 2.6)},
    {48, "buffer_usage_pct", "%", "fill of the jitter buffer", kBuffers, kSampled, kArithmetic,
     between({30, 70}, {5, 95}, {})},
    {49, "buffer_depth_ms", "ms", "audio in the jitter buffer", kBuffers, kSampled, kArithmetic,
     at_most(100, 200, 500)},
    {50, "buffer_underruns", "count", "times the jitter buffer had nothing to play", kBuffers,
     kCounted, kArithmetic, at_most(0, 3, 20)},
    {51, "buffer_overruns", "count", "times the jitter buffer was full", kBuffers, kCounted,
     kArithmetic, at_most(0, 3, 20)},
    {52, "concealed_ms", "ms", "audio made up for missing packets", kBuffers, kCounted, kArithmetic,
     at_most(50, 150, 500)},
    {53, "queue_depth_ms", "ms", "audio waiting further down", kBuffers, kSampled, kArithmetic,
     at_most(100, 500, 2000)},
    {54, "dropped_buffers", "count", "buffers of audio thrown away", kBuffers, kCounted,
     kArithmetic, at_most(0, 1, 20)},
    {55, "processing_latency_ms", "ms", "from a sample at PRE to the same one at POST", kProcessing,
     kSampled, kArithmetic, at_most(100, 150, 300)},
    {56, "processing_latency_p95_ms", "ms", "95th percentile of processing_latency_ms", kProcessing,
     kSampled, kArithmetic, at_most(100, 150, 300)},
    {57, "dsp_load_pct", "%", "CPU time between PRE and POST per second of audio", kProcessing,
     kSampled, kArithmetic, at_most(5, 20, 50)},
    {58, "pipeline_latency_ms", "ms", "answer of the pipeline's LATENCY query", kProcessing,
     kSampled, kArithmetic, at_most(150, 300, 1000)},
    {59, "cpu_pct", "%", "CPU time of the process, 100 is one core", kProcessing, kSampled,
     kArithmetic, at_most(100, 150, kNone)},
    {60, "memory_mb", "MB", "resident memory of the process", kProcessing, kSampled, kArithmetic,
     at_most(900, 1500, 3000)},
    {61, "agc_gain_db", "dB", "active speech level, POST less PRE", kEnhancement, kSampled,
     kArithmetic, between({-6, 18}, {-12, 24}, {})},
    {62, "noise_reduction_db", "dB", "noise floor, PRE less POST", kEnhancement, kSampled,
     kArithmetic, normally(0, 30)},
    {63, "echo_return_loss_db", "dB", "far end over its echo in PRE", kEnhancement, kSampled,
     kArithmetic, at_least(20, 10, 3)},
    {64, "echo_return_loss_enhancement_db", "dB", "echo in PRE over echo in POST", kEnhancement,
     kSampled, kArithmetic, normally(0, 60)},
    {65, "log_spectral_distance_db", "dB", "POST against PRE over speech frames", kEnhancement,
     kSampled, kArithmetic, at_most(6, 12, kNone)},
    {66, "stt_latency_ms", "ms", "end of speech to final transcript", kSpeechChain, kSampled,
     kArithmetic, at_most(800, 1500, 4000)},
    {67, "stt_confidence", "0-1", "of the transcript, where the engine gives one", kSpeechChain,
     kSampled, kArithmetic, at_least(0.8, 0.6, 0.3)},
    {68, "words_per_minute", "1/min", "words over time of speech, per committed clause",
     kSpeechChain, kSampled, kArithmetic, normally(80, 220)},
    {69, "translation_latency_ms", "ms", "transcript in to translation out", kSpeechChain, kSampled,
     kArithmetic, at_most(100, 500, 2000)},
    {70, "tts_first_audio_ms", "ms", "text in to first sample out", kSpeechChain, kSampled,
     kArithmetic, at_most(200, 500, 2000)},
    {71, "end_to_end_latency_ms", "ms", "end of speech to first translated sample sent",
     kSpeechChain, kSampled, kArithmetic, at_most(1200, 2000, 5000)},
    {72, "utterances", "count", "committed clauses", kSpeechChain, kCounted},
    {73, "provider_errors", "count", "failed requests to speech and translation engines",
     kSpeechChain, kCounted, kArithmetic, at_most(0, 0, 5)},
    {74, "provider_failovers", "count", "changes to the next engine of the list", kSpeechChain,
     kCounted, kArithmetic, at_most(0, 0, 3)},
    {75, "emotion_valence", "-1-1", "of the speaker's voice, where a provider is configured",
     kSpeechChain, kSampled},
};

constexpr bool numbered() {
  for (size_t i = 0; i < std::size(kParameters); ++i)
    if (kParameters[i].number != static_cast<int>(i) + 1) return false;
  return true;
}
static_assert(numbered());

}  // namespace

const char* name_of(ParameterGroup group) {
  constexpr const char* kNames[] = {"level",   "voice",      "spectrum",    "network",
                                    "buffers", "processing", "enhancement", "speech chain"};
  return kNames[static_cast<int>(group)];
}

std::span<const Parameter> parameters() { return kParameters; }

int digits_of(const Parameter& parameter) {
  const std::string_view unit = parameter.unit;
  if (unit == "of full scale") return 5;
  if (unit == "0-1") return 4;
  if (unit == "Hz" || unit == "1/s" || unit == "ms") return 1;
  return unit == "count" ? 0 : 2;
}

const Parameter* find_parameter(std::string_view key) {
  const auto found = std::ranges::find(kParameters, key, &Parameter::key);
  return found == std::end(kParameters) ? nullptr : found;
}

}  // namespace dragoman
