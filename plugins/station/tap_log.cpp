// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/tap_log.h"

#include <algorithm>

#include "plugins/station/sample_clock.h"

namespace dragoman {
namespace {

constexpr uint64_t kJoinedNs = 1'000'000;  // rounding of times and of the decimated length

uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

void TapLog::unfollow() {
  std::lock_guard lock(lock_);
  followed_ = false;
  std::vector<float>().swap(audio_);
  std::vector<Passage>().swap(passages_);
  next_ = kept_ = passage_count_ = 0;
  thread_ = {};
  entered_ = elsewhere_ = load_cpu_ = load_audio_ = 0;
}

void TapLog::set_rate(int rate) {
  std::lock_guard lock(lock_);
  rate_ = rate;
  audio_.clear();
  next_ = kept_ = passage_count_ = decision_count_ = 0;
}

int TapLog::rate() const {
  std::lock_guard lock(lock_);
  return rate_;
}

void TapLog::clear() {
  std::lock_guard lock(lock_);
  kept_ = passage_count_ = decision_count_ = 0;
}

void TapLog::append(std::span<const float> samples, uint64_t end_utc) {
  std::lock_guard lock(lock_);
  if (audio_.empty()) audio_.resize(ns_to_frames(kHistoryNs, rate_));
  if (distance(end_utc - frames_to_ns(samples.size(), rate_), audio_end_) > kJoinedNs) kept_ = 0;
  if (samples.size() > audio_.size()) samples = samples.last(audio_.size());
  const size_t first = std::min(samples.size(), audio_.size() - next_);
  std::ranges::copy(samples.first(first), audio_.begin() + static_cast<ptrdiff_t>(next_));
  std::ranges::copy(samples.subspan(first), audio_.begin());
  next_ = (next_ + samples.size()) % audio_.size();
  kept_ = std::min(kept_ + samples.size(), audio_.size());
  audio_end_ = end_utc;
}

uint64_t TapLog::audio_end() const {
  std::lock_guard lock(lock_);
  return kept_ ? audio_end_ : 0;
}

bool TapLog::copy_audio(uint64_t begin_utc, std::span<float> to) const {
  std::lock_guard lock(lock_);
  if (!kept_ || begin_utc >= audio_end_) return false;
  const uint64_t back = ns_to_frames(audio_end_ - begin_utc, rate_);
  if (back > kept_ || back < to.size()) return false;
  const size_t at = (next_ + audio_.size() - static_cast<size_t>(back)) % audio_.size();
  const size_t first = std::min(to.size(), audio_.size() - at);
  std::copy_n(audio_.begin() + static_cast<ptrdiff_t>(at), first, to.begin());
  std::copy_n(audio_.begin(), to.size() - first, to.begin() + static_cast<ptrdiff_t>(first));
  return true;
}

void TapLog::passed(uint64_t begin_utc, uint64_t end_utc, uint64_t wall_ns) {
  std::lock_guard lock(lock_);
  if (passages_.empty()) passages_.resize(kPassages);
  if (passage_count_) {
    Passage& last = passages_[(passage_count_ - 1) % kPassages];
    const uint64_t gap = distance(begin_utc, last.end);
    const bool together = wall_ns == last.wall || end_utc - last.begin <= kShortPassageNs;
    if (end_utc > last.begin && together && gap < 1000) {
      const double share = static_cast<double>(end_utc - begin_utc) /
                           static_cast<double>(std::max<uint64_t>(1, end_utc - last.begin));
      last.wall += static_cast<uint64_t>(share * static_cast<double>(wall_ns - last.wall));
      last.end = end_utc;
      return;
    }
  }
  passages_[passage_count_++ % kPassages] = {begin_utc, end_utc, wall_ns};
}

/// Lock held. When the sample at `utc` passed; the answer holds until `until`.
std::optional<uint64_t> TapLog::wall_of(uint64_t utc, uint64_t end_utc, uint64_t& until) const {
  until = end_utc;
  const size_t oldest = passage_count_ > kPassages ? passage_count_ - kPassages : 0;
  for (size_t i = passage_count_; i > oldest; --i) {
    const Passage& passage = passages_[(i - 1) % kPassages];
    if (utc < passage.begin) {
      until = std::min(until, passage.begin);
      continue;
    }
    if (utc < passage.end) {
      until = std::min(until, passage.end);
      return passage.wall;
    }
    if (i < passage_count_) return std::nullopt;  // a hole
    const uint64_t length = passage.end - passage.begin;
    if (!length || utc - passage.end > kMaxAheadNs) return std::nullopt;
    const uint64_t ahead = (utc - passage.begin) / length * length;
    until = std::min(until, passage.begin + ahead + length);
    return passage.wall + ahead;
  }
  return std::nullopt;
}

std::optional<uint64_t> TapLog::passed_at(uint64_t begin_utc, uint64_t end_utc) const {
  std::lock_guard lock(lock_);
  if (!passage_count_) return std::nullopt;
  const uint64_t base = passages_[(passage_count_ - 1) % kPassages].wall;
  double sum = 0, weight = 0;  // of differences to `base`: a double holds those to the ns
  for (uint64_t at = begin_utc; at < end_utc;) {
    uint64_t until;
    if (const auto wall = wall_of(at, end_utc, until)) {
      const auto length = static_cast<double>(until - at);
      sum += length * static_cast<double>(static_cast<int64_t>(*wall - base));
      weight += length;
    }
    at = std::max(until, at + 1);
  }
  if (weight <= 0) return std::nullopt;
  return base + static_cast<uint64_t>(static_cast<int64_t>(sum / weight));
}

void TapLog::decided(uint64_t begin_utc, uint64_t end_utc, bool speech) {
  std::lock_guard lock(lock_);
  decisions_[decision_count_++ % kDecisions] = {begin_utc, end_utc, speech};
}

std::optional<bool> TapLog::speech_at(uint64_t utc) const {
  std::lock_guard lock(lock_);
  const size_t oldest = decision_count_ > kDecisions ? decision_count_ - kDecisions : 0;
  for (size_t i = decision_count_; i > oldest; --i) {
    const Decision& decision = decisions_[(i - 1) % kDecisions];
    if (utc >= decision.end) return std::nullopt;
    if (utc >= decision.begin) return decision.speech;
  }
  return std::nullopt;
}

uint64_t TapLog::decided_until() const {
  std::lock_guard lock(lock_);
  return decision_count_ ? decisions_[(decision_count_ - 1) % kDecisions].end : 0;
}

void TapLog::closed(const BucketVoice& bucket) {
  std::lock_guard lock(lock_);
  buckets_[bucket_count_++ % kBuckets] = bucket;
}

std::optional<BucketVoice> TapLog::bucket_like(const BucketVoice& other) const {
  std::lock_guard lock(lock_);
  const uint64_t length = other.end_utc - other.begin_utc;
  for (size_t i = 0; i < std::min(bucket_count_, kBuckets); ++i) {
    const BucketVoice& bucket = buckets_[i];
    const uint64_t begin = std::max(bucket.begin_utc, other.begin_utc);
    const uint64_t end = std::min(bucket.end_utc, other.end_utc);
    const uint64_t longer = std::max(length, bucket.end_utc - bucket.begin_utc);
    if (end > begin && (end - begin) * 5 >= longer * 4) return bucket;
  }
  return std::nullopt;
}

void TapLog::departed(uint64_t cpu_ns) {
  std::lock_guard lock(lock_);
  thread_ = std::this_thread::get_id();
  departed_ = cpu_ns;
  entered_ = elsewhere_ = 0;
}

void TapLog::returned(uint64_t cpu_ns, uint64_t duration_ns) {
  std::lock_guard lock(lock_);
  if (thread_ != std::this_thread::get_id()) return;
  thread_ = {};
  const uint64_t between = cpu_ns - departed_;
  load_cpu_ += between > elsewhere_ ? between - elsewhere_ : 0;
  load_audio_ += duration_ns;
}

void TapLog::partner_entered(uint64_t cpu_ns) {
  std::lock_guard lock(lock_);
  const bool same = thread_ == std::this_thread::get_id();
  entered_ = same ? cpu_ns : 0;
  (same ? same_thread_ : other_thread_) = true;
}

void TapLog::partner_left(uint64_t cpu_ns) {
  std::lock_guard lock(lock_);
  if (thread_ == std::this_thread::get_id() && entered_) elsewhere_ += cpu_ns - entered_;
}

std::optional<double> TapLog::take_load() {
  std::lock_guard lock(lock_);
  const bool known = same_thread_ && !other_thread_ && load_audio_;
  const double load =
      static_cast<double>(load_cpu_) / static_cast<double>(std::max<uint64_t>(1, load_audio_));
  load_cpu_ = load_audio_ = 0;
  same_thread_ = other_thread_ = false;
  return known ? std::optional(load) : std::nullopt;
}

}  // namespace dragoman
