// SPDX-License-Identifier: LGPL-2.1-or-later
// The DSP of a stream whose settings change while it runs, without a click: the new settings'
// webrtcdsp runs beside the old one until it has settled, then one is faded into the other.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <vector>

#include "plugins/station/dsp_chain.h"

namespace dragoman {

/// The near stream's thread only. A webrtcdsp takes its settings only when it is set up, and begins
/// with empty history: to set it up again in the stream would be a hole of some ms and a click.
class DspSwitch {
 public:
  /// What makes a chain; the chains it made may be used elsewhere, too, for their far end.
  using Make = std::function<std::shared_ptr<DspChain>(const DspSettings&)>;
  explicit DspSwitch(Make make) : make_(std::move(make)) {}

  /// How long the new one runs before it is heard, and how long the cross-fade takes.
  static constexpr int kSettleMs = 600, kFadeMs = 40;

  /// S16LE interleaved.
  void set_format(int rate, int channels);
  /// Takes `buffer`; `out` gets frames of 10 ms, as webrtcdsp has them. `wanted`: a change is
  /// heard kSettleMs later; what changes meanwhile, after that.
  GstFlowReturn process(GstBuffer* buffer, const DspSettings& wanted, std::vector<BufferPtr>& out);
  void event(GstEvent* event);  ///< to those that run; borrowed
  void reset();                 ///< the next buffer begins anew
  /// Those that run now: the one heard, the one that settles.
  const std::shared_ptr<DspChain>& heard() const { return heard_; }
  const std::shared_ptr<DspChain>& next() const { return next_; }

 private:
  void begin_change(const DspSettings& wanted);
  GstFlowReturn feed_next(GstBuffer* buffer, std::vector<BufferPtr>& out);
  void mix(std::vector<BufferPtr>& out, std::vector<BufferPtr>& from_next);
  void fade(GstBuffer* into, GstBuffer* from_next);
  gsize frames_of(GstBuffer* buffer) const { return gst_buffer_get_size(buffer) / bytes_; }

  Make make_;
  gsize rate_ = 16000, bytes_ = 2;  ///< bytes of one frame of all channels
  DspSettings settings_, next_settings_;
  std::shared_ptr<DspChain> heard_, next_;
  gsize pending_ = 0;  ///< frames that the one heard holds, short of 10 ms
  gsize skip_ = 0;     ///< frames that the next one must not have, to be in step
  gsize settled_ = 0;  ///< frames that the next one has given
};

}  // namespace dragoman
