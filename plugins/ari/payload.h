// SPDX-License-Identifier: LGPL-2.1-or-later
// The payload formats of Asterisk's external media, and their coders.
#pragma once

#include <gst/audio/audio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "plugins/common/handles.h"

typedef struct g722_encode_state_s g722_encode_state_t;
typedef struct g722_decode_state_s g722_decode_state_t;

namespace dragoman {

enum class PayloadFormat { kSlin16, kSlin, kUlaw, kAlaw, kG722 };

/// One format, with Asterisk's meaning of its payload types (10 and 11 are 8 kHz there).
struct PayloadInfo {
  PayloadFormat format;
  const char* nick;  ///< the property's value
  const char* description;
  uint8_t received_type;    ///< payload type that Asterisk sends
  uint8_t also_received;    ///< a second one with the same meaning, or the same
  uint8_t sent_type;        ///< payload type that Asterisk hears; kUnheard if there is none
  const char* encoding;     ///< RTP encoding name
  const char* depayloader;  ///< GStreamer element
  uint8_t internal_type;    ///< payload type under which that depayloader knows the format
  uint32_t clock_rate;      ///< of RTP timestamps, Hz
  uint32_t sample_rate;     ///< of the audio, Hz
  uint32_t bytes_per_20_ms;
};

inline constexpr uint8_t kUnheard = 255;

const PayloadInfo& payload_info(PayloadFormat format);
/// All formats, in the order of PayloadFormat.
std::span<const PayloadInfo> payload_formats();

/// A GEnum of the formats; `sendable`: only those Asterisk hears.
GType payload_format_type();
GType sendable_format_type();

/// How the 16 bit samples of the linear formats lie in a datagram.
enum class ByteOrder { kNetwork, kLittle };

/// Payload to mono 16 kHz samples. One per stream: G.722 and the resampler remember. Not
/// thread-safe.
class PayloadDecoder {
 public:
  PayloadDecoder(PayloadFormat format, ByteOrder order);
  std::vector<int16_t> decode(std::span<const uint8_t> payload);

 private:
  std::vector<int16_t> expand(std::span<const uint8_t> payload);

  const PayloadFormat format_;
  const ByteOrder order_;
  std::unique_ptr<g722_decode_state_t, void (*)(g722_decode_state_t*)> g722_;
  std::unique_ptr<GstAudioConverter, Deleter<gst_audio_converter_free>> resampler_;
};

/// Mono samples at the format's sample rate to payload, linear in network order. Not thread-safe.
class PayloadEncoder {
 public:
  explicit PayloadEncoder(PayloadFormat format);
  /// Appends the coded `samples` to `payload`.
  void encode(std::span<const int16_t> samples, std::vector<uint8_t>& payload);

 private:
  const PayloadFormat format_;
  std::unique_ptr<g722_encode_state_t, void (*)(g722_encode_state_t*)> g722_;
};

/// A converter of mono S16 from one rate to another whose delay was taken up by silence, so that
/// each whole packet in is a whole packet out; null if the rates are the same.
std::unique_ptr<GstAudioConverter, Deleter<gst_audio_converter_free>> new_resampler(uint32_t from,
                                                                                    uint32_t to);
/// Runs `samples` through `converter`.
std::vector<int16_t> run_resampler(GstAudioConverter* converter, std::vector<int16_t> samples);

}  // namespace dragoman
