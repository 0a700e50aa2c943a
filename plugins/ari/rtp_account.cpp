// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/rtp_account.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

double RtpAccount::loss_pct() const {
  return expected() ? 100.0 * static_cast<double>(lost()) / static_cast<double>(expected()) : 0;
}

RtpAccount::Verdict RtpAccount::update(const RtpHeader& header, int64_t arrival_ns,
                                       uint32_t clock_rate) {
  Verdict verdict = Verdict::kFirst;
  if (!open_ || header.ssrc != ssrc_) {
    open_page(header);
  } else {
    verdict = place(header);
  }
  switch (verdict) {
    case Verdict::kSuspect:
      return verdict;
    case Verdict::kRestarted:
      open_page(header);
      --first_;  // the suspect before this one was the page's first packet
      ++received_;
      break;
    case Verdict::kDuplicate:
      ++duplicated_;
      break;
    case Verdict::kReordered:
      ++reordered_;
      break;
    default:
      break;
  }
  ++received_;
  suspect_next_.reset();
  measure_jitter(header, arrival_ns, clock_rate);
  return verdict;
}

void RtpAccount::open_page(const RtpHeader& header) {
  closed_expected_ += page_expected();
  open_ = true;
  ++pages_;
  ssrc_ = header.ssrc;
  // One cycle above zero, so that the extended number of an earlier packet never goes below it.
  first_ = highest_ = 0x10000u + header.sequence;
  seen_.fill(0);
  mark(highest_);
  suspect_next_.reset();
  timed_ = false;
  jitter_ms_.reset();
  jitter_max_ms_ = 0;
}

RtpAccount::Verdict RtpAccount::place(const RtpHeader& header) {
  const auto ahead = static_cast<uint16_t>(header.sequence - static_cast<uint16_t>(highest_));
  if (ahead != 0 && ahead < kMaxDropout) {
    highest_ += ahead;
    mark(highest_);
    return Verdict::kInOrder;
  }
  const auto behind = static_cast<uint16_t>(-ahead);
  if (behind <= kMaxMisorder) return place_late(highest_ - behind);
  if (suspect_next_ == header.sequence) return Verdict::kRestarted;
  suspect_next_ = static_cast<uint16_t>(header.sequence + 1);
  return Verdict::kSuspect;
}

RtpAccount::Verdict RtpAccount::place_late(uint64_t sequence) {
  if (seen_[sequence % seen_.size()] == sequence) return Verdict::kDuplicate;
  mark(sequence);
  // What was sent before the first packet we saw is one more that was to be expected.
  first_ = std::min(first_, sequence);
  return Verdict::kReordered;
}

void RtpAccount::measure_jitter(const RtpHeader& header, int64_t arrival_ns, uint32_t clock_rate) {
  if (timed_) {
    const double sent_ms =
        static_cast<int32_t>(header.timestamp - last_timestamp_) * 1000.0 / clock_rate;
    const double came_ms = static_cast<double>(arrival_ns - last_arrival_ns_) / 1e6;
    const double before = jitter_ms_.value_or(0);
    jitter_ms_ = before + (std::abs(came_ms - sent_ms) - before) / 16;
    jitter_max_ms_ = std::max(jitter_max_ms_, *jitter_ms_);
  }
  timed_ = true;
  last_arrival_ns_ = arrival_ns;
  last_timestamp_ = header.timestamp;
}

}  // namespace dragoman
