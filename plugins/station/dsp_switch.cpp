// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/dsp_switch.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace dragoman {

void DspSwitch::set_format(int rate, int channels) {
  rate_ = static_cast<gsize>(rate);
  bytes_ = sizeof(int16_t) * static_cast<gsize>(channels);
  reset();
}

void DspSwitch::reset() {
  heard_.reset();
  next_.reset();
  pending_ = 0;
}

void DspSwitch::event(GstEvent* event) {
  for (const auto& chain : {heard_, next_})
    if (chain) chain->near_event(gst_event_ref(event));
}

GstFlowReturn DspSwitch::process(GstBuffer* buffer, const DspSettings& wanted,
                                 std::vector<BufferPtr>& out) {
  BufferPtr owned(buffer);
  if (GST_BUFFER_IS_DISCONT(buffer)) {  // webrtcdsp lets go of what it holds
    pending_ = 0;
    next_.reset();
  }
  if (!heard_) {
    heard_ = make_(wanted);
    settings_ = wanted;
  } else if (!next_ && !(wanted == settings_)) {
    begin_change(wanted);
  }
  const gsize fed = frames_of(buffer);
  const GstFlowReturn flow = heard_->feed(gst_buffer_ref(buffer), out);
  gsize given = 0;
  for (const BufferPtr& frame : out) given += frames_of(frame.get());
  pending_ = (pending_ + fed - std::min(given, pending_ + fed)) % (rate_ / 100);
  if (flow != GST_FLOW_OK || !next_) return flow;
  return feed_next(buffer, out);
}

void DspSwitch::begin_change(const DspSettings& wanted) {
  next_ = make_(wanted);
  next_settings_ = wanted;
  skip_ = pending_ ? rate_ / 100 - pending_ : 0;
  settled_ = 0;
}

GstFlowReturn DspSwitch::feed_next(GstBuffer* buffer, std::vector<BufferPtr>& out) {
  const gsize size = frames_of(buffer), skipped = std::min(skip_, size);
  skip_ -= skipped;
  if (skipped == size) return GST_FLOW_OK;
  GstBuffer* rest = skipped ? gst_buffer_copy_region(buffer, GST_BUFFER_COPY_ALL, skipped * bytes_,
                                                     (size - skipped) * bytes_)
                            : gst_buffer_ref(buffer);
  if (skipped && GST_BUFFER_PTS_IS_VALID(buffer)) {
    GST_BUFFER_PTS(rest) =
        GST_BUFFER_PTS(buffer) + gst_util_uint64_scale(skipped, GST_SECOND, rate_);
    GST_BUFFER_DURATION(rest) = gst_util_uint64_scale(size - skipped, GST_SECOND, rate_);
  }
  std::vector<BufferPtr> from_next;
  const GstFlowReturn flow = next_->feed(rest, from_next);
  if (flow == GST_FLOW_OK) mix(out, from_next);
  return flow;
}

/// The last of `out` and of `from_next` are of the same audio.
void DspSwitch::mix(std::vector<BufferPtr>& out, std::vector<BufferPtr>& from_next) {
  if (from_next.size() > out.size()) return;
  const gsize settle = rate_ * kSettleMs / 1000, fade_length = rate_ * kFadeMs / 1000;
  const gsize first = out.size() - from_next.size();
  for (gsize i = 0; i < from_next.size(); ++i) {
    BufferPtr& heard = out[first + i];
    if (settled_ >= settle + fade_length) {
      heard = std::move(from_next[i]);
    } else if (settled_ >= settle) {
      heard.reset(gst_buffer_make_writable(heard.release()));
      fade(heard.get(), from_next[i].get());
    }
    settled_ += frames_of(heard.get());
  }
  if (settled_ < settle + fade_length) return;
  heard_ = std::move(next_);
  next_.reset();
  settings_ = next_settings_;
}

/// A raised cosine: the gains of both add up to one, as they hold the same voice.
void DspSwitch::fade(GstBuffer* into, GstBuffer* from_next) {
  GstMapInfo old_map, new_map;
  if (!gst_buffer_map(into, &old_map, GST_MAP_READWRITE)) return;
  if (gst_buffer_map(from_next, &new_map, GST_MAP_READ)) {
    auto* old_samples = reinterpret_cast<int16_t*>(old_map.data);
    const auto* new_samples = reinterpret_cast<const int16_t*>(new_map.data);
    const gsize channels = bytes_ / sizeof(int16_t);
    const gsize samples = std::min(old_map.size, new_map.size) / sizeof(int16_t);
    const auto settle = static_cast<double>(rate_ * kSettleMs / 1000);
    const auto length = static_cast<double>(rate_ * kFadeMs / 1000);
    for (gsize i = 0; i < samples; ++i) {
      const double at = (static_cast<double>(settled_ + i / channels) - settle) / length;
      const double share = 0.5 - 0.5 * std::cos(std::numbers::pi * std::clamp(at, 0.0, 1.0));
      old_samples[i] =
          static_cast<int16_t>(std::lround((1 - share) * old_samples[i] + share * new_samples[i]));
    }
    gst_buffer_unmap(from_next, &new_map);
  }
  gst_buffer_unmap(into, &old_map);
}

}  // namespace dragoman
