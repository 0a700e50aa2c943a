// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman maintain` with a real PostgreSQL.
#include <gmock/gmock.h>

#include "launcher/command.h"
#include "launcher/store/commands.h"
#include "launcher/store/iso_time.h"
#include "launcher/store/maintain/maintain.h"
#include "launcher/store/maintain/steps.h"
#include "launcher/store/pg_schema.h"
#include "tests/launcher/store/postgres_test.h"

namespace dragoman {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class MaintainPostgresTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped()) return;
    g_unsetenv("MONITORING_DB");
    Journal::open(path());
    PgConnection connection(PgTarget(server().conninfo(), ""), {});
    migrate(connection, known_pg_migrations());
    server().run(
        "INSERT INTO metrics_agg_5s SELECT 't', 'St_3', 'PRE', 'snr_db', "
        "'2026-03-01T12:00:00Z'::timestamptz + b * interval '5 s', 5000, 1, 1, 1, 1, 1 FROM "
        "generate_series(0, 999) b");
    options_.config.paths.data = folder();
    options_.config.paths.audio = folder() + "/audio";
    options_.postgresql = server().conninfo();
    options_.now = *parse_iso_time("2026-03-03T12:00:00Z");
  }

  static std::string outcome(std::string (*step)(const MaintainOptions&),
                             const MaintainOptions& options) {
    try {
      return step(options);
    } catch (const MaintainFailure& error) {
      return std::string("failed: ") + error.what();
    }
  }
  /// Exit status and what was printed.
  std::pair<int, std::string> command(const std::string& period, const std::string& conninfo) {
    std::vector<std::string> words = {"maintain", period,         "--data",
                                      folder(),   "--postgresql", conninfo};
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    testing::internal::CaptureStdout();
    const int status = maintain_command(static_cast<int>(words.size()), argv.data());
    return {status, testing::internal::GetCapturedStdout()};
  }

  MaintainOptions options_;
};

TEST_F(MaintainPostgresTest, the_tables_are_vacuumed_and_analyzed) {
  server().run("DELETE FROM metrics_agg_5s WHERE bucket_ts < '2026-03-01T13:00:00Z'");
  EXPECT_EQ(ask_server("SELECT relpages FROM pg_class WHERE relname = 'metrics_agg_5s'"), "0");
  const auto dead = [] {
    return std::stoi(ask_server(
        "SELECT pg_stat_force_next_flush()::text || (SELECT n_dead_tup FROM pg_stat_user_tables "
        "WHERE relname = 'metrics_agg_5s')"));
  };
  EXPECT_TRUE(eventually([&] { return dead() == 720; }));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(
        outcome(maintain::vacuum_postgresql, options_),
        AllOf(HasSubstr("monitoring_v2"), HasSubstr("8 tables, "), Not(HasSubstr("failed"))));
  }
  EXPECT_TRUE(eventually([&] { return dead() == 0; }));
  EXPECT_EQ(ask_server("SELECT reltuples FROM pg_class WHERE relname = 'metrics_agg_5s'"), "280");
  EXPECT_EQ(ask_server("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'station_buckets'"),
            "t");
}

TEST_F(MaintainPostgresTest, shipping_goes_on_beside_a_vacuum) {
  PgConnection writer(PgTarget(server().conninfo(), ""), {});
  writer.run(
      "BEGIN; INSERT INTO metrics_agg_5s VALUES ('t', 'St_3', 'PRE', 'mos', "
      "'2026-03-01T12:00:00Z', 5000, 1, 1, 1, 1, 1)");
  EXPECT_THAT(outcome(maintain::vacuum_postgresql, options_), HasSubstr("8 tables, "));
  EXPECT_NO_THROW(writer.run("COMMIT"));
}

TEST_F(MaintainPostgresTest, tables_of_another_role_are_named) {
  server().run("DROP ROLE IF EXISTS visitor; CREATE ROLE visitor LOGIN");
  options_.postgresql = server().conninfo() + " user=visitor";
  EXPECT_THAT(outcome(maintain::vacuum_postgresql, options_),
              AllOf(HasSubstr("failed: "), HasSubstr("metrics_agg_5s"), HasSubstr("not vacuumed"),
                    HasSubstr("OWNER TO visitor")));
}

TEST_F(MaintainPostgresTest, the_days_check_sees_what_is_older_than_the_retention) {
  EXPECT_THAT(outcome(maintain::check_postgresql, options_),
              HasSubstr("the oldest bucket is of 2026-03-01T12:00:00Z, 72 hours are kept"));
  options_.now = *parse_iso_time("2026-03-05T12:00:00Z");
  EXPECT_THAT(
      outcome(maintain::check_postgresql, options_),
      AllOf(HasSubstr("failed: "), HasSubstr("72 hours are kept"), HasSubstr("'dragoman serve'")));
  options_.config.store.retention_hours = 240;
  EXPECT_THAT(outcome(maintain::check_postgresql, options_), HasSubstr("240 hours are kept"));
  options_.config.store.retention_hours = 0;
  EXPECT_THAT(outcome(maintain::check_postgresql, options_), HasSubstr("everything is kept"));
  server().run("TRUNCATE metrics_agg_5s");
  EXPECT_THAT(outcome(maintain::check_postgresql, options_), HasSubstr("nothing is kept yet"));
}

TEST_F(MaintainPostgresTest, a_database_that_is_not_ours_is_named_with_the_cure) {
  for (auto* step : {maintain::check_postgresql, maintain::vacuum_postgresql}) {
    options_.postgresql = server().conninfo("postgres");
    EXPECT_THAT(outcome(step, options_),
                AllOf(HasSubstr("failed: PostgreSQL postgres on"), HasSubstr("not our tables")));
    options_.postgresql = server().conninfo("nowhere");
    EXPECT_THAT(outcome(step, options_), HasSubstr("createdb -O dragoman nowhere"));
    options_.postgresql = "nonsense";
    EXPECT_THAT(outcome(step, options_),
                AllOf(HasSubstr("[store] postgresql"), HasSubstr("write dbname=")));
  }
}

TEST_F(MaintainPostgresTest, the_month_is_done_and_its_exit_status_says_so) {
  for (int i = 0; i < 2; ++i) {
    const auto [status, text] = command("monthly", server().conninfo());
    EXPECT_EQ(status, kExitOk) << text;
    EXPECT_THAT(text, HasSubstr("8 tables, "));
  }
}

TEST_F(MaintainPostgresTest, a_server_that_is_away_is_named_and_the_other_steps_are_done) {
  server().kill();
  const auto [month, monthly] = command("monthly", server().conninfo());
  EXPECT_EQ(month, kExitFailed);
  EXPECT_THAT(monthly, AllOf(HasSubstr("old reports      ok"), HasSubstr("PostgreSQL       FAILED"),
                             HasSubstr("pg_isready")));
  const auto [day, daily] = command("daily", server().conninfo());
  EXPECT_EQ(day, kExitFailed);
  EXPECT_THAT(daily, AllOf(HasSubstr("PostgreSQL       FAILED"), HasSubstr("orphans          ok"),
                           HasSubstr("report           ok")));
}

TEST_F(MaintainPostgresTest, a_wrong_password_is_named_and_never_told) {
  PostgresCluster guarded({.password = true});
  g_setenv("PGPASSWORD", "geheim", TRUE);
  const auto [status, text] = command("monthly", guarded.conninfo("postgres"));
  g_unsetenv("PGPASSWORD");
  EXPECT_EQ(status, kExitFailed);
  EXPECT_THAT(text, AllOf(HasSubstr("PostgreSQL       FAILED"),
                          HasSubstr("set PGPASSWORD or write ~/.pgpass"),
                          HasSubstr("old reports      ok"), Not(HasSubstr("geheim"))));
}

}  // namespace
}  // namespace dragoman
