// SPDX-License-Identifier: LGPL-2.1-or-later
// The audio of one simulated telephone: real RTP to and from the launcher's port, paced as
// Asterisk's external media is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dragoman {

/// What a phone heard, from the moment its media began: silence where no packet came.
struct HeardAudio {
  int sample_rate = 8000;  ///< 16000 once wideband audio (G.722) came
  std::vector<int16_t> samples;
};

/// What a phone counted.
struct RtpPhoneCounters {
  uint64_t sent = 0;      ///< packets
  uint64_t received = 0;  ///< packets that are heard
  /// Packets that Asterisk would not let through: no RTP, from another address than the peer's, or
  /// of a payload type that it does not know on this channel (118, …).
  uint64_t refused = 0;
};

/// A socket on 127.0.0.1 and a thread. Functions may be called from any thread.
class RtpPhone {
 public:
  /// Binds a free port. Throws std::runtime_error.
  RtpPhone();
  ~RtpPhone();
  RtpPhone(const RtpPhone&) = delete;
  RtpPhone& operator=(const RtpPhone&) = delete;

  int port() const;

  /// Sends a packet every 20 ms from now on, silence until something is played, to `host`
  /// ("127.0.0.1:4000"), and hears what comes back from there. False if the host cannot be read or
  /// the format (find_rtp_format()) cannot be sent.
  bool start(const std::string& host, const std::string& format);
  /// Sends and hears nothing more; what was heard is kept.
  void stop();

  /// Says `samples` (16 kHz), after what is being said.
  void play(const std::vector<int16_t>& samples);
  /// All that was to be played has been sent.
  bool is_silent() const;

  /// Since when nothing louder than −50 dBFS was heard; since the start, if nothing was.
  std::chrono::steady_clock::duration heard_silence() const;
  bool has_heard_sound() const;
  HeardAudio heard() const;
  RtpPhoneCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dragoman
