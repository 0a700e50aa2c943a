// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/burst_account.h"

#include <utility>

namespace dragoman {

double LossTally::loss_pct() const {
  return packets ? 100.0 * static_cast<double>(missing) / static_cast<double>(packets) : 0;
}

double LossTally::burst_ratio() const {
  if (missing == 0 || missing >= packets) return 1;
  // A stretch that began earlier and goes on has no beginning here.
  const double mean = static_cast<double>(missing) / static_cast<double>(runs ? runs : 1);
  return mean * static_cast<double>(packets - missing) / static_cast<double>(packets);
}

std::optional<double> BurstAccount::Stretch::density_pct() const {
  if (packets == 0) return std::nullopt;
  return 100.0 * static_cast<double>(missing) / static_cast<double>(packets);
}

void BurstAccount::merge(Stretch& into, const Stretch& from) {
  into.packets += from.packets;
  into.missing += from.missing;
}

void BurstAccount::played() {
  ++tally_.packets;
  ++played_run_;
}

void BurstAccount::missing(uint64_t count) {
  if (count == 0) return;
  if (played_run_ > 0 || tally_.missing == 0) ++tally_.runs;
  tally_.packets += count;
  tally_.missing += count;
  const uint64_t between = std::exchange(played_run_, 0);
  if (cluster_.missing > 0 && between < kGmin) {
    merge(cluster_, {between + count, count});
    return;
  }
  merge(is_burst(cluster_) ? bursts_ : gaps_, cluster_);
  gaps_.packets += between;
  cluster_ = {count, count};
}

std::optional<double> BurstAccount::burst_density_pct() const {
  Stretch all = bursts_;
  if (is_burst(cluster_)) merge(all, cluster_);
  return all.density_pct();
}

std::optional<double> BurstAccount::gap_density_pct() const {
  if (tally_.missing == tally_.packets) return std::nullopt;
  Stretch all = gaps_;
  all.packets += played_run_;
  if (!is_burst(cluster_)) merge(all, cluster_);
  return all.density_pct();
}

}  // namespace dragoman
