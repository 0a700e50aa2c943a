// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/packet_gate.h"

#include <utility>

namespace dragoman {

PacketGate::PacketGate(const Settings& settings)
    : info_(payload_info(settings.format)),
      encapsulation_(settings.encapsulation),
      timeline_(info_.clock_rate, settings.latency_ns),
      report_(settings.format, settings.latency_ns) {}

PacketGate::Decision PacketGate::judge(std::span<uint8_t> datagram, GInetSocketAddress* sender,
                                       int64_t arrival_ns, int64_t received_ns) {
  Decision decision;
  if (!peers_.accepts(sender)) {
    ++counters_.foreign;
    const std::string from = address_text(sender);
    if (throttle_.allows(from, arrival_ns)) {
      decision.warning = "dropping packets from " + from + ", which is not the peer";
    }
    return decision;
  }
  Finding finding = well_sized(datagram.size()) ? Finding::kGood : Finding::kMalformed;
  if (encapsulation_ == Encapsulation::kRtp) {
    finding = examine_rtp(datagram, arrival_ns, received_ns, decision);
  } else if (finding == Finding::kGood) {
    counters_.payload_bytes += datagram.size();
  }
  switch (finding) {
    case Finding::kGood:
      ++counters_.packets;
      decision.pass = true;
      if (peers_.settle(sender)) decision.started_by = address_text(sender);
      break;
    case Finding::kMalformed:
      ++counters_.malformed;
      break;
    case Finding::kWrongPayload:
      ++counters_.wrong_payload;
      if (warned_types_.insert(decision.payload_type).second) {
        decision.warning = wrong_payload_text(decision.payload_type);
      }
      break;
    case Finding::kRefused:
      break;
  }
  return decision;
}

PacketGate::Finding PacketGate::examine_rtp(std::span<uint8_t> datagram, int64_t arrival_ns,
                                            int64_t received_ns, Decision& decision) {
  std::optional<RtpHeader> header = parse_rtp(datagram);
  if (!header) return Finding::kMalformed;
  decision.payload_type = header->payload_type;
  if (header->payload_type != info_.received_type && header->payload_type != info_.also_received) {
    return Finding::kWrongPayload;
  }
  if (!well_sized(header->payload_size)) return Finding::kMalformed;
  const RtpAccount::Verdict verdict = keep_books(*header, received_ns);
  if (verdict == RtpAccount::Verdict::kSuspect) ++counters_.stray;
  if (verdict == RtpAccount::Verdict::kRestarted) --counters_.stray;
  if (verdict == RtpAccount::Verdict::kSuspect || verdict == RtpAccount::Verdict::kDuplicate) {
    return Finding::kRefused;
  }
  counters_.payload_bytes += header->payload_size;
  timeline_.map(*header, verdict, arrival_ns);
  report_.enters_buffer(header->sequence);
  header->payload_type = info_.internal_type;
  header->ssrc = 0;  // for the jitter buffer it is one stream
  const uint8_t layout = datagram[0];
  write_rtp_header(*header, datagram.first<kRtpHeaderSize>());
  datagram[0] = layout;
  return Finding::kGood;
}

bool PacketGate::well_sized(size_t payload_bytes) const {
  const bool linear = info_.bytes_per_20_ms * 50 == info_.sample_rate * 2;
  return payload_bytes > 0 && payload_bytes <= info_.bytes_per_20_ms * kLongestPacketMs / 20 &&
         !(linear && payload_bytes % 2 != 0);
}

RtpAccount::Verdict PacketGate::keep_books(const RtpHeader& header, int64_t received_ns) {
  const RtpAccount::Verdict verdict = account_.update(header, received_ns, info_.clock_rate);
  if (verdict == RtpAccount::Verdict::kSuspect) return verdict;
  report_.arrived(header, verdict, account_, received_ns);
  if (readings_.size() >= kMostReadings) return verdict;
  const PacketReadings totals{.received = static_cast<double>(account_.received()),
                              .lost = static_cast<double>(account_.lost()),
                              .duplicated = static_cast<double>(account_.duplicated()),
                              .reordered = static_cast<double>(account_.reordered())};
  readings_.push_back({.received = totals.received - told_.received,
                       .lost = totals.lost - told_.lost,
                       .duplicated = totals.duplicated - told_.duplicated,
                       .reordered = totals.reordered - told_.reordered,
                       .jitter_ms = account_.jitter_ms()});
  told_ = totals;
  return verdict;
}

std::string PacketGate::wrong_payload_text(uint8_t type) const {
  return "dropping packets of payload type " + std::to_string(type) + ": format " + info_.nick +
         " is payload type " + std::to_string(info_.received_type) +
         "; set the property \"format\" to what the sender sends";
}

std::vector<PacketReadings> PacketGate::take_readings() { return std::exchange(readings_, {}); }

}  // namespace dragoman
