// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the retention keeps other users of PostgreSQL waiting.
#include <algorithm>

#include "launcher/store/pg_removal.h"
#include "launcher/store/pg_schema.h"
#include "tests/launcher/store/other_writer.h"
#include "tests/launcher/store/postgres_test.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using PgRetentionLockTest = PostgresTest;

/// Ships a bucket of 22 metrics, and turns to a call that old rows are of, again and again.
class PgWriter {
 public:
  explicit PgWriter(const std::string& conninfo) : thread_([this, conninfo] { run(conninfo); }) {}
  ~PgWriter() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  size_t written() const { return written_; }
  /// The waits since the last call, the shortest first. Before stop() only when nobody writes.
  std::vector<double> waits_ms() {
    std::lock_guard lock(mutex_);
    std::vector<double> waits = std::exchange(waits_ms_, {});
    std::sort(waits.begin(), waits.end());
    return waits;
  }

 private:
  void run(const std::string& conninfo) {
    PgConnection connection(PgTarget(conninfo, ""), {});
    for (; !stopping_; ++written_) {
      const Clock::time_point begin = Clock::now();
      connection.run(
          "BEGIN; INSERT INTO metrics_agg_5s SELECT 'new', 'St_3', 'PRE', 'parameter_' || p, "
          "'2026-03-01T12:00:00Z'::timestamptz + interval '5 s' * " +
          std::to_string(written_) +
          ", 5000, 250, -60, -12, -24.5, -30 FROM generate_series(0, 21) p; UPDATE traces SET "
          "channels = channels WHERE trace_id = 'call-1'; COMMIT");
      {
        const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
        std::lock_guard lock(mutex_);
        waits_ms_.push_back(took.count());
      }
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  std::atomic<bool> stopping_ = false;
  std::atomic<size_t> written_ = 0;
  std::mutex mutex_;
  std::vector<double> waits_ms_;
  std::thread thread_;
};

TEST_F(PgRetentionLockTest, half_a_million_rows_go_without_holding_up_a_writer) {
  PgConnection connection(PgTarget(server().conninfo(), ""), {});
  migrate(connection, known_pg_migrations());
  connection.run(
      "INSERT INTO traces VALUES ('call-1', '2026-02-15T12:00:00Z', NULL, '3333'); INSERT INTO "
      "metrics_agg_5s SELECT 'call-' || i / 22 % 1000, 'St_3', 'PRE', 'parameter_' || i % 22, "
      "'2026-02-15T12:00:00Z'::timestamptz + i / 22000 * interval '5 s', 5000, 250, -60, -12, "
      "-24.5, -30 FROM generate_series(0, 499999) i; ANALYZE");
  PgWriter writer(server().conninfo());
  ASSERT_TRUE(eventually([&] { return writer.written() >= 300; }));
  const std::vector<double> without = writer.waits_ms();
  Witness witness;
  PgRemoval removal(connection, {.pause = [](std::chrono::nanoseconds time) {
                      std::this_thread::sleep_for(time);
                      return true;
                    }});
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(removal.remove("2026-02-26T12:00:00Z"), PgRemoval::End::kDone);
  const std::chrono::duration<double> took = Clock::now() - begin;
  const PgRemoved removed = removal.take();
  EXPECT_EQ(removed.rows.total(), 500'000u);
  const std::vector<double> with = writer.waits_ms();
  writer.stop();
  const double stall = static_cast<double>(witness.stop().count());
  const auto longest_step = std::chrono::duration<double, std::milli>(removed.longest_step).count();
  ASSERT_GT(with.size(), 100u);
  const double middle_without = without[without.size() / 2], middle = with[with.size() / 2];
  std::printf(
      "500 000 rows in %.1f s, longest step %.0f ms; %zu writes beside it: median %.1f ms, longest "
      "%.0f ms (without it %.1f and %.0f ms); the machine's own longest stall %.0f ms\n",
      took.count(), longest_step, with.size(), middle, with.back(), middle_without, without.back(),
      stall);
  EXPECT_LE(with.back(), 50 + without.back() + stall);
  EXPECT_LE(middle, 3 * middle_without + 2);
  EXPECT_EQ(connection.query("SELECT count(*) FROM traces").text(0, 0), "1");
}

}  // namespace
}  // namespace dragoman
