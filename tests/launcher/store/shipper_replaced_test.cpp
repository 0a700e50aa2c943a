// SPDX-License-Identifier: LGPL-2.1-or-later
// A journal that is damaged, put aside and replaced while the launcher runs: everybody who reads it
// goes on with the new file.
#include <fstream>

#include "launcher/store/backup/recover.h"
#include "launcher/store/retention.h"
#include "tests/launcher/store/shipper_fixture.h"

namespace dragoman {
namespace {

class ReplacedTest : public ShipperTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    journal_ = Journal::open(path(), {.interval = std::chrono::milliseconds(5),
                                      .damaged = [this](const std::string& aside) {
                                        std::lock_guard lock(mutex_);
                                        aside_ = aside;
                                      }});
  }

  void append_event(int number, const std::string& trace = "t1") {
    journal_->append(KnobEventRow{.trace_id = trace,
                                  .station_key = "St_3",
                                  .knob_key = "gain_db",
                                  .new_value = std::to_string(number),
                                  .created_at = kNoon + static_cast<uint64_t>(number) * 1000});
  }
  std::string aside() {
    std::lock_guard lock(mutex_);
    return aside_;
  }

  /// Garbage in the tree of the metrics, which the journal finds when it writes the next.
  void damage() {
    Database database(path(), DatabaseAccess::kReadWrite);
    database.run("PRAGMA busy_timeout = 10000; UPDATE journal_identity SET origin = origin");
    const int64_t root =
        database.number("SELECT rootpage FROM sqlite_schema WHERE name = 'metrics_agg_5s'");
    const int64_t page = database.number("PRAGMA page_size");
    ASSERT_EQ(database.number("PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((root - 1) * page);
    file << std::string(static_cast<size_t>(page), 'x');
  }
  /// Appends until the journal has noticed; how many rows that took.
  uint64_t append_until_replaced(uint64_t first) {
    uint64_t rows = 0;
    eventually([&] {
      append_metrics(first + rows++, 1);
      return !aside().empty();
    });
    journal_->flush();
    return rows;
  }
  void salvage_now() {
    const std::atomic<bool> never = false;
    for (const std::string& damaged : damaged_journals(path())) {
      const JournalSalvage result = salvage_into(damaged, path(), never);
      EXPECT_EQ(result.rows.at("knob_events"), 5u) << result.text();
    }
  }

 private:
  std::mutex mutex_;
  std::string aside_;
};

constexpr char kEvents[] =
    "SELECT string_agg(new_value::text, ' ' ORDER BY new_value::text) FROM knob_events";

TEST_F(ReplacedTest, every_row_is_shipped_once_before_and_after) {
  journal_->append(trace_row());
  for (int event = 1; event <= 3; ++event) append_event(event);
  append_metrics(0, 3000);
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  append_metrics(3000, 500);  // these perhaps not
  append_event(4);
  append_event(5);
  journal_->flush();
  damage();
  const uint64_t more = append_until_replaced(3500);
  ASSERT_NE(aside(), "") << journal_->health().last_error;
  // The new file's events have numbers that the old one's had, too.
  append_event(6);
  append_event(7);
  journal_->flush();
  ASSERT_TRUE(eventually([] { return ask_server(kEvents).ends_with("6 7"); }))
      << "the shipper still reads the file that is aside: " << shipper->status().last_error;
  salvage_now();
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  EXPECT_EQ(ask_server(kEvents), "1 2 3 4 5 6 7");
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), std::to_string(3500 + more));
  EXPECT_EQ(journal_->health().dropped.total(), 0u);

  // And by the next launcher, which knows the new file under the old one's name.
  shipper.reset();
  append_event(8);
  append_metrics(9000, 10);
  shipper = start();
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  EXPECT_EQ(ask_server(kEvents), "1 2 3 4 5 6 7 8");
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), std::to_string(3510 + more));
  for (const char* table : {"knob_events", "metrics_agg_5s", "traces"})
    EXPECT_EQ(ask_server("SELECT count(*) FROM " + std::string(table)),
              ask("SELECT count(*) FROM " + std::string(table)))
        << table;
}

TEST_F(ReplacedTest, the_retention_cleans_up_the_new_file_and_the_log_of_it_stays) {
  append_metrics(0, 2000);
  uint64_t now = kNoon + 100 * kSecondNs;
  std::atomic<uint64_t> clock = now;
  Retention retention({.database = path(),
                       .audio_folder = folder() + "/audio",
                       .keep = std::chrono::hours(1),
                       .interval = std::chrono::milliseconds(20),
                       .disk = {.least_free_bytes = 0},
                       .disk_interval = std::chrono::milliseconds(20),
                       .now = [&clock] { return clock.load(); }});
  ASSERT_TRUE(eventually([&] { return retention.health().runs > 2; }));
  // Somebody who holds the old file open all the time, as a long query does.
  auto held = std::make_unique<Database>(path(), DatabaseAccess::kReadWrite);
  held->number("SELECT count(*) FROM traces");
  damage();
  const uint64_t more = append_until_replaced(2000);
  ASSERT_NE(aside(), "");
  held.reset();  // must not take the new file's log for its own
  EXPECT_TRUE(std::filesystem::exists(path() + "-wal"));
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), std::to_string(more));
  clock = kNoon + 48 * 3600 * kSecondNs;
  ASSERT_TRUE(eventually([this] { return ask("SELECT count(*) FROM metrics_agg_5s") == "0"; }))
      << retention.health().last_error;
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace dragoman
