// SPDX-License-Identifier: LGPL-2.1-or-later
// How the loss of packets is spread: bursts and gaps (RFC 3611 section 4.7.2), and the burst ratio
// of the E-model (ITU-T G.107).
#pragma once

#include <cstdint>
#include <optional>

namespace dragoman {

/// Packets that were expected within some time, and what was missing of them.
struct LossTally {
  uint64_t packets = 0;  ///< expected
  uint64_t missing = 0;  ///< of them
  uint64_t runs = 0;     ///< stretches of successive missing ones that began in that time

  /// Percent missing; 0 where none was expected.
  double loss_pct() const;
  /// Mean length of a stretch of missing packets over the mean that random loss of the same
  /// probability p has, 1 / (1 - p): 1 for random loss, above it for bursty loss (G.107 section
  /// 7.5). 1 without loss or with nothing else.
  double burst_ratio() const;

  friend LossTally operator-(const LossTally& a, const LossTally& b) {
    return {a.packets - b.packets, a.missing - b.missing, a.runs - b.runs};
  }
};

/// Takes the fates of successive packets, in the order they were sent. A burst begins and ends with
/// a missing packet, has at least two of them and nowhere Gmin packets in a row that are not
/// missing; all else is gap. Packets before the first and after the last are taken to be a gap, as
/// the RFC says. The densities are counted, not estimated from transitions as in its appendix A.2.
/// Not thread-safe.
class BurstAccount {
 public:
  static constexpr uint64_t kGmin = 16;

  /// The next packet was played.
  void played();
  /// The next `count` packets were lost, or came too late to be played.
  void missing(uint64_t count = 1);

  /// All packets so far.
  const LossTally& tally() const { return tally_; }

  /// Percent missing of the packets within bursts; nothing as long as there was no burst.
  std::optional<double> burst_density_pct() const;
  /// Percent missing of the packets between bursts: 0 for a stream that loses nothing; nothing as
  /// long as no packet was played, or none is outside a burst.
  std::optional<double> gap_density_pct() const;

 private:
  struct Stretch {
    uint64_t packets = 0, missing = 0;
    std::optional<double> density_pct() const;
  };
  /// From the first missing packet to the last one, Gmin not reached in between.
  static bool is_burst(const Stretch& cluster) { return cluster.missing > 1; }
  static void merge(Stretch& into, const Stretch& from);

  LossTally tally_;
  Stretch bursts_, gaps_;  // closed ones
  Stretch cluster_;        // the one that may go on
  uint64_t played_run_ = 0;
};

}  // namespace dragoman
