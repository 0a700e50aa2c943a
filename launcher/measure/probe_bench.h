// SPDX-License-Identifier: LGPL-2.1-or-later
// stationprobe elements that are fed by hand.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "launcher/measure/recording.h"
#include "plugins/common/handles.h"

namespace dragoman {

/// A parameter's figures in a `bucket` message.
struct ProbeMetric {
  uint64_t count = 0;
  double min = 0, max = 0, avg = 0, last = 0;
  std::string state;
};

struct ProbeBucket {
  uint64_t measured_ns = 0;
  std::map<int, ProbeMetric> metrics;  ///< by the parameters' numbers
};

struct BenchProbe {
  std::string trace;  ///< names the probe's buckets; taps of one trace belong together
  std::string station;
  uint64_t interval_ns = 0;  ///< 0.1 s to a day
};

/// One pipeline: for each tap a chain of probes, fed synchronously by the caller's thread. Time is
/// counted in frames from zero, and zero is the start of a bucket, whatever its length. One thread.
class ProbeBench {
 public:
  /// Each tap has a probe for each of `probes`. Needs gst_init().
  explicit ProbeBench(std::vector<BenchProbe> probes);
  ~ProbeBench();
  ProbeBench(const ProbeBench&) = delete;
  ProbeBench& operator=(const ProbeBench&) = delete;

  /// The next tap; the first has index 0. Throws std::runtime_error if the probe is missing.
  void add_tap(const std::string& name, const RecordingFormat& format);

  /// Interleaved samples of a tap; `position` is the number of frames before them. Throws
  /// std::runtime_error with what a probe refused.
  void push(size_t tap, std::span<const uint8_t> samples, uint64_t position);

  /// Every tap's audio ends.
  void end();

  /// What was measured, by the buckets' starts in ns from the first sample.
  const std::map<uint64_t, ProbeBucket>& buckets(const std::string& trace,
                                                 const std::string& tap) const;

 private:
  struct Tap {
    RecordingFormat format;
    GstObjectPtr<GstPad> pad;
  };

  GstElement* add_element(const char* factory);
  void start();
  void take_messages();
  void take_bucket(const GstStructure* bucket);

  std::vector<BenchProbe> probes_;
  GstObjectPtr<GstElement> pipeline_;
  GstObjectPtr<GstBus> bus_;
  std::vector<Tap> taps_;
  bool started_ = false;
  std::map<std::string, std::map<std::string, std::map<uint64_t, ProbeBucket>>> buckets_;
};

}  // namespace dragoman
