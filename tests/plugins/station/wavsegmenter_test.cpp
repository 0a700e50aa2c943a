// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "plugins/common/messages.h"
#include "plugins/common/readings.h"
#include "tests/plugins/common/gst_environment.h"
#include "tests/plugins/common/temp_folder.h"
#include "tests/plugins/station/sox.h"
#include "tests/plugins/station/tap_harness.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using namespace dragoman::testing;

TapHarness segmenter(const std::string& location, uint64_t epoch = kEdge,
                     const std::string& max_queue = "60000") {
  return TapHarness("wavsegmenter", epoch,
                    {{"location", location},
                     {"station", "St_3"},
                     {"tap", "PRE"},
                     {"trace", "t1"},
                     {"max-queue", max_queue}});
}

guint64 dropped_ms(TapHarness& tap) {
  guint64 dropped = 0;
  g_object_get(tap.element(), "dropped", &dropped, nullptr);
  return dropped;
}

std::string warning_text(const MessagePtr& message) {
  GError* error = nullptr;
  gst_message_parse_warning(message.get(), &error, nullptr);
  std::string text = error->message;
  g_error_free(error);
  return text;
}

TEST(WavSegmenter, writes_a_file_of_16_khz_mono_for_each_bucket) {
  TempFolder folder;
  TapHarness tap = segmenter(folder.path().string(), kEdge - GST_SECOND);
  tap.caps(8000);
  tap.push_seconds(0, 8);  // compares the pointers
  tap.event(gst_event_new_eos());
  const auto segments = tap.messages();
  ASSERT_EQ(segments.size(), 3u);
  const MessagePtr& whole = segments[1];
  EXPECT_TRUE(gst_message_has_name(whole.get(), messages::kSegment));
  EXPECT_EQ(text(whole, "station"), "St_3");
  EXPECT_EQ(text(whole, "tap"), "PRE");
  EXPECT_EQ(text(whole, "trace"), "t1");
  EXPECT_EQ(u64(whole, "bucket-utc"), kEdge);
  EXPECT_EQ(u32(whole, "bucket-ms"), 5000u);
  EXPECT_EQ(u32(whole, "sample-rate"), 16000u);
  EXPECT_EQ(u32(whole, "channels"), 1u);
  EXPECT_EQ(u64(whole, "frames"), 80000u);
  EXPECT_EQ(text(whole, "format"), "WAV_PCM_S16LE_MONO");
  EXPECT_EQ(real(whole, "dropped-ms"), 0);
  EXPECT_EQ(u64(whole, "running-time"), GST_SECOND);
  EXPECT_EQ(u64(whole, "timestamp"), GST_SECOND);
  EXPECT_EQ(u64(whole, "duration"), 5 * GST_SECOND);
  EXPECT_EQ(text(whole, "location"), folder / "2023-11-14/trace_t1/St_3/PRE/20231114T221325Z.wav");
  EXPECT_EQ(u32(segments[0], "bucket-ms"), 1000u);
  EXPECT_EQ(u32(segments[2], "bucket-ms"), 2000u);
  EXPECT_EQ(folder.files().size(), 3u);  // no .part is left
}

TEST(WavSegmenter, writes_what_sox_reads) {
  TempFolder folder;
  TapHarness tap = segmenter(folder.path().string());
  tap.caps(16000);
  std::vector<int16_t> ramp(16000 * 5);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<int16_t>(i * 13);
  tap.push(0, ramp, 333);
  tap.event(gst_event_new_eos());
  const auto segments = tap.messages();
  ASSERT_EQ(segments.size(), 1u);
  const std::string file = text(segments[0], "location");
  const auto read = [&](const char* what) {
    return output_of(std::string("soxi ") + what + " '" + file + "'").value_or("(no sox)");
  };
  if (read("-t") == "(no sox)") GTEST_SKIP() << "no sox";
  EXPECT_EQ(read("-t"), "wav\n");
  EXPECT_EQ(read("-r"), "16000\n");
  EXPECT_EQ(read("-c"), "1\n");
  EXPECT_EQ(read("-b"), "16\n");
  EXPECT_EQ(read("-s"), "80000\n");
  EXPECT_EQ(sox_samples(file), ramp);
}

TEST(WavSegmenter, posts_the_last_segment_before_the_application_sees_eos) {
  TempFolder folder;
  const std::string line =
      "audiotestsrc num-buffers=300 samplesperbuffer=160 ! "
      "audio/x-raw,format=S16LE,rate=8000,channels=1 ! wavsegmenter location=" +
      folder.path().string() + " ! fakesink";
  GstObjectPtr<GstElement> pipeline(gst_parse_launch(line.c_str(), nullptr));
  GstObjectPtr<GstBus> bus(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  guint64 frames = 0;
  while (true) {
    MessagePtr message(gst_bus_timed_pop_filtered(
        bus.get(), 20 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    ASSERT_TRUE(message);
    ASSERT_NE(GST_MESSAGE_TYPE(message.get()), GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) break;
    frames += u64(message, "frames");
  }
  EXPECT_EQ(frames, 6u * 16000);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST(WavSegmenter, drops_nothing_of_a_pipeline_faster_than_real_time) {
  TempFolder folder;
  const std::string line =
      "audiotestsrc num-buffers=200 samplesperbuffer=48000 ! "
      "audio/x-raw,format=F32LE,rate=48000,channels=2 ! wavsegmenter name=w max-queue=100 "
      "location=" +
      folder.path().string() + " ! fakesink";
  GstObjectPtr<GstElement> pipeline(gst_parse_launch(line.c_str(), nullptr));
  GstObjectPtr<GstBus> bus(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  MessagePtr end(gst_bus_timed_pop_filtered(
      bus.get(), 60 * GST_SECOND,
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)));
  ASSERT_TRUE(end);
  EXPECT_EQ(GST_MESSAGE_TYPE(end.get()), GST_MESSAGE_EOS);
  uintmax_t samples = 0;
  for (const std::string& file : folder.files()) samples += (fs::file_size(file) - 44) / 2;
  EXPECT_EQ(samples, 200u * 16000);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
}

TEST(WavSegmenter, fills_gaps_with_silence_so_that_place_is_time) {
  TempFolder folder;
  TapHarness tap = segmenter(folder.path().string());
  tap.caps(16000);
  tap.push_seconds(0, 1, 1000);
  tap.event(gst_event_new_gap(GST_SECOND, GST_SECOND));
  tap.push_seconds(2 * GST_SECOND, 1, 2000);
  tap.push_seconds(4 * GST_SECOND, 1, 3000);  // a hole without an event
  tap.event(gst_event_new_eos());
  const auto segments = tap.messages();
  ASSERT_EQ(segments.size(), 1u);
  const std::vector<int16_t> samples = sox_samples(text(segments[0], "location"));
  if (samples.empty()) GTEST_SKIP() << "no sox";
  ASSERT_EQ(samples.size(), 80000u);
  EXPECT_EQ(samples[15999], 1000);
  EXPECT_EQ(samples[16000], 0);
  EXPECT_EQ(samples[31999], 0);
  EXPECT_EQ(samples[32000], 2000);
  EXPECT_EQ(samples[48000], 0);
  EXPECT_EQ(samples[64000], 3000);
}

TEST(WavSegmenter, completes_the_file_when_a_gap_event_passes_its_end) {
  TempFolder folder;
  TapHarness tap = segmenter(folder.path().string());
  tap.caps(16000);
  tap.push_seconds(0, 1, 1000);
  tap.event(gst_event_new_gap(GST_SECOND, 60 * GST_SECOND));
  const MessagePtr segment = tap.wait_for(GST_MESSAGE_ELEMENT);
  ASSERT_TRUE(segment);
  EXPECT_EQ(u32(segment, "bucket-ms"), 5000u);
  tap.event(gst_event_new_eos());
  EXPECT_TRUE(tap.messages().empty());
}

TEST(WavSegmenter, completes_its_file_when_flushed_or_stopped) {
  TempFolder folder;
  TapHarness tap = segmenter(folder.path().string());
  tap.caps(8000);
  tap.push_seconds(0, 1);
  tap.event(gst_event_new_flush_start());
  tap.event(gst_event_new_flush_stop(FALSE));
  const MessagePtr flushed = tap.wait_for(GST_MESSAGE_ELEMENT);
  ASSERT_TRUE(flushed);
  EXPECT_EQ(u32(flushed, "bucket-ms"), 1000u);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  tap.event(gst_event_new_segment(&segment));
  tap.push_seconds(0, 2);
  gst_element_set_state(tap.element(), GST_STATE_READY);
  const auto stopped = tap.messages();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(u32(stopped[0], "bucket-ms"), 2000u);
  EXPECT_NE(text(stopped[0], "location"), text(flushed, "location"));  // of the same bucket
  EXPECT_EQ(folder.files().size(), 2u);
}

TEST(WavSegmenter, warns_once_of_a_folder_it_cannot_write_and_goes_on_when_it_can) {
  TempFolder folder;
  const std::string location = folder / "audio";
  std::ofstream(location) << "a file where a folder is needed";
  TapHarness tap = segmenter(location);
  tap.caps(8000);
  tap.push_seconds(0, 10);
  const MessagePtr warning = tap.wait_for(GST_MESSAGE_WARNING);
  ASSERT_TRUE(warning);
  EXPECT_NE(warning_text(warning).find(location), std::string::npos) << warning_text(warning);
  EXPECT_NE(warning_text(warning).find("set location"), std::string::npos);
  tap.event(gst_event_new_eos());  // waits until all was tried
  EXPECT_TRUE(tap.messages(GST_MESSAGE_WARNING).empty());
  const auto lost = tap.messages();
  ASSERT_EQ(lost.size(), 2u);
  for (size_t i = 0; i < lost.size(); ++i) {
    EXPECT_TRUE(gst_message_has_name(lost[i].get(), messages::kSegmentLost));
    EXPECT_EQ(text(lost[i], "tap"), "PRE");
    EXPECT_EQ(real(lost[i], "lost-ms"), 5000);
    EXPECT_EQ(real(lost[i], "dropped-ms"), 5000.0 * static_cast<double>(i + 1));
  }
  EXPECT_EQ(u64(lost[1], "bucket-utc") - u64(lost[0], "bucket-utc"), 5 * GST_SECOND);
  EXPECT_EQ(dropped_ms(tap), 10000u);

  fs::remove(location);
  tap.event(gst_event_new_flush_start());
  tap.event(gst_event_new_flush_stop(FALSE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  tap.event(gst_event_new_segment(&segment));
  tap.push_seconds(10 * GST_SECOND, 5);
  tap.event(gst_event_new_eos());
  const auto segments = tap.messages();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(u32(segments[0], "bucket-ms"), 5000u);
  EXPECT_EQ(real(segments[0], "dropped-ms"), 10000);
}

/// A disk of 250 KiB, if we may mount one.
class SmallDisk {
 public:
  SmallDisk() { mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=250k") == 0; }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  TempFolder& folder() { return folder_; }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

TEST(WavSegmenter, keeps_valid_files_on_a_full_disk_and_goes_on_when_there_is_room) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "may not mount a tmpfs";
  TapHarness tap = segmenter(disk.folder().path().string());
  tap.caps(16000);
  tap.push_seconds(0, 10);  // 313 KiB
  const MessagePtr warning = tap.wait_for(GST_MESSAGE_WARNING);
  ASSERT_TRUE(warning);
  EXPECT_NE(warning_text(warning).find(disk.folder().path().string()), std::string::npos);
  EXPECT_NE(warning_text(warning).find("Free some"), std::string::npos);
  const MessagePtr whole = tap.wait_for(GST_MESSAGE_ELEMENT);
  ASSERT_TRUE(whole);
  EXPECT_EQ(u32(whole, "bucket-ms"), 5000u);
  fs::remove(text(whole, "location"));  // somebody frees room
  tap.push_seconds(10 * GST_SECOND, 5);
  tap.event(gst_event_new_eos());
  auto segments = tap.messages();
  ASSERT_EQ(segments.size(), 3u);
  const MessagePtr lost = std::move(segments[1]);
  segments.erase(segments.begin() + 1);
  EXPECT_TRUE(gst_message_has_name(lost.get(), messages::kSegmentLost));
  EXPECT_EQ(u64(lost, "bucket-utc"), u64(segments[0], "bucket-utc"));
  EXPECT_NEAR(real(lost, "lost-ms"), 5000.0 - u32(segments[0], "bucket-ms"), 1);
  EXPECT_LT(u32(segments[0], "bucket-ms"), 5000u);
  EXPECT_EQ(u32(segments[1], "bucket-ms"), 5000u);
  EXPECT_NEAR(real(segments[1], "dropped-ms"), 5000.0 - u32(segments[0], "bucket-ms"), 1);
  for (const MessagePtr& segment : segments) {
    EXPECT_EQ(fs::file_size(text(segment, "location")), 44 + 2 * u64(segment, "frames"));
  }
  EXPECT_TRUE(tap.messages(GST_MESSAGE_WARNING).empty());
}

/// Holds the writer's thread where it posts its first segment, as a disk that hangs would.
struct Gate {
  std::mutex lock;
  std::condition_variable changed;
  bool held = false, open = false;

  static GstBusSyncReply on_message(GstBus*, GstMessage* message, gpointer data) {
    auto* gate = static_cast<Gate*>(data);
    if (gst_message_has_name(message, messages::kSegment)) {
      std::unique_lock lock(gate->lock);
      gate->held = true;
      gate->changed.notify_all();
      gate->changed.wait(lock, [&] { return gate->open; });
    }
    return GST_BUS_PASS;
  }
  void wait_until_held() {
    std::unique_lock guard(lock);
    ASSERT_TRUE(changed.wait_for(guard, std::chrono::seconds(20), [&] { return held; }));
  }
  void release() {
    std::lock_guard guard(lock);
    open = true;
    changed.notify_all();
  }
};

/// True as soon as a file below `folder` is of `bytes`; false if none is within a deadline.
bool wait_for_file_of(const TempFolder& folder, uintmax_t bytes) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    for (const std::string& file : folder.files()) {
      if (fs::file_size(file) == bytes) return true;
    }
    std::this_thread::yield();
  }
  return false;
}

TEST(WavSegmenter, drops_and_counts_but_never_holds_up_live_audio_when_its_thread_hangs) {
  TempFolder folder;
  Gate gate;
  TapHarness tap = segmenter(folder.path().string(), kEdge - 500 * GST_MSECOND, "1000");
  gst_bus_set_sync_handler(tap.bus(), Gate::on_message, &gate, nullptr);
  tap.caps(16000);
  tap.push_seconds(0, 0.6, 1000);
  gate.wait_until_held();
  // The thread hangs: 2.9 s find the room of a second at most.
  tap.push_seconds(600 * GST_MSECOND, 2.9, 1000);
  const guint64 dropped = dropped_ms(tap);
  EXPECT_GE(dropped, 1880u);
  EXPECT_LE(dropped, 2000u);
  double dropped_buffers = 0, greatest_depth = 0;
  while (GstEvent* event = gst_harness_try_pull_upstream_event(tap.get())) {
    take_readings(event, [&](const std::string& key, double value) {
      if (key == "dropped_buffers") dropped_buffers += value;
      if (key == "queue_depth_ms") greatest_depth = std::max(greatest_depth, value);
    });
    gst_event_unref(event);
  }
  EXPECT_GE(dropped_buffers, 1);
  EXPECT_NEAR(greatest_depth, 1000, 20);
  const auto warnings = tap.messages(GST_MESSAGE_WARNING);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warning_text(warnings[0]).find(folder.path().string()), std::string::npos);

  gate.release();
  ASSERT_TRUE(tap.wait_for(GST_MESSAGE_ELEMENT));
  // Only when all that was queued is written is there room for what follows.
  ASSERT_TRUE(wait_for_file_of(folder, 44 + 2 * 16 * (3000 - dropped)));
  tap.push_seconds(3500 * GST_MSECOND, 0.5, 2000);
  tap.event(gst_event_new_eos());
  gst_bus_set_sync_handler(tap.bus(), nullptr, nullptr, nullptr);
  const auto segments = tap.messages();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_NEAR(real(segments[0], "dropped-ms"), static_cast<double>(dropped), 1);
  const std::vector<int16_t> samples = sox_samples(text(segments[0], "location"));
  if (samples.empty()) GTEST_SKIP() << "no sox";
  ASSERT_EQ(samples.size(), 56000u);  // 3.5 s: what was dropped is silence, in its place
  EXPECT_EQ(samples[0], 1000);
  EXPECT_EQ(samples[47999], 0);
  EXPECT_EQ(samples[48000], 2000);
  EXPECT_EQ(static_cast<guint64>(std::count(samples.begin(), samples.end(), 0)) / 16, dropped);
}

TEST(WavSegmenter, does_not_start_without_a_folder_or_with_a_name_that_leaves_it) {
  for (const auto& [property, value] : std::vector<std::pair<const char*, const char*>>{
           {"location", ""}, {"trace", "../../etc"}, {"station", "a/b"}, {"tap", ""}}) {
    GstElement* element = gst_element_factory_make("wavsegmenter", nullptr);
    gst_object_ref_sink(element);
    g_object_set(element, "location", "/nonexistent", nullptr);
    g_object_set(element, property, value, nullptr);
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

TEST(Taps, of_one_pipeline_cut_the_same_samples) {
  TempFolder folder;
  const std::string line =
      "audiotestsrc wave=white-noise num-buffers=700 samplesperbuffer=160 ! "
      "audio/x-raw,format=S16LE,rate=16000,channels=1 ! stationprobe ! wavsegmenter location=" +
      folder.path().string() + " ! fakesink";
  GstObjectPtr<GstElement> pipeline(gst_parse_launch(line.c_str(), nullptr));
  GstObjectPtr<GstBus> bus(gst_element_get_bus(pipeline.get()));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  std::map<guint64, guint> bucket_ms, segment_ms;
  std::map<guint64, double> level;
  std::map<guint64, std::string> files;
  while (true) {
    MessagePtr message(gst_bus_timed_pop_filtered(
        bus.get(), 20 * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS)));
    ASSERT_TRUE(message);
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) break;
    const guint64 bucket = u64(message, "bucket-utc");
    if (gst_message_has_name(message.get(), messages::kSegment)) {
      segment_ms[bucket] = u32(message, "bucket-ms");
      files[bucket] = text(message, "location");
      continue;
    }
    bucket_ms[bucket] = u32(message, "bucket-ms");
    const GValue* metrics =
        gst_structure_get_value(gst_message_get_structure(message.get()), "metrics");
    const GValue* rms =
        gst_structure_get_value(gst_value_get_structure(metrics), "audio_level_dbfs");
    gst_structure_get_double(gst_value_get_structure(rms), "avg", &level[bucket]);
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  EXPECT_EQ(bucket_ms, segment_ms);
  ASSERT_FALSE(files.empty());
  for (const auto& [bucket, file] : files) {
    const auto stats = sox_stats(file);
    if (!stats) GTEST_SKIP() << "no sox";
    EXPECT_NEAR(level[bucket], stats->at("RMS lev dB"), 0.1);
  }
}

}  // namespace
}  // namespace dragoman
