// SPDX-License-Identifier: LGPL-2.1-or-later
// The shipper when PostgreSQL's disk is full.
#include "tests/launcher/store/shipper_fixture.h"
#include "tests/launcher/store/small_disk.h"

namespace dragoman {
namespace {

/// A cluster on a disk of its own. It is this process that sees the disk, and what it starts.
class ShipperDiskTest : public StoreTest {
 protected:
  static constexpr char kSize[] = "128m";

  void SetUp() override {
    if (const auto why = PostgresCluster::missing()) GTEST_SKIP() << *why;
    if (!disk_.mounted()) GTEST_SKIP() << "no disk can be mounted here (it needs root)";
    server_ = std::make_unique<PostgresCluster>(PostgresCluster::Options{.folder = place_.path()});
    server_->make_database();
    journal_ = Journal::open(path());
    shipper_ = std::make_unique<Shipper>(path(), PgTarget(server_->conninfo(), ""), quick());
  }
  void append_metrics(uint64_t first, uint64_t count) {
    for (uint64_t row = first; row < first + count; ++row) {
      journal_->append(metric_row(row));
      if (row % 30'000 == 29'999) journal_->flush();
    }
    journal_->flush();
  }
  /// A server that cannot write its log gives up: whoever makes room starts it again.
  bool ship(int seconds) {
    return eventually(
        [&] {
          if (!server_->is_running()) server_->start();
          return shipper_->finish(std::chrono::seconds(1));
        },
        seconds);
  }
  bool waits_for(const std::string& text) {
    return eventually([&] {
      const ShipperStatus status = shipper_->status();
      return status.state == ShipperState::kWaiting &&
             status.last_error.find(text) != std::string::npos;
    });
  }
  void expect_each_once(int rows) {
    EXPECT_EQ(server_->ask("SELECT count(*) FROM metrics_agg_5s"), std::to_string(rows));
    EXPECT_EQ(server_->ask("SELECT count(DISTINCT bucket_ts) FROM metrics_agg_5s"),
              std::to_string(rows));
    EXPECT_EQ(shipper_->status().rows_refused, 0u);
    EXPECT_EQ(journal_->dropped(), 0u);
  }

  TempFolder place_;
  SmallDisk disk_{place_.path(), kSize};
  std::unique_ptr<PostgresCluster> server_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Shipper> shipper_;
};

TEST_F(ShipperDiskTest, says_that_it_is_full_keeps_the_rows_and_ships_them_when_there_is_room) {
  append_metrics(0, 1000);
  ASSERT_TRUE(ship(30)) << shipper_->status().last_error;
  disk_.fill();
  append_metrics(1000, 5000);
  EXPECT_TRUE(waits_for("its disk is full; free some space there"))
      << shipper_->status().last_error;
  EXPECT_TRUE(eventually([&] { return shipper_->status().rows_waiting > 0; }));
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), "6000") << "of the journal";
  disk_.make_room();
  ASSERT_TRUE(ship(60)) << shipper_->status().last_error;
  EXPECT_EQ(shipper_->status().last_error, "");
  expect_each_once(6000);
}

TEST_F(ShipperDiskTest, every_row_is_there_once_when_it_runs_full_in_the_middle_again_and_again) {
  uint64_t rows = 0;
  for (const size_t left : {6u, 4u, 2u}) {
    disk_.fill(left << 20);
    append_metrics(rows, 30'000);
    rows += 30'000;
    const bool failed = eventually([&] { return shipper_->status().attempts >= 2; });
    EXPECT_TRUE(failed) << "it did not run full with " << left << " MB";
    disk_.make_room();
    ASSERT_TRUE(ship(60)) << shipper_->status().last_error;
  }
  expect_each_once(static_cast<int>(rows));
}

TEST(TroubleTest, a_server_that_dies_of_its_full_disk_is_told_from_one_that_is_not_there) {
  const PgTarget target("host=/run/pg dbname=monitoring_v2", "");
  const std::string text = trouble(
      target, PgError("",
                      "PANIC:  could not write to file \"pg_wal/xlogtemp.7\": No space left on "
                      "device server closed the connection unexpectedly"));
  EXPECT_NE(text.find("its disk is full; free some space there"), std::string::npos) << text;
}

}  // namespace
}  // namespace dragoman
