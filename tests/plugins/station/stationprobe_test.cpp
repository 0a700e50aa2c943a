// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "plugins/common/messages.h"
#include "plugins/common/readings.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/station/sox.h"
#include "tests/plugins/station/tap_harness.h"

namespace dragoman {
namespace {

using namespace dragoman::testing;

constexpr double kQuarterDbfs = -12.0412;  // of a constant 8192

struct Figures {
  guint64 count = 0;
  double min = 0, max = 0, avg = 0, last = 0;
};

/// The figures of `key` in a bucket message; nothing if it has none.
std::optional<Figures> figures(const MessagePtr& message, const char* key) {
  const GValue* metrics =
      gst_structure_get_value(gst_message_get_structure(message.get()), "metrics");
  const GValue* value = gst_structure_get_value(gst_value_get_structure(metrics), key);
  if (!value) return std::nullopt;
  Figures found;
  EXPECT_TRUE(gst_structure_get(gst_value_get_structure(value), "count", G_TYPE_UINT64,
                                &found.count, "min", G_TYPE_DOUBLE, &found.min, "max",
                                G_TYPE_DOUBLE, &found.max, "avg", G_TYPE_DOUBLE, &found.avg, "last",
                                G_TYPE_DOUBLE, &found.last, nullptr));
  return found;
}

GstEvent* readings(std::initializer_list<Reading> list,
                   GstEventType type = GST_EVENT_CUSTOM_DOWNSTREAM) {
  return new_readings_event(type, list);
}

TapHarness probe(uint64_t epoch = kEdge,
                 const std::vector<std::pair<const char*, std::string>>& more = {}) {
  std::vector<std::pair<const char*, std::string>> properties = {
      {"station", "St_3"}, {"tap", "POST"}, {"trace", "t1"}};
  properties.insert(properties.end(), more.begin(), more.end());
  return TapHarness("stationprobe", epoch, properties);
}

TEST(StationProbe, passes_the_same_buffers_without_latency) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);  // compares the pointers
  GstQuery* query = gst_query_new_latency();
  ASSERT_TRUE(gst_pad_peer_query(tap.get()->sinkpad, query));
  GstClockTime min = GST_CLOCK_TIME_NONE;
  gst_query_parse_latency(query, nullptr, &min, nullptr);
  EXPECT_EQ(min, gst_harness_query_latency(tap.get()));
  EXPECT_EQ(min, 0u);
  gst_query_unref(query);
}

TEST(StationProbe, posts_a_bucket_as_soon_as_its_last_sample_has_passed) {
  TapHarness tap = probe(kEdge - GST_SECOND);
  tap.caps(8000);
  tap.push_seconds(0, 0.98);
  EXPECT_TRUE(tap.messages().empty());
  tap.push_seconds(980 * GST_MSECOND, 0.02);
  auto first = tap.messages();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(gst_message_has_name(first[0].get(), messages::kBucket));
  EXPECT_EQ(text(first[0], "station"), "St_3");
  EXPECT_EQ(text(first[0], "tap"), "POST");
  EXPECT_EQ(text(first[0], "trace"), "t1");
  EXPECT_EQ(u64(first[0], "bucket-utc"), kEdge - 5 * GST_SECOND);
  EXPECT_EQ(u32(first[0], "bucket-ms"), 1000u);
  EXPECT_EQ(u64(first[0], "running-time"), 0u);
  EXPECT_EQ(u64(first[0], "duration"), GST_SECOND);

  tap.push_seconds(GST_SECOND, 7);
  auto second = tap.messages();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(u64(second[0], "bucket-utc"), kEdge);
  EXPECT_EQ(u32(second[0], "bucket-ms"), 5000u);
  EXPECT_EQ(u64(second[0], "timestamp"), GST_SECOND);
  EXPECT_EQ(u64(second[0], "stream-time"), GST_SECOND);
  EXPECT_EQ(figures(second[0], "audio_level_dbfs")->count, 250u);
  EXPECT_NEAR(figures(second[0], "audio_level_dbfs")->avg, kQuarterDbfs, 1e-4);
  EXPECT_NEAR(figures(second[0], "dc_offset")->avg, 0.25, 1e-9);
  EXPECT_EQ(figures(second[0], "silence_ratio")->avg, 0);
  EXPECT_FALSE(figures(second[0], "jitter_ms"));

  tap.event(gst_event_new_eos());
  auto last = tap.messages();
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(u64(last[0], "bucket-utc"), kEdge + 5 * GST_SECOND);
  EXPECT_EQ(u32(last[0], "bucket-ms"), 2000u);
}

TEST(StationProbe, posts_the_last_bucket_before_eos_passes) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  struct Seen {
    GstBus* bus;
    bool posted = false;
  } seen{tap.bus()};
  gst_pad_add_probe(
      tap.get()->sinkpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        auto* seen = static_cast<Seen*>(data);
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS) {
          seen->posted = gst_bus_have_pending(seen->bus);
        }
        return GST_PAD_PROBE_OK;
      },
      &seen, nullptr);
  tap.event(gst_event_new_eos());
  EXPECT_TRUE(seen.posted);
}

/// All of a bucket but what the machine and not the audio determines.
std::string of_the_audio(const MessagePtr& bucket) {
  const StructurePtr all(gst_structure_copy(gst_message_get_structure(bucket.get())));
  const StructurePtr metrics(
      gst_structure_copy(gst_value_get_structure(gst_structure_get_value(all.get(), "metrics"))));
  gst_structure_remove_fields(metrics.get(), "cpu_pct", "memory_mb", nullptr);
  gst_structure_set(all.get(), "metrics", GST_TYPE_STRUCTURE, metrics.get(), nullptr);
  return CharPtr(gst_structure_to_string(all.get())).get();
}

TEST(StationProbe, measures_the_same_in_any_format_and_size_of_buffers) {
  std::vector<int16_t> samples(8000 * 7);
  std::vector<float> floats(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(
        std::lround(9000 * std::sin(0.1 * static_cast<double>(i)) + (i % 4000 < 5 ? 32767 : 0)) %
        32768);
    floats[i] = static_cast<float>(samples[i]) / 32768;
  }
  std::string reference;
  for (size_t step : {160u, 1u, 333u, 48000u}) {
    for (const char* format : {"S16LE", "F32LE"}) {
      TapHarness tap = probe(kEdge - 1'234'567'891);
      tap.caps(8000, 1, format);
      if (std::string(format) == "F32LE") {
        tap.push(0, floats, step);
      } else {
        tap.push(0, samples, step);
      }
      tap.event(gst_event_new_eos());
      auto buckets = tap.messages();
      ASSERT_EQ(buckets.size(), 3u);
      std::string all;
      for (const MessagePtr& bucket : buckets) all += of_the_audio(bucket);
      if (reference.empty()) reference = all;
      EXPECT_EQ(all, reference) << format << " " << step;
    }
  }
}

TEST(StationProbe, aggregates_readings_from_both_sides_and_keeps_their_events) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.events_out();
  tap.push_seconds(0, 1);
  EXPECT_TRUE(tap.event(readings({{"packets_received", 50}, {"jitter_ms", 3}})));
  EXPECT_TRUE(tap.event(readings({{"packets_received", 49}, {"jitter_ms", 1}})));
  EXPECT_TRUE(gst_harness_push_upstream_event(
      tap.get(), readings({{"stt_latency_ms", 420}}, GST_EVENT_CUSTOM_UPSTREAM)));
  EXPECT_TRUE(tap.events_out().empty());
  EXPECT_EQ(gst_harness_upstream_events_received(tap.get()), 1u);  // the harness's own RECONFIGURE
  tap.push_seconds(GST_SECOND, 4);
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(figures(buckets[0], "packets_received")->last, 99);
  EXPECT_EQ(figures(buckets[0], "packets_received")->count, 2u);
  EXPECT_EQ(figures(buckets[0], "jitter_ms")->avg, 2);
  EXPECT_EQ(figures(buckets[0], "jitter_ms")->max, 3);
  EXPECT_EQ(figures(buckets[0], "stt_latency_ms")->last, 420);
}

guint warnings = 0;
void count_warnings(GstDebugCategory*, GstDebugLevel level, const gchar*, const gchar*, gint,
                    GObject*, GstDebugMessage*, gpointer) {
  if (level == GST_LEVEL_WARNING) ++warnings;
}

TEST(StationProbe, refuses_readings_of_unknown_parameters_with_a_warning) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  gst_debug_set_threshold_for_name("stationprobe", GST_LEVEL_WARNING);
  gst_debug_add_log_function(count_warnings, nullptr, nullptr);
  warnings = 0;
  tap.event(readings({{"colour_of_the_sky", 50}, {"packets_lost", 2}, {"jitter_ms", NAN}}));
  gst_debug_remove_log_function(count_warnings);
  EXPECT_EQ(warnings, 2u);
  tap.event(gst_event_new_eos());
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_FALSE(figures(buckets[0], "colour_of_the_sky"));
  EXPECT_FALSE(figures(buckets[0], "jitter_ms"));
  EXPECT_EQ(figures(buckets[0], "packets_lost")->last, 2);
}

TEST(StationProbe, lets_other_events_pass) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.events_out();
  tap.event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("other")));
  EXPECT_EQ(tap.events_out(), std::vector<std::string>{"custom-downstream"});
}

TEST(StationProbe, closes_the_buckets_that_a_gap_event_passes_and_posts_none_without_readings) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.event(gst_event_new_gap(GST_SECOND, 3 * GST_SECOND));
  EXPECT_TRUE(tap.messages().empty());
  tap.event(gst_event_new_gap(4 * GST_SECOND, 13 * GST_SECOND));
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u64(buckets[0], "bucket-utc"), kEdge);
  EXPECT_EQ(u32(buckets[0], "bucket-ms"), 1000u);
  tap.push_seconds(17 * GST_SECOND, 3);
  buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u64(buckets[0], "bucket-utc"), kEdge + 15 * GST_SECOND);
  EXPECT_EQ(u32(buckets[0], "bucket-ms"), 3000u);
}

TEST(StationProbe, closes_the_buckets_that_a_hole_in_the_timestamps_passes) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.push_seconds(21 * GST_SECOND, 0.02);
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u64(buckets[0], "bucket-utc"), kEdge);
  tap.event(gst_event_new_eos());
  EXPECT_EQ(u64(tap.messages().at(0), "bucket-utc"), kEdge + 20 * GST_SECOND);
}

TEST(StationProbe, measures_nothing_across_a_hole) {
  for (GstClockTime hole : {0, 500}) {
    TapHarness tap = probe();
    tap.caps(8000);
    tap.push_seconds(0, 0.3);
    tap.push_seconds((300 + hole) * GST_MSECOND, 0.3, -8192);
    tap.event(gst_event_new_eos());
    auto buckets = tap.messages();
    ASSERT_EQ(buckets.size(), 1u);
    EXPECT_EQ(figures(buckets[0], "audio_level_dbfs")->count, 30u);
    // A window of 400 ms, and a change of sign.
    EXPECT_EQ(figures(buckets[0], "loudness_momentary_lufs").has_value(), hole == 0);
    EXPECT_EQ(figures(buckets[0], "zero_crossing_rate")->max, hole ? 0 : 50);
    EXPECT_EQ(figures(buckets[0], "true_peak_dbtp")->max > -11, hole == 0);
  }
}

TEST(StationProbe, ends_a_talk_spurt_at_a_hole_in_the_bucket_before_it) {
  auto speech = sox_samples("/usr/share/asterisk/sounds/en_US_f_Allison/demo-thanks.wav", "");
  if (speech.empty()) GTEST_SKIP() << "no prompts or no sox";
  std::vector<int16_t> said(4000);  // half a second of silence, then "goodbye"
  said.insert(said.end(), speech.begin() + 400 * 8, speech.begin() + 900 * 8);
  for (const bool gap : {false, true}) {
    TapHarness tap = probe();
    tap.caps(8000);
    tap.push(0, said);
    if (gap) tap.event(gst_event_new_gap(GST_SECOND, 9 * GST_SECOND));
    tap.push(10 * GST_SECOND, said);
    tap.event(gst_event_new_eos());
    auto buckets = tap.messages();
    ASSERT_EQ(buckets.size(), 2u);
    for (const auto& bucket : buckets) EXPECT_EQ(figures(bucket, "talk_spurt_count")->last, 1);
    ASSERT_TRUE(figures(buckets[0], "talk_spurt_mean_ms"));
    EXPECT_NEAR(figures(buckets[0], "talk_spurt_mean_ms")->avg, 500, 40);
    EXPECT_FALSE(figures(buckets[1], "talk_spurt_mean_ms")) << "open at the end";
    EXPECT_FALSE(figures(buckets[1], "pause_mean_ms"));
  }
}

TEST(StationProbe, counts_readings_in_a_gap_in_the_gaps_bucket) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.event(gst_event_new_gap(GST_SECOND, 5 * GST_SECOND));
  tap.messages();
  tap.event(readings({{"packets_lost", 7}}));
  tap.event(gst_event_new_gap(6 * GST_SECOND, 5 * GST_SECOND));
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u64(buckets[0], "bucket-utc"), kEdge + 5 * GST_SECOND);
  EXPECT_EQ(u32(buckets[0], "bucket-ms"), 0u);
  EXPECT_FALSE(figures(buckets[0], "audio_level_dbfs"));
  EXPECT_EQ(figures(buckets[0], "packets_lost")->last, 7);
}

TEST(StationProbe, goes_on_with_its_bucket_through_new_caps) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 2);
  tap.caps(16000);
  tap.push_seconds(2 * GST_SECOND, 3);
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u32(buckets[0], "bucket-ms"), 5000u);
  EXPECT_EQ(figures(buckets[0], "audio_level_dbfs")->count, 250u);
}

TEST(StationProbe, measures_stereo_as_one) {
  TapHarness tap = probe();
  tap.caps(8000, 2);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, 320 * sizeof(int16_t), nullptr);
  std::vector<int16_t> samples(320);
  for (size_t i = 0; i < samples.size(); i += 2) samples[i] = 16384;  // left only
  gst_buffer_fill(buffer, 0, samples.data(), samples.size() * sizeof(int16_t));
  GST_BUFFER_PTS(buffer) = 0;
  ASSERT_EQ(gst_harness_push(tap.get(), buffer), GST_FLOW_OK);
  tap.event(gst_event_new_eos());
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u32(buckets[0], "bucket-ms"), 20u);
  EXPECT_NEAR(figures(buckets[0], "dc_offset")->last, 0.25, 1e-9);
  EXPECT_NEAR(figures(buckets[0], "audio_level_dbfs")->last, -9.0309, 1e-4);
}

TEST(StationProbe, posts_what_is_open_when_flushed_and_places_what_follows_anew) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.event(gst_event_new_flush_start());
  tap.event(gst_event_new_flush_stop(TRUE));
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u32(buckets[0], "bucket-ms"), 1000u);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  tap.event(gst_event_new_segment(&segment));
  tap.push_seconds(0, 0.5);
  tap.event(gst_event_new_eos());
  const auto after = tap.messages();
  ASSERT_GE(after.size(), 1u);
  EXPECT_GT(u64(after[0], "bucket-utc"), kEdge + GST_SECOND);  // by today's clock
  EXPECT_LE(u32(after[0], "bucket-ms"), 500u);
}

TEST(StationProbe, posts_what_is_open_when_stopped) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.event(readings({{"packets_lost", 1}}));
  gst_element_set_state(tap.element(), GST_STATE_READY);
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(u64(buckets[0], "bucket-utc"), kEdge);
  EXPECT_EQ(figures(buckets[0], "packets_lost")->last, 1);
}

TEST(StationProbe, loses_no_reading_of_a_stream_whose_audio_never_comes) {
  TapHarness tap = probe();
  tap.caps(8000);
  gst_harness_push_upstream_event(tap.get(),
                                  readings({{"utterances", 1}}, GST_EVENT_CUSTOM_UPSTREAM));
  gst_element_set_state(tap.element(), GST_STATE_READY);
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 1u);
  EXPECT_EQ(figures(buckets[0], "utterances")->last, 1);
  EXPECT_EQ(u64(buckets[0], "bucket-utc") % (5 * GST_SECOND), 0u);
}

TEST(StationProbe, posts_the_last_bucket_again_for_readings_that_come_after_eos) {
  TapHarness tap = probe();
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.event(readings({{"stt_latency_ms", 100}}));
  tap.event(gst_event_new_eos());
  EXPECT_EQ(tap.messages().size(), 1u);
  gst_harness_push_upstream_event(tap.get(),
                                  readings({{"stt_latency_ms", 300}}, GST_EVENT_CUSTOM_UPSTREAM));
  auto again = tap.messages();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(u64(again[0], "bucket-utc"), kEdge);
  EXPECT_EQ(u32(again[0], "bucket-ms"), 1000u);
  EXPECT_EQ(figures(again[0], "stt_latency_ms")->count, 2u);
  EXPECT_EQ(figures(again[0], "stt_latency_ms")->avg, 200);
  gst_element_set_state(tap.element(), GST_STATE_READY);
  EXPECT_TRUE(tap.messages().empty());
}

TEST(StationProbe, posts_nothing_when_told_so) {
  TapHarness tap = probe(kEdge, {{"post-messages", "false"}});
  tap.caps(8000);
  tap.push_seconds(0, 6);
  tap.event(gst_event_new_eos());
  EXPECT_TRUE(tap.messages().empty());
}

TEST(StationProbe, makes_shorter_buckets_when_asked) {
  TapHarness tap = probe(kEdge, {{"interval", "1000000000"}});
  tap.caps(8000);
  tap.push_seconds(0, 3);
  auto buckets = tap.messages();
  ASSERT_EQ(buckets.size(), 3u);
  EXPECT_EQ(u64(buckets[2], "bucket-utc"), kEdge + 2 * GST_SECOND);
}

TEST(StationProbe, does_not_start_with_a_name_that_is_none) {
  for (const char* property : {"station", "tap", "trace"}) {
    GstElement* element = gst_element_factory_make("stationprobe", nullptr);
    gst_object_ref_sink(element);
    g_object_set(element, property, "../x", nullptr);
    GstBus* bus = gst_bus_new();
    gst_element_set_bus(element, bus);
    EXPECT_EQ(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    MessagePtr message(gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR));
    ASSERT_TRUE(message);
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    EXPECT_NE(std::string(error->message).find(property), std::string::npos) << error->message;
    g_error_free(error);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, nullptr);
    gst_object_unref(element);
    gst_object_unref(bus);
  }
}

}  // namespace
}  // namespace dragoman
