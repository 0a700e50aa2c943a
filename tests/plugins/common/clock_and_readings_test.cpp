// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/check/gsttestclock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "plugins/common/handles.h"
#include "plugins/common/pipeline_clock.h"
#include "plugins/common/readings.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

constexpr uint64_t kSecond = GST_SECOND;

/// A pipeline with two elements, one of them in a bin.
class PipelineClock : public ::testing::Test {
 protected:
  void SetUp() override {
    pipeline_.reset(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
    GstElement* bin = gst_bin_new(nullptr);
    outer_ = gst_element_factory_make("identity", nullptr);
    inner_ = gst_element_factory_make("identity", nullptr);
    gst_bin_add(GST_BIN(bin), inner_);
    gst_bin_add_many(GST_BIN(pipeline_.get()), outer_, bin, nullptr);
  }
  void TearDown() override { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  GstObjectPtr<GstElement> pipeline_;
  GstElement *outer_ = nullptr, *inner_ = nullptr;
};

TEST_F(PipelineClock, gives_all_elements_of_a_pipeline_one_epoch) {
  const uint64_t now = utc_now_ns();
  const uint64_t epoch = pipeline_epoch(inner_, 3 * kSecond);
  EXPECT_NEAR(static_cast<double>(now - epoch), 3.0 * kSecond, 0.5 * kSecond);
  EXPECT_EQ(pipeline_epoch(outer_, 100 * kSecond), epoch);
  EXPECT_EQ(pipeline_epoch(pipeline_.get(), 0), epoch);
}

TEST_F(PipelineClock, takes_a_live_pipelines_epoch_from_its_clock) {
  GstObjectPtr<GstClock> clock(gst_test_clock_new_with_start_time(1000 * kSecond));
  gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  gst_element_get_state(pipeline_.get(), nullptr, nullptr, GST_CLOCK_TIME_NONE);
  gst_test_clock_advance_time(GST_TEST_CLOCK(clock.get()), 7 * kSecond);
  const uint64_t now = utc_now_ns();
  const uint64_t epoch = pipeline_epoch(inner_, 2 * kSecond);  // a buffer that was late
  EXPECT_NEAR(static_cast<double>(now - epoch), 7.0 * kSecond, 0.5 * kSecond);
}

TEST_F(PipelineClock, forgets_the_epoch_when_the_pipeline_stops_but_not_when_an_element_does) {
  gst_element_set_state(pipeline_.get(), GST_STATE_PAUSED);
  set_pipeline_epoch(outer_, 42 * kSecond);
  gst_element_set_state(inner_, GST_STATE_READY);
  clear_pipeline_epoch(inner_);
  EXPECT_EQ(pipeline_epoch(outer_, 0), 42 * kSecond);
  gst_element_set_state(pipeline_.get(), GST_STATE_READY);
  clear_pipeline_epoch(inner_);
  EXPECT_NE(pipeline_epoch(outer_, 0), 42 * kSecond);
}

TEST_F(PipelineClock, anchors_anew_at_the_next_buffer_when_running_time_restarts) {
  set_pipeline_epoch(outer_, 42 * kSecond);
  restart_pipeline_epoch(inner_);
  const uint64_t now = utc_now_ns();
  const uint64_t epoch = pipeline_epoch(outer_, kSecond);
  EXPECT_NEAR(static_cast<double>(now - epoch), 1.0 * kSecond, 0.5 * kSecond);
  EXPECT_EQ(pipeline_epoch(inner_, 9 * kSecond), epoch);
}

TEST(Readings, travel_by_key_in_an_event) {
  GstEvent* event =
      new_readings_event(GST_EVENT_CUSTOM_UPSTREAM, {{"jitter_ms", 1.5}, {"packets_received", 50}});
  std::map<std::string, double> taken;
  EXPECT_TRUE(take_readings(event, [&](const char* key, double value) { taken[key] = value; }));
  const std::map<std::string, double> expected = {{"jitter_ms", 1.5}, {"packets_received", 50}};
  EXPECT_EQ(taken, expected);
  gst_event_unref(event);
}

TEST(Readings, are_not_taken_from_other_events) {
  GstEvent* eos = gst_event_new_eos();
  GstEvent* other = gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new("something-else", "jitter_ms", G_TYPE_DOUBLE, 1.0, nullptr));
  const auto fail = [](const char* key, double) { FAIL() << key; };
  EXPECT_FALSE(take_readings(eos, fail));
  EXPECT_FALSE(take_readings(other, fail));
  gst_event_unref(eos);
  gst_event_unref(other);
}

}  // namespace
}  // namespace dragoman
