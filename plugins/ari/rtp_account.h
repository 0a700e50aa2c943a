// SPDX-License-Identifier: LGPL-2.1-or-later
// What RFC 3550 lets a receiver know of a sender from its packets alone: received, lost,
// reordered, duplicated, jitter (appendices A.1, A.3 and A.8).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "plugins/ari/rtp_packet.h"

namespace dragoman {

/// Books of one sender. Sequence numbers wrap; a new SSRC, or two packets in a row far from where
/// the sequence was (A.1), open a new page: the totals go on, the sequence and the jitter start
/// afresh. Not thread-safe.
class RtpAccount {
 public:
  enum class Verdict {
    kFirst,      ///< first packet of a sender, or of a new SSRC
    kInOrder,    ///< later than all before it, with or without a gap
    kReordered,  ///< fills a gap that was open
    kDuplicate,  ///< was here before
    kSuspect,    ///< far from the sequence; not counted until the next one follows it
    kRestarted,  ///< second in a row from far: the sender jumped; counts for both
  };

  /// Takes a packet that arrived at `arrival_ns` (any clock, ns) of a stream with `clock_rate` Hz.
  Verdict update(const RtpHeader& header, int64_t arrival_ns, uint32_t clock_rate);

  /// Packets accepted, duplicates among them, as tshark counts.
  uint64_t received() const { return received_; }
  /// Packets that the sequence numbers promise.
  uint64_t expected() const { return closed_expected_ + page_expected(); }
  /// Expected less received: falls when a late one comes after all, and by each duplicate (A.3).
  int64_t lost() const {
    return static_cast<int64_t>(expected()) - static_cast<int64_t>(received_);
  }
  /// Of the expected, in percent; 0 before the first packet.
  double loss_pct() const;
  uint64_t duplicated() const { return duplicated_; }
  uint64_t reordered() const { return reordered_; }
  /// Interarrival jitter of the current page, ms (section 6.4.1); nothing before its second packet.
  std::optional<double> jitter_ms() const { return jitter_ms_; }
  /// Its greatest value in the current page.
  double jitter_max_ms() const { return jitter_max_ms_; }
  /// The number without wraps of the packet that was accepted last as `sequence`: comparable within
  /// one page.
  uint64_t extended(uint16_t sequence) const {
    return highest_ - static_cast<uint16_t>(static_cast<uint16_t>(highest_) - sequence);
  }
  /// Pages opened: 1 for a sender that never restarted.
  uint64_t pages() const { return pages_; }
  uint32_t ssrc() const { return ssrc_; }

 private:
  static constexpr uint16_t kMaxDropout = 3000;  // A.1
  static constexpr uint16_t kMaxMisorder = 100;  // A.1

  uint64_t page_expected() const { return open_ ? highest_ - first_ + 1 : 0; }
  void open_page(const RtpHeader& header);
  Verdict place(const RtpHeader& header);
  Verdict place_late(uint64_t sequence);
  void mark(uint64_t sequence) { seen_[sequence % seen_.size()] = sequence; }
  void measure_jitter(const RtpHeader& header, int64_t arrival_ns, uint32_t clock_rate);

  bool open_ = false;
  uint32_t ssrc_ = 0;
  uint64_t first_ = 0, highest_ = 0;      // extended sequence numbers of the page
  std::optional<uint16_t> suspect_next_;  // what would prove a jump
  std::array<uint64_t, 128> seen_{};      // extended numbers, by their low bits

  uint64_t received_ = 0, duplicated_ = 0, reordered_ = 0, closed_expected_ = 0, pages_ = 0;
  bool timed_ = false;
  int64_t last_arrival_ns_ = 0;
  uint32_t last_timestamp_ = 0;
  std::optional<double> jitter_ms_;
  double jitter_max_ms_ = 0;
};

}  // namespace dragoman
