// SPDX-License-Identifier: LGPL-2.1-or-later
// What was heard, put together from packets.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "launcher/simulate/rtp_audio.h"
#include "launcher/simulate/rtp_phone.h"

namespace dragoman::simulate {

struct G722Decoder;

/// A track of 8 or 16 kHz audio. A packet follows the one before by its RTP timestamp; where that
/// and its arrival are more than 100 ms apart, or the sender is another, it goes where it arrived.
class HeardTrack {
 public:
  HeardTrack();
  ~HeardTrack();
  /// A packet that arrived `since_start` after the track's beginning. False if its payload type
  /// cannot be heard: only 0, 8, 9 and 11 can.
  bool add(const RtpPacket& packet, std::chrono::nanoseconds since_start);

  const HeardAudio& audio() const { return audio_; }
  /// The last packet was louder than −50 dBFS RMS.
  bool last_was_sound() const { return last_was_sound_; }

 private:
  bool decode(const RtpPacket& packet);
  void make_wideband();
  size_t place(const RtpPacket& packet, std::chrono::nanoseconds since_start) const;

  struct Anchor {
    uint32_t ssrc, timestamp;
    size_t at;  ///< sample of the track, at its rate
  };

  HeardAudio audio_;
  std::optional<Anchor> anchor_;
  std::unique_ptr<G722Decoder> g722_;  ///< once there is such audio
  std::vector<int16_t> decoded_;
  bool last_was_sound_ = false;
};

}  // namespace dragoman::simulate
