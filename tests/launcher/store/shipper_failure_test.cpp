// SPDX-License-Identifier: LGPL-2.1-or-later
// The shipper when PostgreSQL is killed, absent, slow or refuses.
#include <signal.h>

#include <fstream>
#include <optional>

#include "tests/launcher/store/shipper_fixture.h"

namespace dragoman {
namespace {

using ShipperFailureTest = ShipperTest;

/// What the process has of memory, in bytes.
size_t resident_bytes() {
  size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

bool waits_for(Shipper& shipper, const std::string& text) {
  return eventually([&] {
    const ShipperStatus status = shipper.status();
    return status.state == ShipperState::kWaiting &&
           status.last_error.find(text) != std::string::npos;
  });
}

TEST_F(ShipperFailureTest, every_row_is_there_once_after_kills_in_mid_batch) {
  auto shipper = start();
  append_metrics(0, 40'000);
  for (int kill = 1; kill <= 3; ++kill) {
    ASSERT_TRUE(eventually([&] {
      return shipper->status().rows_shipped >= static_cast<uint64_t>(kill) * 5000;
    })) << shipper->status().last_error;
    server().kill();
    ASSERT_TRUE(waits_for(*shipper, "PostgreSQL monitoring_v2"));
    server().start();
  }
  append_one_of_each(*journal_);
  journal_->flush();
  ASSERT_TRUE(ship(*shipper, 60)) << shipper->status().last_error;
  EXPECT_EQ(ask_server(kCounts), "1 1 1 1 1 40000");
  EXPECT_EQ(ask_server("SELECT count(DISTINCT bucket_ts) FROM metrics_agg_5s"), "40000");
}

TEST_F(ShipperFailureTest, memory_stays_flat_while_the_server_is_away) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer keeps memory that was freed";
#endif
  auto shipper = start();
  append_metrics(0, 20'000);
  ASSERT_TRUE(ship(*shipper));
  server().kill();
  append_metrics(20'000, 1000);
  ASSERT_TRUE(waits_for(*shipper, "pg_isready"));
  const size_t before = resident_bytes();
  append_metrics(21'000, 99'000);
  ASSERT_TRUE(eventually([&] { return shipper->status().attempts >= 8; }));
  EXPECT_LT(resident_bytes(), before + 40 * 1024 * 1024);
  EXPECT_GT(shipper->status().rows_waiting, 0u);
  server().start();
  ASSERT_TRUE(ship(*shipper, 60));
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "120000");
}

TEST_F(ShipperFailureTest, names_a_missing_database_and_ships_when_it_is_made) {
  append_metrics(0, 10);
  server().run("DROP DATABASE IF EXISTS absent", "postgres");
  auto shipper = start("absent");
  EXPECT_TRUE(waits_for(*shipper, "createdb -O dragoman absent")) << shipper->status().last_error;
  server().make_database("absent");
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(server().ask("SELECT count(*) FROM metrics_agg_5s", "absent"), "10");
}

TEST_F(ShipperFailureTest, names_missing_rights_and_ships_when_they_are_given) {
  server().run(
      "DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN; REVOKE CREATE ON SCHEMA public "
      "FROM PUBLIC");
  append_metrics(0, 10);
  Shipper shipper(path(), PgTarget(server().conninfo() + " user=stranger", ""), quick());
  EXPECT_TRUE(waits_for(shipper, "OWNER TO stranger")) << shipper.status().last_error;
  server().run("GRANT CREATE ON SCHEMA public TO stranger");
  ASSERT_TRUE(ship(shipper)) << shipper.status().last_error;
}

TEST_F(ShipperFailureTest, names_an_unknown_host) {
  Shipper shipper(path(), PgTarget("host=no-such-host.invalid dbname=x", ""), quick());
  EXPECT_TRUE(waits_for(shipper, "no-such-host.invalid")) << shipper.status().last_error;
}

TEST_F(ShipperFailureTest, refuses_a_database_newer_than_it_knows) {
  ASSERT_TRUE(ship(*start()));
  server().run("INSERT INTO schema_migrations (version, name) VALUES (999, 'later')");
  auto shipper = start();
  EXPECT_TRUE(waits_for(*shipper, "start a newer dragoman"));
}

TEST_F(ShipperFailureTest, a_wrong_password_is_named_and_never_told) {
  PostgresCluster guarded({.password = true});
  g_setenv("PGPASSWORD", "geheim", TRUE);
  append_metrics(0, 10);
  Shipper shipper(path(), PgTarget(guarded.conninfo("postgres"), ""), quick());
  EXPECT_TRUE(waits_for(shipper, "PGPASSWORD")) << shipper.status().last_error;
  EXPECT_EQ(shipper.status().last_error.find("geheim"), std::string::npos);
  g_setenv("PGPASSWORD", PostgresCluster::kPassword, TRUE);
  EXPECT_TRUE(ship(shipper)) << shipper.status().last_error;
  EXPECT_EQ(guarded.ask("SELECT count(*) FROM metrics_agg_5s", "postgres"), "10");
  g_unsetenv("PGPASSWORD");
}

TEST_F(ShipperFailureTest, a_server_that_hangs_delays_neither_the_journal_nor_the_end) {
  auto shipper = start();
  append_metrics(0, 10);
  ASSERT_TRUE(ship(*shipper));
  server().run(
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); "
      "RETURN NULL; END $$; CREATE TRIGGER slow AFTER INSERT ON metrics_agg_5s FOR EACH STATEMENT "
      "EXECUTE FUNCTION slow()");
  append_metrics(10, 10);
  ASSERT_TRUE(eventually([&] {
    return ask_server("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1";
  }));
  const auto begin = std::chrono::steady_clock::now();
  append_metrics(20, 1000);
  EXPECT_EQ(journal_->dropped(), 0u);
  shipper.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
  server().run("DROP TRIGGER slow ON metrics_agg_5s");
  shipper = start();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "1020");
}

/// The process of PostgreSQL that serves the shipper. It is stopped: its connection hangs.
class StoppedBackend {
 public:
  explicit StoppedBackend(const std::string& pid) : pid_(std::stoi(pid)) { ::kill(pid_, SIGSTOP); }
  ~StoppedBackend() { resume(); }
  void resume() { ::kill(pid_, SIGCONT); }
  std::string pid() const { return std::to_string(pid_); }

 private:
  const pid_t pid_;
};

constexpr char kBackend[] =
    "SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'dragoman' AND pid <> "
    "pg_backend_pid()";

ShipperOptions impatient() {
  ShipperOptions options = quick();
  options.timeouts.statement = std::chrono::milliseconds(1000);
  options.first_retry = std::chrono::milliseconds(400);
  return options;
}

TEST_F(ShipperFailureTest, leaves_a_connection_that_hangs_for_another) {
  auto shipper = start("monitoring_v2", impatient());
  append_metrics(0, 10);
  ASSERT_TRUE(ship(*shipper));
  StoppedBackend backend(ask_server(kBackend));
  append_metrics(10, 1000);
  EXPECT_TRUE(waits_for(*shipper, "does not answer in time")) << shipper->status().last_error;
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "1010");
}

TEST_F(ShipperFailureTest, a_connection_that_hung_in_mid_batch_undoes_nothing_when_it_goes_on) {
  auto shipper = start("monitoring_v2", impatient());
  append_metrics(0, 10);
  ASSERT_TRUE(ship(*shipper));
  std::optional<StoppedBackend> backend;
  {
    PgConnection holder(PgTarget(server().conninfo(), ""), {});
    holder.run("BEGIN; LOCK TABLE metrics_agg_5s IN EXCLUSIVE MODE");
    append_metrics(10, 100);
    std::string waiting;
    ASSERT_TRUE(eventually([&] {
      waiting = ask_server(std::string(kBackend) + " AND wait_event_type = 'Lock'");
      return waiting != "null";
    }));
    backend.emplace(waiting);
  }
  MetricRow newer = metric_row(50);
  newer.count = 999;
  journal_->append(newer);
  journal_->flush();
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  backend->resume();
  ASSERT_TRUE(eventually([&] {
    return ask_server("SELECT count(*) FROM pg_stat_activity WHERE pid = " + backend->pid()) == "0";
  }));
  EXPECT_EQ(ask_server("SELECT count(*) || ' ' || max(count) FROM metrics_agg_5s"), "110 999");
  EXPECT_EQ(ask_server("SELECT seq FROM shipping_marks WHERE kind = 'metrics_agg_5s'"),
            ask("SELECT max(seq) FROM metrics_agg_5s"));
}

}  // namespace
}  // namespace dragoman
