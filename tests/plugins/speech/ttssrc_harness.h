// SPDX-License-Identifier: LGPL-2.1-or-later
// A ttssrc whose time a test turns on by hand.
#pragma once

#include <gst/check/gstharness.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>

#include "plugins/common/readings.h"
#include "plugins/speech/ttssrc.h"
#include "tests/plugins/speech/ttssrc_channel.h"

namespace dragoman::testing {

struct Piece {
  GstClockTime pts, duration;
  bool gap;
  std::vector<int16_t> samples;
  bool silent() const {
    return std::ranges::all_of(samples, [](int16_t sample) { return sample == 0; });
  }
  /// Running time of the first sample that is not zero.
  GstClockTime first_sound() const {
    const auto sound = std::ranges::find_if(samples, [](int16_t sample) { return sample != 0; });
    return pts + static_cast<uint64_t>(sound - samples.begin()) * GST_SECOND / 16000;
  }
};

class TtsHarness {
 public:
  using Configure = std::function<void(GstElement*)>;

  explicit TtsHarness(const Configure& configure) : bus_(gst_bus_new()) {
    element_ = GST_ELEMENT(g_object_new(GST_TYPE_TTS_SRC, nullptr));
    gst_object_ref_sink(element_);
    configure(element_);
    gst_element_set_bus(element_, bus_.get());
    harness_ = gst_harness_new_with_element(element_, nullptr, "src");
    gst_harness_use_testclock(harness_);
    gst_harness_play(harness_);
  }
  ~TtsHarness() {
    gst_harness_teardown(harness_);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(element_);
  }
  TtsHarness(const TtsHarness&) = delete;
  TtsHarness& operator=(const TtsHarness&) = delete;

  GstElement* element() const { return element_; }
  GstHarness* harness() const { return harness_; }
  GstBus* bus() const { return bus_.get(); }

  /// The next 20 ms.
  Piece next() {
    gst_harness_crank_single_clock_wait(harness_);
    GstBuffer* buffer = gst_harness_pull(harness_);
    GstMapInfo map;
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    const auto* samples = reinterpret_cast<const int16_t*>(map.data);
    Piece piece{GST_BUFFER_PTS(buffer),
                GST_BUFFER_DURATION(buffer),
                GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP),
                {samples, samples + map.size / sizeof(int16_t)}};
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    return piece;
  }

  /// Turns time on until a buffer is as `wanted` says; none within ten seconds of real time.
  std::optional<Piece> until(const std::function<bool(const Piece&)>& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      Piece piece = next();
      if (wanted(piece)) return piece;
    }
    return std::nullopt;
  }

  struct End {
    bool eos = false, spoke = false;
  };
  /// Turns time on until EOS, within ten seconds of real time.
  End to_the_end() {
    End end;
    GstObjectPtr<GstTestClock> clock(gst_harness_get_testclock(harness_));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!end.eos && std::chrono::steady_clock::now() < deadline) {
      if (gst_test_clock_peek_next_pending_id(clock.get(), nullptr)) {
        gst_harness_crank_single_clock_wait(harness_);
      } else {
        g_thread_yield();
      }
      while (GstEvent* event = gst_harness_try_pull_event(harness_)) {
        end.eos |= GST_EVENT_TYPE(event) == GST_EVENT_EOS;
        gst_event_unref(event);
      }
      while (GstBuffer* buffer = gst_harness_try_pull(harness_)) {
        end.spoke |= !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_GAP);
        gst_buffer_unref(buffer);
      }
    }
    return end;
  }

  uint64_t stat(const char* name) const {
    GstStructure* stats = nullptr;
    g_object_get(element_, "stats", &stats, nullptr);
    guint64 value = 0;
    gst_structure_get_uint64(stats, name, &value);
    gst_structure_free(stats);
    return value;
  }

  /// Until `clauses` are synthesised, without turning time on.
  bool wait_for_spoken(uint64_t clauses) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (stat("spoken") < clauses) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      g_thread_yield();
    }
    return true;
  }

 private:
  GstObjectPtr<GstBus> bus_;
  GstElement* element_;
  GstHarness* harness_;
};

/// Environment variable for as long as it lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~ScopedVariable() { unsetenv(name_); }

 private:
  const char* name_;
};

}  // namespace dragoman::testing
