// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/segment_queue.h"

#include <algorithm>

#include "plugins/station/sample_clock.h"

namespace dragoman {
namespace {

size_t bytes_of(std::chrono::milliseconds time, const GstAudioInfo& format) {
  return static_cast<size_t>(time.count()) * static_cast<size_t>(format.rate) / 1000 *
         static_cast<size_t>(format.bpf);
}

}  // namespace

void SegmentQueue::set_format(const GstAudioInfo& format) {
  const size_t bytes = bytes_of(capacity_, format);
  std::lock_guard lock(lock_);
  if (bytes > ring_.size()) {
    std::vector<std::byte> larger(bytes);
    for (size_t i = 0; i < queued_; ++i) larger[i] = ring_[(head_ + i) % ring_.size()];
    ring_ = std::move(larger);
    head_ = 0;
  }
  format_ = format;
  batch_ = std::min(bytes_of(kBatch, format), bytes / 4);
  push_control({.kind = SegmentItem::Kind::kFormat, .format = format});
}

size_t SegmentQueue::room() const {
  const size_t limit = bytes_of(capacity_, format_);
  if (records_.size() >= kMaxRecords || queued_ >= limit) return 0;
  const auto frame = static_cast<size_t>(format_.bpf);
  return frame ? (limit - queued_) / frame * frame : 0;
}

size_t SegmentQueue::push(const SegmentPlace& place, std::span<const std::byte> audio) {
  std::lock_guard lock(lock_);
  const size_t bytes = std::min(audio.size(), room());
  if (!bytes) return 0;
  const bool follows = !records_.empty() && records_.back().kind == SegmentItem::Kind::kAudio &&
                       records_.back().place.bucket_utc == place.bucket_utc && !place.hole;
  if (!follows) {
    // A new bucket completes the file before it: that is worth waking up for.
    urgent_ = urgent_ || place.bucket_utc != last_bucket_;
    last_bucket_ = place.bucket_utc;
    records_.push_back({.kind = SegmentItem::Kind::kAudio, .place = place});
  }
  records_.back().bytes += bytes;
  const size_t tail = (head_ + queued_) % ring_.size();
  const size_t first = std::min(bytes, ring_.size() - tail);
  std::copy_n(audio.begin(), first, ring_.begin() + static_cast<ptrdiff_t>(tail));
  std::copy_n(audio.begin() + static_cast<ptrdiff_t>(first), bytes - first, ring_.begin());
  queued_ += bytes;
  wake_if_worth();
  return bytes / static_cast<size_t>(format_.bpf);
}

void SegmentQueue::push_control(Record record) {
  urgent_ = true;
  if (!records_.empty() && records_.back().kind == record.kind) {
    records_.back() = record;  // the later one of a kind says it all
  } else {
    records_.push_back(record);
  }
  wake_if_worth();
}

void SegmentQueue::push_time(uint64_t position_utc) {
  std::lock_guard lock(lock_);
  push_control({.kind = SegmentItem::Kind::kTime, .place = {.position_utc = position_utc}});
}

void SegmentQueue::push_end() {
  std::lock_guard lock(lock_);
  push_control({.kind = SegmentItem::Kind::kEnd});
}

void SegmentQueue::wake_if_worth() {
  if (urgent_ || queued_ >= batch_) changed_.notify_one();
}

template <typename Condition>
bool SegmentQueue::wait(std::chrono::milliseconds timeout, Condition condition) {
  std::unique_lock lock(lock_);
  urgent_ = true;
  changed_.notify_one();
  taken_.wait_for(lock, timeout, [&] { return interrupted_ || condition(); });
  return condition();
}

double SegmentQueue::depth_ms() {
  std::lock_guard lock(lock_);
  const double second = static_cast<double>(format_.bpf) * format_.rate;
  return second > 0 ? 1000 * static_cast<double>(queued_) / second : 0;
}

bool SegmentQueue::wait_for_room(std::chrono::milliseconds timeout) {
  // Half of it, so that a producer faster than real time does not wait for every piece.
  return wait(timeout,
              [&] { return records_.empty() || room() >= bytes_of(capacity_, format_) / 2; });
}

bool SegmentQueue::wait_until_done(std::chrono::milliseconds timeout) {
  return wait(timeout, [&] { return records_.empty() && !working_; });
}

void SegmentQueue::interrupt(bool interrupted) {
  std::lock_guard lock(lock_);
  interrupted_ = interrupted;
  taken_.notify_all();
}

void SegmentQueue::close() {
  std::lock_guard lock(lock_);
  closed_ = true;
  changed_.notify_one();
}

bool SegmentQueue::pop(SegmentItem& item) {
  std::unique_lock lock(lock_);
  working_ = false;
  if (records_.empty()) urgent_ = false;
  taken_.notify_all();
  // Once awake, everything is taken before waiting again: urgent_ stays until then.
  changed_.wait(lock,
                [&] { return closed_ || (!records_.empty() && (urgent_ || queued_ >= batch_)); });
  if (records_.empty()) return false;
  urgent_ = true;
  working_ = true;

  Record& front = records_.front();
  item.kind = front.kind;
  item.place = front.place;
  item.format = front.kind == SegmentItem::Kind::kFormat ? front.format : popped_format_;
  item.audio = {};
  if (front.kind == SegmentItem::Kind::kAudio) {
    take_audio(item);
  } else {
    if (front.kind == SegmentItem::Kind::kFormat) popped_format_ = front.format;
    records_.pop_front();
  }
  return true;
}

void SegmentQueue::take_audio(SegmentItem& item) {
  Record& front = records_.front();
  const auto frame = static_cast<size_t>(popped_format_.bpf);
  const size_t bytes = std::min(front.bytes, kMaxPieceBytes / frame * frame);
  const size_t first = std::min(bytes, ring_.size() - head_);
  std::copy_n(ring_.begin() + static_cast<ptrdiff_t>(head_), first, piece_.begin());
  std::copy_n(ring_.begin(), bytes - first, piece_.begin() + static_cast<ptrdiff_t>(first));
  head_ = (head_ + bytes) % ring_.size();
  queued_ -= bytes;
  item.audio = std::span(piece_).first(bytes);

  front.bytes -= bytes;
  if (front.bytes == 0) {
    records_.pop_front();
    return;
  }
  // What is left of the record follows what was taken.
  const uint64_t taken = frames_to_ns(bytes / frame, popped_format_.rate);
  front.place.position_utc += taken;
  front.place.hole = 0;
  if (front.place.at.running_time != UINT64_MAX) front.place.at.running_time += taken;
  if (front.place.at.timestamp != UINT64_MAX) front.place.at.timestamp += taken;
  if (front.place.at.stream_time != UINT64_MAX) front.place.at.stream_time += taken;
}

}  // namespace dragoman
