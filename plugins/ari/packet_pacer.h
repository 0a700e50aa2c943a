// SPDX-License-Identifier: LGPL-2.1-or-later
// What leaves at each tick: audio while there is some, silence while there is none.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

namespace dragoman {

/// Cuts a stream that comes in any pieces into one packet a tick. Audio that begins after silence
/// is held for one tick, so that pieces that come a little unevenly do not tear. Not thread-safe.
class PacketPacer {
 public:
  enum class Backlog {
    kKeep,     ///< upstream waits for us: it is its own affair
    kWorkOff,  ///< upstream keeps time: what stands here is delay, and is left out in silence
  };
  struct Packet {
    std::vector<int16_t> samples;
    bool audio = false;  ///< some of it came from upstream
  };

  /// `packet`: samples of one.
  explicit PacketPacer(size_t packet) : packet_(packet) {}

  void put(std::span<const int16_t> samples) {
    waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  }
  size_t waiting() const { return waiting_.size(); }
  /// Whether as much waits as should: 100 ms of 20 ms packets.
  bool full() const { return waiting_.size() >= kMostPackets * packet_; }
  /// What is left leaves without waiting for more.
  void finish() { finished_ = true; }
  void clear();

  Packet tick(Backlog backlog);

 private:
  static constexpr size_t kMostPackets = 5;
  static constexpr int kWatchTicks = 50;         // of the least that waited
  static constexpr size_t kStandingPackets = 2;  // that much at the least is delay for nothing
  static constexpr int kQuiet = 64;              // full scale 32768

  bool may_flow();
  void work_off();
  bool quiet_next() const;

  const size_t packet_;
  std::deque<int16_t> waiting_;
  bool flowing_ = false, held_ = false, finished_ = false;
  int watched_ = 0;
  size_t least_ = SIZE_MAX;
};

}  // namespace dragoman
