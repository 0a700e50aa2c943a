// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/payload.h"

#include <inttypes.h>
#include <stdlib.h>

#include <cstring>

extern "C" {
#include <spandsp/telephony.h>
//
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>
}

namespace dragoman {
namespace {

constexpr PayloadInfo kFormats[] = {
    {PayloadFormat::kSlin16, "slin16", "linear 16 bit, 16 kHz", 118, 118, kUnheard, "L16",
     "rtpL16depay", 96, 16000, 16000, 640},
    {PayloadFormat::kSlin, "slin", "linear 16 bit, 8 kHz", 10, 11, 11, "L16", "rtpL16depay", 96,
     8000, 8000, 320},
    {PayloadFormat::kUlaw, "ulaw", "G.711 mu-law", 0, 0, 0, "PCMU", "rtppcmudepay", 0, 8000, 8000,
     160},
    {PayloadFormat::kAlaw, "alaw", "G.711 A-law", 8, 8, 8, "PCMA", "rtppcmadepay", 8, 8000, 8000,
     160},
    // RFC 3551 section 4.5.2: G.722 samples at 16 kHz, its timestamps count 8 kHz.
    {PayloadFormat::kG722, "g722", "G.722, wideband", 9, 9, 9, "G722", "rtpg722depay", 9, 8000,
     16000, 160},
};

constexpr uint32_t kOutputRate = 16000;

GType register_formats(const char* name, bool only_sendable) {
  static GEnumValue values[2][std::size(kFormats) + 1];
  GEnumValue* value = values[only_sendable];
  for (const PayloadInfo& info : kFormats) {
    if (only_sendable && info.sent_type == kUnheard) continue;
    *value++ = {static_cast<int>(info.format), info.description, info.nick};
  }
  *value = {0, nullptr, nullptr};
  return g_enum_register_static(name, values[only_sendable]);
}

void free_decoder(g722_decode_state_t* state) { g722_decode_free(state); }
void free_encoder(g722_encode_state_t* state) { g722_encode_free(state); }

}  // namespace

std::span<const PayloadInfo> payload_formats() { return kFormats; }

const PayloadInfo& payload_info(PayloadFormat format) {
  return kFormats[static_cast<size_t>(format)];
}

GType payload_format_type() {
  static const GType type = register_formats("DragomanAriFormat", false);
  return type;
}

GType sendable_format_type() {
  static const GType type = register_formats("DragomanAriSendableFormat", true);
  return type;
}

std::unique_ptr<GstAudioConverter, Deleter<gst_audio_converter_free>> new_resampler(uint32_t from,
                                                                                    uint32_t to) {
  if (from == to) return nullptr;
  GstAudioInfo in, out;
  gst_audio_info_set_format(&in, GST_AUDIO_FORMAT_S16, static_cast<int>(from), 1, nullptr);
  gst_audio_info_set_format(&out, GST_AUDIO_FORMAT_S16, static_cast<int>(to), 1, nullptr);
  std::unique_ptr<GstAudioConverter, Deleter<gst_audio_converter_free>> converter(
      gst_audio_converter_new(GST_AUDIO_CONVERTER_FLAG_NONE, &in, &out, nullptr));
  // Until 20 ms in are 20 ms out: the filter is filled.
  const gsize latency = gst_audio_converter_get_max_latency(converter.get());
  for (gsize i = 0; i <= 2 * latency; ++i) {
    if (gst_audio_converter_get_out_frames(converter.get(), from / 50) >= to / 50) break;
    run_resampler(converter.get(), std::vector<int16_t>(1));
  }
  return converter;
}

std::vector<int16_t> run_resampler(GstAudioConverter* converter, std::vector<int16_t> samples) {
  if (!converter || samples.empty()) return samples;
  std::vector<int16_t> out(gst_audio_converter_get_out_frames(converter, samples.size()));
  gpointer in_plane = samples.data(), out_plane = out.data();
  gst_audio_converter_samples(converter, GST_AUDIO_CONVERTER_FLAG_NONE, &in_plane, samples.size(),
                              &out_plane, out.size());
  return out;
}

PayloadDecoder::PayloadDecoder(PayloadFormat format, ByteOrder order)
    : format_(format),
      order_(order),
      g722_(format == PayloadFormat::kG722 ? g722_decode_init(nullptr, 64000, 0) : nullptr,
            free_decoder),
      resampler_(new_resampler(payload_info(format).sample_rate, kOutputRate)) {}

std::vector<int16_t> PayloadDecoder::decode(std::span<const uint8_t> payload) {
  return run_resampler(resampler_.get(), expand(payload));
}

std::vector<int16_t> PayloadDecoder::expand(std::span<const uint8_t> payload) {
  std::vector<int16_t> samples;
  switch (format_) {
    case PayloadFormat::kSlin16:
    case PayloadFormat::kSlin:
      samples.resize(payload.size() / 2);
      memcpy(samples.data(), payload.data(), samples.size() * 2);
      for (int16_t& sample : samples) {
        const auto bits = static_cast<uint16_t>(sample);
        sample = static_cast<int16_t>(order_ == ByteOrder::kNetwork ? GUINT16_FROM_BE(bits)
                                                                    : GUINT16_FROM_LE(bits));
      }
      break;
    case PayloadFormat::kUlaw:
      for (const uint8_t code : payload) samples.push_back(ulaw_to_linear(code));
      break;
    case PayloadFormat::kAlaw:
      for (const uint8_t code : payload) samples.push_back(alaw_to_linear(code));
      break;
    case PayloadFormat::kG722:
      samples.resize(payload.size() * 2);
      samples.resize(static_cast<size_t>(g722_decode(g722_.get(), samples.data(), payload.data(),
                                                     static_cast<int>(payload.size()))));
      break;
  }
  return samples;
}

PayloadEncoder::PayloadEncoder(PayloadFormat format)
    : format_(format),
      g722_(format == PayloadFormat::kG722 ? g722_encode_init(nullptr, 64000, 0) : nullptr,
            free_encoder) {}

void PayloadEncoder::encode(std::span<const int16_t> samples, std::vector<uint8_t>& payload) {
  switch (format_) {
    case PayloadFormat::kSlin16:
    case PayloadFormat::kSlin:
      for (const int16_t sample : samples) {
        payload.push_back(static_cast<uint8_t>(static_cast<uint16_t>(sample) >> 8));
        payload.push_back(static_cast<uint8_t>(sample));
      }
      break;
    case PayloadFormat::kUlaw:
      for (const int16_t sample : samples) payload.push_back(linear_to_ulaw(sample));
      break;
    case PayloadFormat::kAlaw:
      for (const int16_t sample : samples) payload.push_back(linear_to_alaw(sample));
      break;
    case PayloadFormat::kG722: {
      const size_t before = payload.size();
      payload.resize(before + samples.size() / 2);
      g722_encode(g722_.get(), payload.data() + before, samples.data(),
                  static_cast<int>(samples.size()));
      break;
    }
  }
}

}  // namespace dragoman
