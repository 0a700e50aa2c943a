// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal under kill -9 and on a full disk.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>
#include <vector>

#include "launcher/store/retention.h"
#include "tests/launcher/store/small_disk.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using JournalCrashTest = StoreTest;

KnobEventRow knob_event(uint64_t number) {
  return {"t1", "St_3", "gain_db", "", std::to_string(number), "test", kNoon};
}

/// Writes rows from `next` on for ever, in flushes of one to nine, and tells each flushed number.
/// Meanwhile what is old is removed.
[[noreturn]] void write_until_killed(const std::string& path, uint64_t next, int report) {
  g_log_set_writer_func(
      [](GLogLevelFlags, const GLogField*, gsize, gpointer) { return G_LOG_WRITER_HANDLED; },
      nullptr, nullptr);
  auto journal = Journal::open(path, {.interval = std::chrono::milliseconds(1)});
  Retention retention({.database = path,
                       .audio_folder = path + ".audio",
                       .keep = std::chrono::hours(1),
                       .interval = std::chrono::milliseconds(5),
                       .now = [] { return kNoon; }});
  for (;; ++next) {
    journal->append(metric_row(next));
    MetricRow old = metric_row(next, "old");
    old.bucket_ts -= 1000 * 3600 * kSecondNs;
    journal->append(old);
    journal->append(knob_event(next));
    UtteranceRow heard = heard_row(static_cast<int>(next));
    journal->append(heard);
    journal->append(said_row("es", "dicho", heard.clause));
    if (next % 9 != 0) continue;
    journal->flush();
    if (::write(report, &next, sizeof next) != sizeof next) std::_Exit(1);
  }
}

/// Starts such a writer, kills it after `life`, and returns the last number it said was flushed.
uint64_t write_and_kill(const std::string& path, uint64_t next, std::chrono::milliseconds life) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) write_until_killed(path, next, ends[1]);
  ::close(ends[1]);
  uint64_t flushed = next - 1, number = 0;
  const Clock::time_point end = Clock::now() + life;
  bool killed = false;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd wait{ends[0], POLLIN, 0};
    if (!killed && (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0)) {
      ::kill(child, SIGKILL);
      killed = true;
    }
    if (::read(ends[0], &number, sizeof number) != sizeof number) break;
    flushed = number;
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
  return flushed;
}

/// Numbers that a writer was told are in the database.
struct Acknowledged {
  uint64_t first, last;
};

class KillTest : public JournalCrashTest {
 protected:
  /// Each kind's different numbers and rows among the acknowledged: both must be their count.
  std::string rows_of(const Acknowledged& numbers) const {
    const std::string range =
        " BETWEEN " + std::to_string(numbers.first) + " AND " + std::to_string(numbers.last);
    const std::string metric = "(strftime('%s', bucket_ts) - 1772366400) / 5";
    return ask(
        "SELECT (SELECT count(DISTINCT clause) || '/' || count(*) FROM utterances WHERE"
        " translation = 'dicho' AND clause" +
        range +
        ") || ' ' ||"
        " (SELECT count(DISTINCT new_value) || '/' || count(*) FROM knob_events WHERE"
        " CAST(new_value AS INTEGER)" +
        range +
        ") || ' ' ||"
        " (SELECT count(DISTINCT bucket_ts) || '/' || count(*) FROM metrics_agg_5s WHERE"
        " trace_id = 't1' AND " +
        metric + range + ")");
  }
  static std::string expected(const Acknowledged& numbers) {
    const std::string count = std::to_string(numbers.last - numbers.first + 1);
    const std::string both = count + "/" + count;
    return both + " " + both + " " + both;
  }
};

TEST_F(KillTest, no_acknowledged_row_is_lost_or_doubled_by_fifty_kills) {
  std::mt19937 random(20260301);
  std::vector<Acknowledged> all;
  uint64_t next = 1, acknowledged = 0;
  for (int round = 0; round < 50; ++round) {
    const uint64_t last =
        write_and_kill(path(), next, std::chrono::milliseconds(40 + random() % 250));
    Journal::open(path());
    ASSERT_EQ(ask("PRAGMA integrity_check"), "ok");
    if (last >= next) {
      all.push_back({next, last});
      acknowledged += last - next + 1;
      ASSERT_EQ(rows_of(all.back()), expected(all.back())) << "round " << round;
    }
    // What was written and not told of any more has a number of its own.
    next = std::max(last, static_cast<uint64_t>(std::stoull(
                              ask("SELECT coalesce(max(clause), 0) FROM utterances")))) +
           10;
  }
  for (const Acknowledged& numbers : all) EXPECT_EQ(rows_of(numbers), expected(numbers));
  EXPECT_EQ(ask("SELECT count(*) FROM (SELECT 1 FROM knob_events GROUP BY new_value HAVING "
                "count(*) > 1)"),
            "0");
  std::printf("%zu of 50 writers had acknowledged %lu numbers; %s old rows were left\n", all.size(),
              acknowledged,
              ask("SELECT count(*) FROM metrics_agg_5s WHERE trace_id = 'old'").c_str());
  EXPECT_GT(acknowledged, 100u) << "the writers hardly wrote, so the kills proved nothing";
  EXPECT_NE(ask("SELECT count(*) FROM metrics_agg_5s WHERE trace_id = 'old'"),
            ask("SELECT count(*) FROM metrics_agg_5s WHERE trace_id = 't1'"))
      << "nothing old was removed meanwhile";
}

TEST_F(JournalCrashTest, a_full_disk_loses_nothing_that_fits_in_the_queue) {
  SmallDisk disk(folder(), "1m");
  if (!disk.mounted()) {
    GTEST_SKIP() << "no small disk can be mounted here: " << std::strerror(errno);
  }
  auto journal = Journal::open(path(), {.queue_limit = 100});
  disk.fill();
  journal->append(trace_row());
  for (uint64_t row = 0; row < 120; ++row) journal->append(metric_row(row));
  journal->flush();
  EXPECT_EQ(journal->waiting(), 100u);
  EXPECT_EQ(journal->dropped(), 21u);
  EXPECT_EQ(journal->health().dropped.text(), "21 metrics");
  EXPECT_NE(journal->health().last_error.find("the disk is full; free some space"),
            std::string::npos);
  disk.make_room();
  journal->flush();
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(journal->health().last_error, "");
  EXPECT_EQ(ask("SELECT (SELECT count(*) FROM traces) || '+' || (SELECT count(*) FROM "
                "metrics_agg_5s)"),
            "1+99");
  journal.reset();
}

}  // namespace
}  // namespace dragoman
