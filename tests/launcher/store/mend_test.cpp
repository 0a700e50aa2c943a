// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/mend.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <future>

#include "plugins/common/wav_file.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

class MendTest : public StoreTest {
 protected:
  MendTest() : journal_(Journal::open(path())) {}

  std::string audio() const { return folder() + "/audio"; }
  std::string segment_file(const std::string& name, const std::string& trace = "t1") const {
    return audio() + "/2026-03-01/trace_" + trace + "/St_3/PRE/" + name;
  }
  void write_wav(const std::string& path, size_t frames) {
    WavWriter writer;
    ASSERT_EQ(writer.open(path, {}), 0);
    ASSERT_EQ(writer.append(std::vector<int16_t>(frames, 1)), 0);
    ASSERT_EQ(writer.finish(), 0);
  }
  /// What a worker leaves that is killed while it writes `path`.
  void write_part(const std::string& path, size_t frames) {
    const pid_t child = ::fork();
    if (child == 0) {
      WavWriter writer;
      const bool written =
          writer.open(path, {}) == 0 && writer.append(std::vector<int16_t>(frames, 1)) == 0;
      ::kill(written ? ::getpid() : 0, SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    ASSERT_TRUE(std::filesystem::exists(path + ".part"));
  }
  MendResult mend(const std::optional<std::string>& trace = {}) {
    return mend_segments(audio(), trace, path(), *journal_);
  }

  std::unique_ptr<Journal> journal_;
};

TEST_F(MendTest, reads_everything_from_a_path) {
  const auto path = parse_segment_path("audio/",
                                       "audio/2026-03-01/trace_a-b/St_3/POST/"
                                       "20260301T120005Z-2.wav");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->trace_id, "a-b");
  EXPECT_EQ(path->station_key, "St_3");
  EXPECT_EQ(path->tap, "POST");
  EXPECT_EQ(path->bucket_ts, kNoon + 5 * kSecondNs);
  EXPECT_FALSE(parse_segment_path("audio", "audio/2026-03-01/trace_a/St_3/PRE/notes.wav"));
  EXPECT_FALSE(parse_segment_path("audio",
                                  "other/2026-03-01/trace_a/St_3/PRE/"
                                  "20260301T120005Z.wav"));
}

TEST_F(MendTest, a_file_without_a_row_gets_its_row_once) {
  write_wav(segment_file("20260301T120005Z.wav"), 80'000);
  write_wav(segment_file("20260301T120010Z.wav"), 24'000);
  const MendResult first = mend();
  EXPECT_EQ(first.files, 2u);
  EXPECT_EQ(first.rows_added, 2u);
  EXPECT_EQ(ask("SELECT group_concat(bucket_ts || ' ' || bucket_ms || ' ' || trace_id || ' ' || "
                "station_key || ' ' || tap || ' ' || sample_rate_hz, ';') FROM "
                "(SELECT * FROM audio_segments_5s ORDER BY bucket_ts)"),
            "2026-03-01T12:00:05.000000Z 5000 t1 St_3 PRE 16000;"
            "2026-03-01T12:00:10.000000Z 1500 t1 St_3 PRE 16000");
  EXPECT_EQ(mend().rows_added, 0u);
}

TEST_F(MendTest, a_row_that_names_the_file_otherwise_is_enough) {
  write_wav(segment_file("20260301T120005Z.wav"), 80'000);
  SegmentRow row = segment_row(1);
  row.tap = "PRE";
  row.file_path = audio() + "//2026-03-01/./trace_t1/St_3/PRE/20260301T120005Z.wav";
  journal_->append(row);
  EXPECT_EQ(mend().rows_added, 0u);
}

TEST_F(MendTest, what_a_killed_worker_left_is_completed_and_gets_its_row) {
  const std::string file = segment_file("20260301T120005Z.wav");
  write_part(file, 16'000);
  const MendResult result = mend("t1");
  EXPECT_EQ(result.salvaged, 1u);
  EXPECT_EQ(result.rows_added, 1u);
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
  EXPECT_EQ(ask("SELECT bucket_ms || file_path FROM audio_segments_5s"), "1000" + file);
}

TEST_F(MendTest, both_parts_of_a_bucket_that_a_kill_split_have_rows) {
  const std::string file = segment_file("20260301T120005Z.wav");
  write_part(file, 16'000);
  std::filesystem::rename(file + ".part", folder() + "/kept");
  write_wav(file, 32'000);
  std::filesystem::rename(folder() + "/kept", file + ".part");
  mend();
  EXPECT_EQ(ask("SELECT count(*) || ' ' || sum(bucket_ms) FROM audio_segments_5s"), "2 3000");
  EXPECT_EQ(mend().rows_added, 0u);
}

TEST_F(MendTest, a_file_that_is_being_written_is_left_alone) {
  WavWriter writer;
  const std::string file = segment_file("20260301T120005Z.wav");
  ASSERT_EQ(writer.open(file, {}), 0);
  ASSERT_EQ(writer.append(std::vector<int16_t>(100, 1)), 0);
  const MendResult result = mend();
  EXPECT_EQ(result.being_written, 1u);
  EXPECT_EQ(result.rows_added, 0u);
  EXPECT_EQ(writer.finish(), 0);
}

TEST_F(MendTest, rows_without_a_file_are_counted_and_kept) {
  journal_->append(segment_row(0));
  EXPECT_EQ(mend().rows_without_file, 1u);
  EXPECT_EQ(mend("other").rows_without_file, 0u);
  EXPECT_EQ(ask("SELECT count(*) FROM audio_segments_5s"), "1");
}

TEST_F(MendTest, mends_only_the_trace_it_is_asked_for) {
  write_wav(segment_file("20260301T120005Z.wav", "t1"), 80'000);
  write_wav(segment_file("20260301T120005Z.wav", "t2"), 80'000);
  EXPECT_EQ(mend("t2").rows_added, 1u);
  EXPECT_EQ(ask("SELECT group_concat(trace_id) FROM audio_segments_5s"), "t2");
}

TEST_F(MendTest, names_files_that_are_no_segments) {
  std::filesystem::create_directories(segment_file(""));
  std::ofstream(segment_file("20260301T120005Z.wav")) << "no WAV";
  std::ofstream(segment_file("notes.wav")) << "no WAV";
  const MendResult result = mend();
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_NE(result.problems[0].find("20260301T120005Z.wav"), std::string::npos);
  EXPECT_EQ(result.rows_added, 0u);
}

TEST_F(MendTest, the_oldest_segments_are_found_until_that_is_stopped) {
  const std::string old = segment_file("20260301T120000Z.wav", "t9");
  write_wav(segment_file("20260301T120005Z.wav"), 100);
  write_wav(old, 100);
  EXPECT_EQ(oldest_segments(audio(), 1), std::deque{old});
  const std::atomic<bool> stop = true;
  EXPECT_TRUE(oldest_segments(audio(), 1, stop).empty());
}

TEST_F(MendTest, the_mender_works_on_its_own_thread) {
  write_wav(segment_file("20260301T120005Z.wav"), 80'000);
  Mender mender(audio(), path(), *journal_);
  std::promise<MendResult> done;
  mender.mend("t1", [&done](const MendResult& result) { done.set_value(result); });
  auto result = done.get_future();
  ASSERT_EQ(result.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(result.get().rows_added, 1u);
}

/// Takes its time for each segment.
class SlowJournal : public Journal {
 public:
  void append(TraceRow) override {}
  void append(MetricRow) override {}
  void append(SegmentRow) override {
    std::unique_lock lock(mutex_);
    ++segments_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::milliseconds(10), [] { return false; });
  }
  void append(UtteranceRow) override {}
  void append(KnobEventRow) override {}
  void append(KnobSnapshotRow) override {}
  void flush() override {}
  uint64_t dropped() const override { return 0; }
  bool wait_for_a_segment() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [this] { return segments_ > 0; });
  }
  int segments() const { return segments_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> segments_ = 0;
};

TEST_F(MendTest, the_mender_can_be_ended_in_the_middle_of_all_traces) {
  for (int trace = 0; trace < 30; ++trace) {
    for (int second = 10; second < 20; ++second)
      write_wav(segment_file("20260301T1200" + std::to_string(second) + "Z.wav",
                             "t" + std::to_string(trace)),
                100);
  }
  SlowJournal slow;
  auto mender = std::make_unique<Mender>(audio(), path(), slow);
  mender->mend({});
  ASSERT_TRUE(slow.wait_for_a_segment());
  mender.reset();
  EXPECT_LT(slow.segments(), 100) << "of 300";
}

TEST_F(MendTest, rows_without_a_file_are_counted_in_pages_until_it_is_stopped) {
  constexpr int kRows = 2500;
  for (uint64_t number = 0; number < kRows; ++number) journal_->append(segment_row(number));
  EXPECT_EQ(mend().rows_without_file, kRows);
  const std::atomic<bool> stop = true;
  EXPECT_EQ(mend_segments(audio(), {}, path(), *journal_, stop).rows_without_file, 0u);
}

}  // namespace
}  // namespace dragoman
