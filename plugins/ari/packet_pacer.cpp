// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/packet_pacer.h"

#include <algorithm>
#include <cstdlib>

namespace dragoman {

void PacketPacer::clear() {
  waiting_.clear();
  flowing_ = held_ = finished_ = false;
  watched_ = 0;
  least_ = SIZE_MAX;
}

PacketPacer::Packet PacketPacer::tick(Backlog backlog) {
  Packet packet{.samples = std::vector<int16_t>(packet_)};
  if (!may_flow()) return packet;
  if (backlog == Backlog::kWorkOff) work_off();
  const auto count = static_cast<ptrdiff_t>(std::min(packet_, waiting_.size()));
  std::copy_n(waiting_.begin(), count, packet.samples.begin());
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  packet.audio = true;
  return packet;
}

// Less than a packet is held for a tick as well: the rest of it may be on its way.
bool PacketPacer::may_flow() {
  if (waiting_.empty()) {
    flowing_ = held_ = false;
    return false;
  }
  const bool whole = waiting_.size() >= packet_;
  if (finished_ || held_ || (whole && (flowing_ || waiting_.size() >= 2 * packet_))) {
    flowing_ = whole;
    held_ = false;
    return true;
  }
  flowing_ = false;
  held_ = true;
  return false;
}

void PacketPacer::work_off() {
  least_ = std::min(least_, waiting_.size());
  if (++watched_ < kWatchTicks) return;
  if (least_ > kStandingPackets * packet_) {
    if (!quiet_next()) return;  // until it is
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(packet_));
  }
  watched_ = 0;
  least_ = SIZE_MAX;
}

bool PacketPacer::quiet_next() const {
  return std::all_of(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(packet_),
                     [](int16_t sample) { return std::abs(sample) < kQuiet; });
}

}  // namespace dragoman
