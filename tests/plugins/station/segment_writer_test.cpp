// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/segment_writer.h"

#include <gst/audio/audio.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <numeric>
#include <random>
#include <vector>

#include "plugins/station/sample_clock.h"
#include "plugins/station/segment_converter.h"
#include "tests/plugins/common/gst_environment.h"

namespace dragoman {
namespace {

using namespace std::chrono_literals;
using Samples = std::vector<int16_t>;

constexpr uint64_t kEdge = 1'700'000'005 * GST_SECOND;

GstAudioInfo format(int rate, int channels = 1, GstAudioFormat sample = GST_AUDIO_FORMAT_S16LE) {
  GstAudioInfo info;
  gst_audio_info_set_format(&info, sample, rate, channels, nullptr);
  return info;
}

Samples noise(size_t samples) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> value(-20000, 20000);
  Samples out(samples);
  for (auto& sample : out) sample = static_cast<int16_t>(value(random));
  return out;
}

/// What became of the files, in memory.
struct Disk {
  struct File {
    std::string path;
    Samples samples;
    bool complete = false;
  };
  std::mutex lock;
  std::vector<File> files;
  int open_error = 0;
  int append_error = 0;
  size_t room = SIZE_MAX;         ///< samples
  std::shared_future<void> gate;  ///< appends wait for it
};

class FakeFile : public SegmentFile {
 public:
  explicit FakeFile(std::shared_ptr<Disk> disk) : disk_(std::move(disk)) {}

  int open(const std::string& path) override {
    std::lock_guard lock(disk_->lock);
    if (disk_->open_error) return disk_->open_error;
    disk_->files.push_back({.path = path});
    open_ = true;
    return 0;
  }
  int append(std::span<const int16_t> samples) override {
    if (disk_->gate.valid()) disk_->gate.wait();
    std::lock_guard lock(disk_->lock);
    Samples& written = disk_->files.back().samples;
    const size_t n = std::min(samples.size(), disk_->room);
    if (disk_->room != SIZE_MAX) disk_->room -= n;
    written.insert(written.end(), samples.begin(), samples.begin() + static_cast<ptrdiff_t>(n));
    return n == samples.size() ? 0 : ENOSPC;
  }
  int finish() override {
    std::lock_guard lock(disk_->lock);
    disk_->files.back().complete = true;
    open_ = false;
    return 0;
  }
  void discard() override {
    std::lock_guard lock(disk_->lock);
    if (open_) disk_->files.pop_back();
    open_ = false;
  }
  uint64_t frames() const override {
    std::lock_guard lock(disk_->lock);
    return open_ ? disk_->files.back().samples.size() : 0;
  }
  std::string location() const override {
    std::lock_guard lock(disk_->lock);
    return disk_->files.back().path;
  }

 private:
  std::shared_ptr<Disk> disk_;
  bool open_ = false;
};

using Incomplete = std::vector<std::pair<uint64_t, uint64_t>>;  // bucket, frames

struct Told : SegmentListener {
  void on_segment(const SegmentInfo& info) override {
    std::lock_guard guard(lock);
    segments.push_back(info);
  }
  void on_disk_trouble(const std::string& folder, int error) override {
    std::lock_guard guard(lock);
    folders.push_back(folder);
    errors.push_back(error);
  }
  void on_incomplete(uint64_t bucket_utc, uint64_t lost_frames) override {
    std::lock_guard guard(lock);
    incomplete.emplace_back(bucket_utc, lost_frames);
  }
  std::mutex lock;
  Incomplete incomplete;
  std::vector<SegmentInfo> segments;
  std::vector<std::string> folders;
  std::vector<int> errors;
};

class Segments : public ::testing::Test {
 protected:
  void start(const GstAudioInfo& info, std::chrono::milliseconds max_queue = 60s,
             std::chrono::milliseconds patience = 10s) {
    info_ = info;
    clock_.set_rate(info.rate);
    writer_ = std::make_unique<SegmentWriter>(
        SegmentWriter::Options{.location = "/audio",
                               .names = {"St_3", "PRE", "t1"},
                               .max_queue = max_queue,
                               .patience = patience,
                               .file = std::make_unique<FakeFile>(disk_)},
        told_, dropped_ns_);
    writer_->queue().set_format(info);
  }

  /// Queues audio at `utc`, cut at the buckets; the frames that found room.
  size_t push(uint64_t utc, std::span<const std::byte> audio) {
    size_t accepted = 0;
    const auto bpf = static_cast<size_t>(info_.bpf);
    uint64_t hole = clock_.place(utc, audio.size() / bpf).hole;
    while (!audio.empty()) {
      const size_t frames = std::min<size_t>(audio.size() / bpf, clock_.frames_left_in_bucket());
      const SegmentPlace place = {clock_.bucket(), clock_.position(), hole, {}};
      accepted += writer_->queue().push(place, audio.first(frames * bpf));
      hole = 0;
      clock_.advance(frames);
      audio = audio.subspan(frames * bpf);
    }
    return accepted;
  }
  size_t push(uint64_t utc, const Samples& samples) {
    return push(utc, std::as_bytes(std::span(samples)));
  }

  Samples all_written() const {
    Samples all;
    for (const Disk::File& file : disk_->files) {
      all.insert(all.end(), file.samples.begin(), file.samples.end());
    }
    return all;
  }

  std::shared_ptr<Disk> disk_ = std::make_shared<Disk>();
  std::shared_ptr<Told> told_ = std::make_shared<Told>();
  std::shared_ptr<std::atomic<uint64_t>> dropped_ns_ = std::make_shared<std::atomic<uint64_t>>(0);
  std::unique_ptr<SegmentWriter> writer_;
  GstAudioInfo info_{};
  SampleClock clock_;
};

TEST_F(Segments, are_bit_exact_for_16_bit_mono_of_16_khz_and_cut_at_the_edges) {
  const Samples audio = noise(16000 * 8);
  start(format(16000));
  push(kEdge - GST_SECOND, audio);
  ASSERT_TRUE(writer_->finish());
  ASSERT_EQ(disk_->files.size(), 3u);
  EXPECT_EQ(disk_->files[0].samples.size(), 16000u);
  EXPECT_EQ(disk_->files[1].samples.size(), 80000u);
  EXPECT_EQ(disk_->files[2].samples.size(), 32000u);
  EXPECT_EQ(all_written(), audio);
  EXPECT_EQ(disk_->files[1].path, "/audio/2023-11-14/trace_t1/St_3/PRE/20231114T221325Z.wav");
  ASSERT_EQ(told_->segments.size(), 3u);
  EXPECT_EQ(told_->segments[1].bucket_utc, kEdge);
  EXPECT_EQ(told_->segments[1].frames, 80000u);
  EXPECT_EQ(*dropped_ns_, 0u);
}

// One conversion of the whole by GStreamer, in one piece, drained with silence.
Samples converted_at_once(const GstAudioInfo& in, std::span<const std::byte> audio) {
  const GstAudioInfo out = format(kSegmentRate);
  GstAudioConverter* converter = gst_audio_converter_new(
      GST_AUDIO_CONVERTER_FLAG_NONE, const_cast<GstAudioInfo*>(&in),
      const_cast<GstAudioInfo*>(&out),
      gst_structure_new("options", GST_AUDIO_CONVERTER_OPT_DITHER_METHOD,
                        GST_TYPE_AUDIO_DITHER_METHOD, GST_AUDIO_DITHER_NONE, nullptr));
  const auto bpf = static_cast<size_t>(in.bpf);
  const size_t frames = audio.size() / bpf;
  std::vector<std::byte> padded(audio.begin(), audio.end());
  padded.resize(padded.size() + 4096 * bpf);
  Samples result(gst_audio_converter_get_out_frames(converter, frames + 4096));
  gpointer from[] = {padded.data()}, to[] = {result.data()};
  gst_audio_converter_samples(converter, GST_AUDIO_CONVERTER_FLAG_NONE, from, frames + 4096, to,
                              result.size());
  gst_audio_converter_free(converter);
  result.resize(gst_util_uint64_scale_round(frames, kSegmentRate, static_cast<guint64>(in.rate)));
  return result;
}

TEST_F(Segments, put_together_are_one_conversion_of_the_whole) {
  for (const GstAudioInfo& in :
       {format(8000), format(44100, 2), format(48000, 2, GST_AUDIO_FORMAT_F32LE), format(11025)}) {
    disk_ = std::make_shared<Disk>();
    clock_ = SampleClock();
    std::vector<std::byte> audio;
    const Samples random =
        noise(static_cast<size_t>(in.rate) * 12 * static_cast<size_t>(in.channels));
    if (GST_AUDIO_INFO_FORMAT(&in) == GST_AUDIO_FORMAT_F32LE) {
      std::vector<float> floats(random.begin(), random.end());
      for (float& sample : floats) sample /= 32768;
      const auto bytes = std::as_bytes(std::span(floats));
      audio.assign(bytes.begin(), bytes.end());
    } else {
      const auto bytes = std::as_bytes(std::span(random));
      audio.assign(bytes.begin(), bytes.end());
    }
    start(in);
    const auto bpf = static_cast<size_t>(in.bpf);
    const size_t step = 333;  // frames
    for (size_t done = 0; done * bpf < audio.size(); done += step) {
      const size_t bytes = std::min(step * bpf, audio.size() - done * bpf);
      push(kEdge - 1'234'567'890 + frames_to_ns(done, in.rate),
           std::span(audio).subspan(done * bpf, bytes));
    }
    ASSERT_TRUE(writer_->finish());
    EXPECT_EQ(disk_->files.size(), 4u);
    EXPECT_EQ(disk_->files[1].samples.size(), 80000u);
    EXPECT_TRUE(all_written() == converted_at_once(in, audio)) << in.rate;
  }
}

TEST_F(Segments, have_silence_where_the_timestamps_have_a_hole) {
  start(format(16000));
  push(kEdge, Samples(16000, 1000));
  push(kEdge + 3 * GST_SECOND, Samples(16000, 2000));
  ASSERT_TRUE(writer_->finish());
  ASSERT_EQ(disk_->files.size(), 1u);
  const Samples& written = disk_->files[0].samples;
  ASSERT_EQ(written.size(), 64000u);
  EXPECT_EQ(written[15999], 1000);
  EXPECT_EQ(written[16000], 0);
  EXPECT_EQ(written[47999], 0);
  EXPECT_EQ(written[48000], 2000);
}

TEST_F(Segments, are_whole_on_both_sides_of_a_hole_across_edges_and_absent_within) {
  start(format(16000));
  push(kEdge, Samples(16000, 1000));
  push(kEdge + 17 * GST_SECOND, Samples(16000, 2000));
  ASSERT_TRUE(writer_->finish());
  ASSERT_EQ(disk_->files.size(), 2u);
  EXPECT_EQ(disk_->files[0].samples.size(), 80000u);
  ASSERT_EQ(disk_->files[1].samples.size(), 48000u);  // 2 s of silence, 1 s of audio
  EXPECT_EQ(disk_->files[1].samples[31999], 0);
  EXPECT_EQ(disk_->files[1].samples[32000], 2000);
  EXPECT_EQ(told_->segments[1].bucket_utc, kEdge + 15 * GST_SECOND);
}

TEST_F(Segments, are_completed_by_time_without_audio) {
  start(format(16000));
  push(kEdge, Samples(16000, 1000));
  writer_->queue().push_time(kEdge + 5 * GST_SECOND);
  ASSERT_TRUE(writer_->queue().wait_until_done(10s));
  ASSERT_EQ(told_->segments.size(), 1u);
  EXPECT_EQ(told_->segments[0].frames, 80000u);
}

TEST_F(Segments, keep_their_file_through_a_new_format) {
  start(format(16000));
  push(kEdge, Samples(16000, 1000));
  info_ = format(8000);
  clock_.set_rate(8000);
  writer_->queue().set_format(info_);
  push(kEdge + GST_SECOND, Samples(8000, 1000));
  ASSERT_TRUE(writer_->finish());
  ASSERT_EQ(disk_->files.size(), 1u);
  EXPECT_EQ(disk_->files[0].samples.size(), 32000u);
}

TEST_F(Segments, go_on_by_themselves_after_a_folder_could_not_be_written) {
  disk_->open_error = EACCES;
  start(format(16000));
  push(kEdge, Samples(80000, 1));
  ASSERT_TRUE(writer_->queue().wait_until_done(10s));
  EXPECT_TRUE(told_->segments.empty());
  EXPECT_EQ(told_->errors, std::vector<int>{EACCES});
  EXPECT_EQ(told_->folders[0], "/audio/2023-11-14/trace_t1/St_3/PRE");
  EXPECT_EQ(*dropped_ns_, 5 * GST_SECOND);
  disk_->open_error = 0;
  push(kEdge + 5 * GST_SECOND, Samples(80000, 2));
  ASSERT_TRUE(writer_->finish());
  ASSERT_EQ(told_->segments.size(), 1u);
  EXPECT_EQ(told_->segments[0].frames, 80000u);
  EXPECT_EQ(*dropped_ns_, 5 * GST_SECOND);
  EXPECT_EQ(told_->incomplete, (Incomplete{{kEdge, 80000}}));
}

TEST_F(Segments, keep_what_had_room_on_a_full_disk_and_count_the_rest) {
  disk_->room = 32000;
  start(format(16000));
  push(kEdge, Samples(80000, 1));
  ASSERT_TRUE(writer_->finish());
  ASSERT_EQ(told_->segments.size(), 1u);
  EXPECT_EQ(told_->segments[0].frames, 32000u);
  EXPECT_EQ(told_->errors, std::vector<int>{ENOSPC});
  EXPECT_EQ(*dropped_ns_, 3 * GST_SECOND);
  EXPECT_EQ(told_->incomplete, (Incomplete{{kEdge, 48000}}));
}

TEST_F(Segments, find_no_room_behind_a_disk_that_hangs_but_hold_nobody_up) {
  std::promise<void> open_gate;
  disk_->gate = open_gate.get_future().share();
  start(format(16000), 1s, 1ms);
  size_t accepted = 0;
  for (int i = 0; i < 500; ++i) accepted += push(kEdge + i * 20 * GST_MSECOND, Samples(320, 1));
  EXPECT_GE(accepted, 16000u);          // the queue
  EXPECT_LT(accepted, 16000u + 16384);  // and what the writer had taken
  EXPECT_FALSE(writer_->finish());
  writer_.reset();  // returns although the thread hangs
  open_gate.set_value();
}

TEST_F(Segments, have_silence_for_what_found_no_room) {
  std::promise<void> open_gate;
  disk_->gate = open_gate.get_future().share();
  start(format(16000), 1s);
  const size_t accepted = push(kEdge, Samples(48000, 1000));
  ASSERT_LT(accepted, 48000u);
  open_gate.set_value();
  ASSERT_TRUE(writer_->queue().wait_until_done(10s));
  const SegmentPlace after = {kEdge, kEdge + 3 * GST_SECOND, 48000 - accepted, {}};
  const Samples more(1600, 2000);
  ASSERT_EQ(writer_->queue().push(after, std::as_bytes(std::span(more))), 1600u);
  ASSERT_TRUE(writer_->finish());
  const Samples& written = disk_->files.at(0).samples;
  ASSERT_EQ(written.size(), 49600u);
  EXPECT_EQ(written[accepted - 1], 1000);
  EXPECT_EQ(written[accepted], 0);
  EXPECT_EQ(written[47999], 0);
  EXPECT_EQ(written[48000], 2000);
}

TEST_F(Segments, stop_waiting_when_interrupted) {
  std::promise<void> open_gate;
  disk_->gate = open_gate.get_future().share();
  start(format(16000), 1s, 60s);
  push(kEdge, Samples(160000, 1));
  auto waiting =
      std::async(std::launch::async, [&] { return writer_->queue().wait_until_done(60s); });
  writer_->queue().interrupt(true);
  ASSERT_EQ(waiting.wait_for(30s), std::future_status::ready);
  EXPECT_FALSE(waiting.get());
  open_gate.set_value();
}

TEST(SegmentPath, is_of_the_buckets_utc_date_and_time) {
  EXPECT_EQ(segment_path("/a", {"St_4", "POST", ""}, 1'795'305'595 * GST_SECOND),
            "/a/2026-11-21/trace_none/St_4/POST/20261121T235955Z.wav");
}

TEST(TapNames, that_could_leave_the_folder_are_refused) {
  for (const char* bad : {"", ".", "..", "a/b", "../x", "a..b", ".hidden", "a\nb"}) {
    EXPECT_NE(invalid_name_reason(bad), "") << bad;
  }
  EXPECT_NE(invalid_name_reason(std::string(129, 'a')), "");
  for (const char* good : {"St_3", "1795333333.17", "6f1c-4e", "caf\xc3\xa9"}) {
    EXPECT_EQ(invalid_name_reason(good), "") << good;
  }
  EXPECT_NE(invalid_names_reason({"St_3", "PRE", "../../etc"}).find("trace"), std::string::npos);
  EXPECT_EQ(invalid_names_reason({"St_3", "PRE", ""}), "");
}

}  // namespace
}  // namespace dragoman
