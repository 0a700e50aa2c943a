// SPDX-License-Identifier: LGPL-2.1-or-later
// From audio that comes when it comes to audio without end: what is due is played, what is missing
// is made up, and where nothing comes there is silence.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "plugins/ari/concealer.h"

namespace dragoman {

/// Mono 16 kHz samples on a time axis (ns of running time). A frame leaves as soon as it is whole,
/// so that audio that comes in time is not delayed; at its deadline (its start and the latency)
/// it leaves with whatever there is. Not thread-safe.
class PlayoutBuffer {
 public:
  static constexpr int64_t kSampleNs = 1'000'000'000 / 16000;
  static constexpr size_t kFrame = 320;  ///< samples; 20 ms

  struct Frame {
    int64_t start_ns = 0;
    std::vector<int16_t> samples;
    bool silent = false;  ///< neither received nor made up
    bool jumped = false;  ///< does not follow the frame before it
  };

  struct Counters {
    uint64_t late = 0;               ///< packets that came after their play-out time
    uint64_t underruns = 0;          ///< times audio was due, and nothing had come
    uint64_t overruns = 0;           ///< times audio was thrown away, nobody taking it
    uint64_t concealed_samples = 0;  ///< made up, silence not counted
  };

  /// `latency_ns`: how long a frame is waited for. `tolerance_ns`: times that differ less from
  /// where the audio before ended are taken to follow it.
  PlayoutBuffer(int64_t latency_ns, int64_t tolerance_ns)
      : latency_ns_(latency_ns), tolerance_ns_(tolerance_ns) {}

  /// Empty, and playing from `now_ns`.
  void start(int64_t now_ns);

  /// Audio whose first sample belongs to `time_ns`; false if it came after its play-out time, all
  /// of it.
  bool put(int64_t time_ns, std::vector<int16_t> samples);

  /// Whether take() gives a frame before its deadline.
  bool ready() const;

  /// When the next frame must leave.
  int64_t deadline_ns() const { return fresh_ ? position_ns_ : position_ns_ + latency_ns_; }

  /// The next frame, up to 20 ms; call when ready() or at the deadline.
  Frame take(int64_t now_ns);

  /// Time that is left to wait for the next frame at `now_ns`; it shrinks with jitter.
  int64_t margin_ns(int64_t now_ns) const { return position_ns_ + latency_ns_ - now_ns; }
  /// Audio that waits to be taken.
  int64_t depth_ns() const { return static_cast<int64_t>(pending_) * kSampleNs; }
  /// Whether audio is played or made up, not mere silence.
  bool active() const { return active_; }
  const Counters& counters() const { return counters_; }

 private:
  struct Chunk {
    std::vector<int16_t> samples;
    size_t used = 0;
    size_t hole = 0;  // samples missing; then `samples` is empty
    size_t left() const { return hole ? hole : samples.size() - used; }
  };

  static constexpr size_t kMostPending = 16000;          // 1 s
  static constexpr int64_t kHopelessNs = 2'000'000'000;  // so far behind the clock, we jump

  size_t whole_packets(size_t hole, size_t packet) const;
  void append(Chunk chunk);
  void shed();
  void take_audio(Frame& frame);
  void take_hole(Frame& frame, size_t samples);

  const int64_t latency_ns_, tolerance_ns_;
  int64_t position_ns_ = 0;
  bool fresh_ = true;  // nothing was taken since start()
  bool active_ = false;
  bool jumped_ = true;
  std::deque<Chunk> chunks_;
  size_t pending_ = 0;  // samples in chunks_, holes among them
  Concealer concealer_;
  Counters counters_;
};

}  // namespace dragoman
