// SPDX-License-Identifier: LGPL-2.1-or-later
// The gate ahead of the jitter buffer: lets in what the expected peer sends in the expected format,
// counts the rest, keeps the books, and mends sequence numbers and timestamps.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "plugins/ari/payload.h"
#include "plugins/ari/peer_filter.h"
#include "plugins/ari/rtp_account.h"
#include "plugins/ari/rtp_timeline.h"
#include "plugins/ari/stream_report.h"

namespace dragoman {

enum class Encapsulation { kRtp, kNone };

/// What one packet did to the books; counts are increments.
struct PacketReadings {
  double received = 0, lost = 0, duplicated = 0, reordered = 0;
  std::optional<double> jitter_ms;
};

/// Not thread-safe. Knows no GStreamer pads: bytes, sender and times in, a decision out.
class PacketGate {
 public:
  struct Settings {
    PayloadFormat format = PayloadFormat::kSlin16;
    Encapsulation encapsulation = Encapsulation::kRtp;
    int64_t latency_ns = 40'000'000;
  };
  struct Counters {
    uint64_t packets = 0;  ///< passed
    uint64_t payload_bytes = 0;
    uint64_t malformed = 0, foreign = 0, wrong_payload = 0;
    uint64_t stray = 0;  ///< far from the sequence, and not followed by a next one as yet
  };
  struct Decision {
    bool pass = false;
    std::string warning;       ///< to be told to the user, if not empty
    std::string started_by;    ///< "host:port" of a peer whose first packet this is
    uint8_t payload_type = 0;  ///< as it came
  };

  explicit PacketGate(const Settings& settings);

  /// Judges `datagram`, and rewrites its RTP header if it passes. `arrival_ns`: monotonic;
  /// `received_ns`: when the kernel got it, on any clock.
  Decision judge(std::span<uint8_t> datagram, GInetSocketAddress* sender, int64_t arrival_ns,
                 int64_t received_ns);

  PeerFilter& peers() { return peers_; }
  const PeerFilter& peers() const { return peers_; }
  Encapsulation encapsulation() const { return encapsulation_; }
  const Counters& counters() const { return counters_; }
  const RtpAccount& account() const { return account_; }
  const RtpTimeline& timeline() const { return timeline_; }
  /// Of RTP alone: what is known once a second. Wants to hear of the jitter buffer's far end.
  StreamReport& report() { return report_; }
  const StreamReport& report() const { return report_; }
  /// Readings of the packets since the last call.
  std::vector<PacketReadings> take_readings();

 private:
  static constexpr size_t kMostReadings = 500;
  static constexpr size_t kLongestPacketMs = 200;

  enum class Finding { kGood, kMalformed, kWrongPayload, kRefused };
  Finding examine_rtp(std::span<uint8_t> datagram, int64_t arrival_ns, int64_t received_ns,
                      Decision& decision);
  bool well_sized(size_t payload_bytes) const;
  RtpAccount::Verdict keep_books(const RtpHeader& header, int64_t received_ns);
  std::string wrong_payload_text(uint8_t type) const;

  const PayloadInfo& info_;
  const Encapsulation encapsulation_;
  PeerFilter peers_;
  RtpAccount account_;
  RtpTimeline timeline_;
  StreamReport report_;
  Throttle throttle_;
  std::set<uint8_t> warned_types_;
  Counters counters_;
  std::vector<PacketReadings> readings_;
  PacketReadings told_;  // totals that are in readings already
};

}  // namespace dragoman
