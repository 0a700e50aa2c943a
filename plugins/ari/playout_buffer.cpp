// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/ari/playout_buffer.h"

#include <algorithm>
#include <cstdlib>

namespace dragoman {

void PlayoutBuffer::start(int64_t now_ns) {
  position_ns_ = now_ns;
  fresh_ = jumped_ = true;
  active_ = false;
  chunks_.clear();
  pending_ = 0;
  concealer_.reset();
}

bool PlayoutBuffer::put(int64_t time_ns, std::vector<int16_t> samples) {
  if (samples.empty()) return true;
  const int64_t off_ns = time_ns - (position_ns_ + depth_ns());
  const bool idle = !active_ && pending_ == 0;
  if (off_ns > tolerance_ns_ || (idle && off_ns > 0)) {
    const auto hole = static_cast<size_t>(off_ns / kSampleNs);
    append({.hole = std::min(idle ? hole : whole_packets(hole, samples.size()), kMostPending)});
  } else if (off_ns < -tolerance_ns_) {
    const auto overlap = static_cast<size_t>(-off_ns / kSampleNs);
    if (overlap >= samples.size()) {
      ++counters_.late;
      return false;
    }
    samples.erase(samples.begin(), samples.begin() + static_cast<ptrdiff_t>(overlap));
  }
  append({.samples = std::move(samples)});
  if (pending_ > kMostPending) shed();
  return true;
}

// What is missing between packets is packets: as long as the one after them, but for the jitter of
// its time.
size_t PlayoutBuffer::whole_packets(size_t hole, size_t packet) const {
  const size_t whole = (hole + packet / 2) / packet * packet;
  const size_t off = whole > hole ? whole - hole : hole - whole;
  return whole > 0 && static_cast<int64_t>(off) * kSampleNs <= tolerance_ns_ ? whole : hole;
}

void PlayoutBuffer::append(Chunk chunk) {
  if (chunk.left() == 0) return;
  pending_ += chunk.left();
  chunks_.push_back(std::move(chunk));
}

void PlayoutBuffer::shed() {
  ++counters_.overruns;
  while (pending_ > kMostPending / 2) {
    position_ns_ += static_cast<int64_t>(chunks_.front().left()) * kSampleNs;
    pending_ -= chunks_.front().left();
    chunks_.pop_front();
  }
  jumped_ = true;
}

bool PlayoutBuffer::ready() const {
  return pending_ >= kFrame || (!chunks_.empty() && chunks_.front().hole > 0);
}

PlayoutBuffer::Frame PlayoutBuffer::take(int64_t now_ns) {
  if (chunks_.empty() && now_ns - position_ns_ > kHopelessNs) {
    position_ns_ = now_ns;
    jumped_ = true;
  }
  Frame frame{.start_ns = position_ns_, .jumped = jumped_};
  fresh_ = jumped_ = false;
  if (!chunks_.empty() && chunks_.front().hole == 0) {
    take_audio(frame);
  } else if (!chunks_.empty()) {
    Chunk& hole = chunks_.front();
    const size_t samples = std::min(hole.hole, kFrame);
    take_hole(frame, samples);
    pending_ -= samples;
    hole.hole -= samples;
    if (hole.hole == 0) chunks_.pop_front();
  } else {
    if (active_ && !concealer_.concealing()) ++counters_.underruns;
    take_hole(frame, kFrame);
  }
  position_ns_ += static_cast<int64_t>(frame.samples.size()) * kSampleNs;
  return frame;
}

void PlayoutBuffer::take_audio(Frame& frame) {
  frame.samples.reserve(kFrame);
  while (!chunks_.empty() && chunks_.front().hole == 0 && frame.samples.size() < kFrame) {
    Chunk& chunk = chunks_.front();
    const size_t samples = std::min(chunk.left(), kFrame - frame.samples.size());
    const auto from = chunk.samples.begin() + static_cast<ptrdiff_t>(chunk.used);
    frame.samples.insert(frame.samples.end(), from, from + static_cast<ptrdiff_t>(samples));
    chunk.used += samples;
    pending_ -= samples;
    if (chunk.left() == 0) chunks_.pop_front();
  }
  concealer_.play(frame.samples);
  active_ = true;
}

void PlayoutBuffer::take_hole(Frame& frame, size_t samples) {
  frame.samples.resize(samples);
  const size_t audible = active_ ? concealer_.conceal(frame.samples) : 0;
  counters_.concealed_samples += audible;
  frame.silent = audible == 0;
  if (concealer_.exhausted()) active_ = false;
}

}  // namespace dragoman
