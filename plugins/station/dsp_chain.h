// SPDX-License-Identifier: LGPL-2.1-or-later
// One webrtcdsp with settings that never change, and what of it is between two buffers. voicedsp
// makes another when a setting does.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "plugins/common/handles.h"

namespace dragoman {

/// Names and ranges as webrtcdsp has them.
struct DspSettings {
  bool echo_cancel = false;
  bool noise_suppression = true;
  int noise_suppression_level = 1;  ///< 0 low, 1 moderate, 2 high, 3 very high
  bool gain_control = true;
  int target_level_dbfs = 3;    ///< dB below full scale
  int compression_gain_db = 9;  ///< most that the AGC adds
  bool high_pass_filter = true;
  int far_hold_ms = 0;  ///< how much later the far end meets the near one than their times say
  bool operator==(const DspSettings&) const = default;
};

/// Near and far are fed from a thread each; the rest is the near one's.
class DspChain {
 public:
  /// Plays, and has had the sticky events of the pads. `far_sink` null: without a far end, whatever
  /// the settings say of echo. Throws std::runtime_error with the package that is missing.
  DspChain(const DspSettings& settings, GstPad* near_sink, GstPad* far_sink);
  ~DspChain();
  DspChain(const DspChain&) = delete;
  DspChain& operator=(const DspChain&) = delete;

  /// An event of the near stream: taken.
  void near_event(GstEvent* event);
  void far_event(GstEvent* event);
  void feed_far(GstBuffer* buffer);

  /// Takes `buffer`; what comes of it, frames of 10 ms, is added to `out`.
  GstFlowReturn feed(GstBuffer* buffer, std::vector<BufferPtr>& out);

 private:
  static GstFlowReturn on_output(GstPad* pad, GstObject*, GstBuffer* buffer);
  void connect(GstElement* element, GstPad*& feed, GstPad*& take, GstPadChainFunction chain);

  GstObjectPtr<GstElement> dsp_, probe_;
  const GstClockTime far_hold_;
  GstPad *feed_ = nullptr, *take_ = nullptr, *far_feed_ = nullptr, *far_take_ = nullptr;
  std::vector<BufferPtr>* out_ = nullptr;  ///< while feed() runs
};

}  // namespace dragoman
