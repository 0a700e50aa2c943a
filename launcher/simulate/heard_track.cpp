// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/heard_track.h"

#include <algorithm>
#include <cstdlib>

extern "C" {
#include <inttypes.h>
#include <stdlib.h>
//
#include <spandsp/telephony.h>
//
#include <spandsp/bit_operations.h>
#include <spandsp/g711.h>
#include <spandsp/g722.h>
}

namespace dragoman::simulate {

struct G722Decoder {
  std::vector<int16_t> decode(std::span<const uint8_t> octets) {
    std::vector<int16_t> samples(octets.size() * 2);
    const int count =
        g722_decode(state.get(), samples.data(), octets.data(), static_cast<int>(octets.size()));
    samples.resize(static_cast<size_t>(std::max(count, 0)));
    return samples;
  }
  std::unique_ptr<g722_decode_state_t, decltype(&g722_decode_free)> state{
      g722_decode_init(nullptr, 64000, 0), g722_decode_free};
};

namespace {

constexpr int kMaxDriftMs = 100;
constexpr double kSoundRms = 32768 * 0.00316;  // −50 dBFS

bool is_sound(const std::vector<int16_t>& samples) {
  double sum = 0;
  for (const double sample : samples) sum += sample * sample;
  return sum > kSoundRms * kSoundRms * static_cast<double>(samples.size());
}

/// Twice the rate, by straight lines: what a phone hears needs no better.
std::vector<int16_t> doubled(const std::vector<int16_t>& samples) {
  std::vector<int16_t> result;
  result.reserve(samples.size() * 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    const int next = samples[std::min(i + 1, samples.size() - 1)];
    result.push_back(samples[i]);
    result.push_back(static_cast<int16_t>((samples[i] + next) / 2));
  }
  return result;
}

}  // namespace

HeardTrack::HeardTrack() = default;
HeardTrack::~HeardTrack() = default;

bool HeardTrack::add(const RtpPacket& packet, std::chrono::nanoseconds since_start) {
  if (!decode(packet)) return false;
  last_was_sound_ = is_sound(decoded_);
  const size_t at = place(packet, since_start);
  anchor_ = {packet.ssrc, packet.timestamp, at};
  if (audio_.samples.size() < at + decoded_.size()) audio_.samples.resize(at + decoded_.size());
  std::copy(decoded_.begin(), decoded_.end(),
            audio_.samples.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

/// Decodes into decoded_, at the track's rate.
bool HeardTrack::decode(const RtpPacket& packet) {
  decoded_.clear();
  switch (packet.payload_type) {
    case kRtpPayloadPcmu:
      for (const uint8_t octet : packet.payload) decoded_.push_back(ulaw_to_linear(octet));
      break;
    case kRtpPayloadPcma:
      for (const uint8_t octet : packet.payload) decoded_.push_back(alaw_to_linear(octet));
      break;
    case kRtpPayloadL16At8000:
      for (size_t i = 0; i + 1 < packet.payload.size(); i += 2) {
        decoded_.push_back(static_cast<int16_t>(packet.payload[i] << 8 | packet.payload[i + 1]));
      }
      break;
    case kRtpPayloadG722:
      if (audio_.sample_rate == 8000) make_wideband();
      if (!g722_) g722_ = std::make_unique<G722Decoder>();
      decoded_ = g722_->decode(packet.payload);
      return true;
    default:
      return false;
  }
  if (audio_.sample_rate == 16000) decoded_ = doubled(decoded_);
  return true;
}

void HeardTrack::make_wideband() {
  audio_.samples = doubled(audio_.samples);
  audio_.sample_rate = 16000;
  if (anchor_) anchor_->at *= 2;
}

size_t HeardTrack::place(const RtpPacket& packet, std::chrono::nanoseconds since_start) const {
  const int64_t rate = audio_.sample_rate;
  const int64_t arrived =
      std::chrono::duration_cast<std::chrono::microseconds>(since_start).count() * rate / 1'000'000;
  if (anchor_ && anchor_->ssrc == packet.ssrc) {
    // All four formats count 8000 a second, G.722 by a historical error (RFC 3551, 4.5.2).
    const auto step = static_cast<int32_t>(packet.timestamp - anchor_->timestamp);
    const int64_t at = static_cast<int64_t>(anchor_->at) + int64_t{step} * rate / 8000;
    if (at >= 0 && std::llabs(at - arrived) <= kMaxDriftMs * rate / 1000) {
      return static_cast<size_t>(at);
    }
  }
  return static_cast<size_t>(std::max<int64_t>(arrived, 0));
}

}  // namespace dragoman::simulate
