// SPDX-License-Identifier: LGPL-2.1-or-later
// The retention in a real PostgreSQL: what goes and what stays, and that nobody waits for it.
#include "launcher/store/pg_retention.h"

#include <gmock/gmock.h>

#include <atomic>

#include "launcher/store/iso_time.h"
#include "launcher/store/pg_schema.h"
#include "tests/launcher/store/other_writer.h"
#include "tests/launcher/store/shipper_fixture.h"

namespace dragoman {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

constexpr uint64_t kHourNs = 3600 * kSecondNs;
constexpr char kBuckets[] =
    "SELECT count(*) FROM (SELECT trace_id, station_key, tap, bucket_ts FROM metrics_agg_5s EXCEPT "
    "SELECT * FROM station_buckets) a FULL JOIN (SELECT * FROM station_buckets EXCEPT SELECT "
    "trace_id, station_key, tap, bucket_ts FROM metrics_agg_5s) b ON false";

/// A row of each kind in a call that began at `start` (and ended a minute later), all of its time.
std::string call_sql(const std::string& trace, const std::string& start) {
  const std::string at = "'" + start + "'::timestamptz", id = "'" + trace + "'";
  return "INSERT INTO traces VALUES (" + id + ", " + at + ", " + at +
         " + interval '1 min', '3333');" + "INSERT INTO metrics_agg_5s SELECT " + id +
         ", 'St_3', 'PRE', 'parameter_' || p, " + at +
         ", 5000, 1, 1, 1, 1, 1 FROM generate_series(1, 5) p;" +
         "INSERT INTO audio_segments_5s VALUES (" + id + ", 'St_3', 'PRE', " + at +
         ", 5000, 16000, 1, 'WAV_PCM_S16LE_MONO', '/a.wav');" +
         "INSERT INTO knob_snapshots_5s VALUES (" + id + ", 'St_3', " + at + ", '{}');" +
         "INSERT INTO knob_events (trace_id, knob_key, created_at) VALUES (" + id +
         ", 'gain_db', " + at + ");" +
         "INSERT INTO utterances (trace_id, channel, utterance, clause, start_at) VALUES (" + id +
         ", 'c', 1, 0, " + at + ");" +
         "INSERT INTO utterances (trace_id, channel, utterance, clause) VALUES (" + id +
         ", 'c', 1, 1);";
}

class PgRetentionTest : public ShipperTest {
 protected:
  void SetUp() override {
    ShipperTest::SetUp();
    if (IsSkipped()) return;
    PgConnection connection(PgTarget(server().conninfo(), ""), {});
    migrate(connection, known_pg_migrations());
  }
  /// It is noon, here and on the server, and three days are kept.
  static PgRetentionOptions options() { return options_at(kNoon); }
  static PgRetentionOptions options_at(uint64_t now) {
    return {.keep = hours(72),
            .interval = hours(1),
            .timeouts = {.connect = milliseconds(5000), .statement = milliseconds(5000)},
            .now = [now] { return now; },
            .server_now = "'" + iso_time(now) + "'::timestamptz"};
  }
  static std::unique_ptr<PgRetention> retain() { return retain(options()); }
  static std::unique_ptr<PgRetention> retain(const PgRetentionOptions& how) {
    return std::make_unique<PgRetention>(PgTarget(server().conninfo(), ""), how);
  }
  static bool ran(const PgRetention& retention, uint64_t runs = 1) {
    return eventually([&] { return retention.health().runs >= runs; }, 60);
  }
  /// `rows` metrics of a thousand calls, two weeks old, 22 of a bucket.
  static void fill_old(int rows) {
    server().run(
        "INSERT INTO metrics_agg_5s SELECT 'call-' || i / 22 % 1000, 'St_3', 'PRE', 'parameter_' "
        "|| i % 22, '2026-02-15T12:00:00Z'::timestamptz + i / 22000 * interval '5 s', 5000, 250, "
        "-60, -12, -24.5, -30 FROM generate_series(0, " +
        std::to_string(rows - 1) + ") i; ANALYZE metrics_agg_5s");
  }
};

TEST_F(PgRetentionTest, what_is_old_goes_and_what_is_young_stays) {
  server().run(call_sql("old", "2026-02-26T11:00:00Z") + call_sql("young", "2026-02-26T12:00:01Z"));
  auto retention = retain();
  ASSERT_TRUE(ran(*retention)) << retention->health().last_error;
  EXPECT_EQ(ask_server(kCounts), "1 2 1 1 1 5");
  EXPECT_EQ(
      ask_server("SELECT string_agg(DISTINCT trace_id, ',') FROM (SELECT trace_id FROM traces "
                 "UNION SELECT trace_id FROM utterances UNION SELECT trace_id FROM "
                 "knob_events UNION SELECT trace_id FROM metrics_agg_5s) x"),
      "young");
  EXPECT_EQ(ask_server("SELECT count(*) FROM station_snapshots"), "1");
  const PgRetentionHealth health = retention->health();
  EXPECT_EQ(health.deleted.text(),
            "5 metrics, 1 knob snapshots, 1 segments, 2 utterances, 1 knob events, 1 traces");
  EXPECT_EQ(health.keep, hours(72));
  EXPECT_GT(health.last_run, kNoon);
  EXPECT_GT(health.longest_step.count(), 0);
  EXPECT_EQ(health.last_error, "");
}

TEST_F(PgRetentionTest, a_trace_stays_while_its_call_goes_on_or_something_of_it_is_left) {
  server().run(
      call_sql("running", "2026-02-20T12:00:00Z") + call_sql("long", "2026-02-20T12:00:00Z") +
      "UPDATE traces SET ended_at = NULL WHERE trace_id = 'running';"
      "UPDATE knob_snapshots_5s SET bucket_ts = '2026-03-01T11:00:00Z' WHERE trace_id = 'long'");
  auto retention = retain();
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(ask_server("SELECT string_agg(trace_id, ',' ORDER BY 1) FROM traces"), "long,running");
  EXPECT_EQ(ask_server("SELECT string_agg(trace_id || clause, ',') FROM utterances"), "running1");
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "0");
}

TEST_F(PgRetentionTest, nothing_goes_when_rows_are_kept_for_ever) {
  server().run(call_sql("old", "2020-01-01T00:00:00Z"));
  PgRetentionOptions for_ever = options();
  for_ever.keep = hours(0);
  auto retention = retain(for_ever);
  retention->run_now();
  // One that keeps three days, in another database, comes twice meanwhile.
  server().make_database("control");
  const PgTarget control(server().conninfo("control"), "");
  {
    PgConnection connection(control, {});
    migrate(connection, known_pg_migrations());
    connection.run(call_sql("old", "2020-01-01T00:00:00Z"));
  }
  PgRetention other(control, options());
  ASSERT_TRUE(ran(other));
  other.run_now();
  ASSERT_TRUE(ran(other, 2));
  EXPECT_EQ(other.health().deleted.total(), 11u);
  EXPECT_EQ(retention->health().attempts, 0u);
  EXPECT_EQ(ask_server(kCounts), "1 2 1 1 1 5");
}

TEST_F(PgRetentionTest, a_clock_that_is_days_ahead_takes_no_young_row_and_is_told_of) {
  server().run(call_sql("old", "2026-02-26T11:00:00Z") + call_sql("young", "2026-02-26T12:00:01Z"));
  PgRetentionOptions ahead = options();
  ahead.now = [] { return kNoon + 4 * 24 * kHourNs; };
  PgRetentionOptions behind = options_at(kNoon + 4 * 24 * kHourNs);
  behind.now = [] { return kNoon; };
  for (const auto& [how, what] : {std::pair(ahead, "its clock is 96 h behind this machine's"),
                                  std::pair(behind, "its clock is 96 h ahead of this machine's")}) {
    auto retention = retain(how);
    ASSERT_TRUE(ran(*retention));
    EXPECT_THAT(retention->health().last_error,
                AllOf(HasSubstr("monitoring_v2"), HasSubstr(what), HasSubstr("timedatectl")));
    EXPECT_EQ(retention->health().failed, 0u);
    EXPECT_EQ(ask_server(kCounts), "1 2 1 1 1 5");
    EXPECT_EQ(ask_server("SELECT trace_id FROM traces"), "young");
  }
  auto retention = retain();
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(retention->health().last_error, "");
}

TEST_F(PgRetentionTest, a_clock_that_is_days_ahead_is_measured_by_the_servers_own) {
  server().run(call_sql("young", "now") + "UPDATE traces SET ended_at = now()");
  PgRetentionOptions ahead{.keep = hours(72)};
  ahead.now = [] { return static_cast<uint64_t>(g_get_real_time()) * 1000 + 4 * 24 * kHourNs; };
  auto retention = retain(ahead);
  ASSERT_TRUE(ran(*retention));
  EXPECT_THAT(retention->health().last_error, HasSubstr("96 h behind"));
  EXPECT_EQ(ask_server(kCounts), "1 2 1 1 1 5");
  retention = retain({.keep = hours(72)});
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(retention->health().last_error, "");
}

TEST_F(PgRetentionTest, what_it_removed_is_not_shipped_again) {
  append_one_of_each(*journal_);
  journal_->flush();
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  server().run("UPDATE traces SET ended_at = started_at");
  auto retention = retain(options_at(kNoon + 73 * kHourNs));
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(ask_server(kCounts), "0 0 0 0 0 0");
  shipper = start();
  journal_->append(metric_row(73 * 720));
  journal_->flush();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server(kCounts), "0 0 0 0 0 1");
  EXPECT_EQ(shipper->status().rows_shipped, 1u);
}

TEST_F(PgRetentionTest,
       rows_that_are_old_when_they_come_go_at_the_next_run_while_shipping_goes_on) {
  auto retention = retain(options_at(kNoon + 90 * 24 * kHourNs));
  append_metrics(0, 30'000);
  auto shipper = start();
  ASSERT_TRUE(eventually([&] {
    retention->run_now();
    return shipper->status().rows_shipped == 30'000;
  }));
  ASSERT_TRUE(eventually([&] {
    retention->run_now();
    return retention->health().deleted[RowKind::kMetric] == 30'000;
  }));
  EXPECT_EQ(shipper->status().attempts, 0u);
  retention.reset();
  EXPECT_EQ(ask_server(kBuckets), "0");
}

TEST_F(PgRetentionTest, a_server_killed_in_the_middle_leaves_all_as_it_should_be_in_the_end) {
  fill_old(200'000);
  server().run(call_sql("young", "2026-03-01T11:00:00Z"));
  PgRetentionOptions small = options();
  small.step = milliseconds(1);
  auto retention = retain(small);
  ASSERT_TRUE(eventually(
      [&] { return std::stoi(ask_server("SELECT count(*) FROM metrics_agg_5s")) < 190'000; }));
  server().kill();
  ASSERT_TRUE(eventually([&] { return retention->health().failed == 1; }));
  EXPECT_THAT(retention->health().last_error, HasSubstr("PostgreSQL monitoring_v2"));
  EXPECT_EQ(retention->health().runs, 0u);
  server().start();
  EXPECT_GT(std::stoi(ask_server("SELECT count(*) FROM metrics_agg_5s")), 5);
  EXPECT_EQ(ask_server(kBuckets), "0");
  retention->run_now();
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(retention->health().last_error, "");
  EXPECT_EQ(ask_server(kCounts), "1 2 1 1 1 5");
  EXPECT_EQ(ask_server(kBuckets), "0");
}

TEST_F(PgRetentionTest, comes_again_soon_when_the_server_was_away) {
  PgRetentionOptions soon = options();
  soon.retry = milliseconds(50);
  server().kill();
  auto retention = retain(soon);
  ASSERT_TRUE(eventually([&] { return retention->health().failed >= 2; }));
  server().start();
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(retention->health().last_error, "");
}

TEST_F(PgRetentionTest, launchers_that_share_a_database_remove_each_row_once) {
  fill_old(100'000);
  PgRetentionOptions small = options();
  small.step = milliseconds(1);
  auto one = retain(small), other = retain(small);
  ASSERT_TRUE(eventually(
      [&] {
        for (PgRetention* each : {one.get(), other.get()})
          if (each->health().runs == 0) each->run_now();
        return one->health().runs > 0 && other->health().runs > 0;
      },
      60));
  EXPECT_EQ(one->health().deleted.total() + other->health().deleted.total(), 100'000u);
  EXPECT_EQ(one->health().last_error + other->health().last_error, "");
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "0");
  EXPECT_EQ(ask_server("SELECT count(*) FROM station_buckets"), "0");
}

TEST_F(PgRetentionTest, rows_that_another_holds_are_passed_over_and_go_later) {
  fill_old(2200);
  PgConnection holder(PgTarget(server().conninfo(), ""), {});
  holder.run("BEGIN; SELECT * FROM metrics_agg_5s WHERE trace_id = 'call-7' FOR UPDATE");
  auto retention = retain();
  ASSERT_TRUE(ran(*retention)) << retention->health().last_error;
  EXPECT_EQ(ask_server("SELECT string_agg(DISTINCT trace_id, ',') FROM metrics_agg_5s"), "call-7");
  holder.run("COMMIT");
  retention->run_now();
  ASSERT_TRUE(ran(*retention, 2));
  EXPECT_EQ(ask_server("SELECT count(*) FROM station_buckets"), "0");
}

TEST_F(PgRetentionTest, a_bucket_whose_measurements_are_gone_goes_too) {
  server().run("INSERT INTO station_buckets VALUES ('t', 'St_3', 'PRE', '2026-02-01T00:00:00Z')");
  auto retention = retain();
  ASSERT_TRUE(ran(*retention));
  EXPECT_EQ(ask_server("SELECT count(*) FROM station_buckets"), "0");
}

// Rows are told apart by their place, which is a row's own in its partition only.
TEST_F(PgRetentionTest, young_rows_of_a_partitioned_table_stay_and_old_ones_go) {
  server().run(
      "ALTER TABLE metrics_agg_5s RENAME TO plain; CREATE TABLE metrics_agg_5s (LIKE plain "
      "INCLUDING ALL) PARTITION BY RANGE (bucket_ts); CREATE TABLE first PARTITION OF "
      "metrics_agg_5s FOR VALUES FROM ('2026-01-01') TO ('2026-02-10'); CREATE TABLE second "
      "PARTITION OF metrics_agg_5s FOR VALUES FROM ('2026-02-10') TO ('2026-02-20'); CREATE TABLE "
      "rest PARTITION OF metrics_agg_5s DEFAULT");
  const auto fill = [](const std::string& trace, const std::string& start) {
    server().run("INSERT INTO metrics_agg_5s SELECT '" + trace +
                 "', 'St_3', 'PRE', 'parameter_' || i % 20, '" + start +
                 "'::timestamptz + i / 20 * interval '5 s', 5000, 1, 1, 1, 1, 1 FROM "
                 "generate_series(0, 1999) i");
  };
  fill("oldest", "2026-02-01T12:00:00Z");
  fill("old", "2026-02-15T12:00:00Z");
  fill("young", "2026-03-01T11:00:00Z");
  PgConnection holder(PgTarget(server().conninfo(), ""), {});
  holder.run(
      "BEGIN; SELECT * FROM metrics_agg_5s WHERE trace_id = 'old' AND metric_key = 'parameter_7' "
      "FOR UPDATE");
  auto retention = retain();
  ASSERT_TRUE(ran(*retention)) << retention->health().last_error;
  EXPECT_EQ(ask_server("SELECT string_agg(trace_id || ' ' || rows, ',' ORDER BY trace_id) FROM "
                       "(SELECT trace_id, count(*) AS rows FROM metrics_agg_5s GROUP BY 1) x"),
            "old 100,young 2000");
  EXPECT_EQ(ask_server("SELECT string_agg(relname::text, ',' ORDER BY relname::text) FROM pg_class "
                       "WHERE relname IN ('first', 'second', 'rest') AND reltuples > 0"),
            "first,rest,second")
      << "analyzed, as they were new";
  EXPECT_EQ(retention->health().deleted[RowKind::kMetric], 3900u);
}

// As after days without a call: all had been removed when the table was analyzed last.
TEST_F(PgRetentionTest, reads_little_of_what_stays_even_where_statistics_are_of_an_emptied_table) {
  const std::string young =
      "INSERT INTO metrics_agg_5s SELECT 'young', 'St_' || i / 1000, 'PRE', 'parameter_' || i % "
      "20, '2026-03-01T11:00:00Z'::timestamptz + i / 20 % 50 * interval '5 s', 5000, 250, -60, "
      "-12, -24.5, -30 FROM generate_series(0, 49999) i;";
  server().run(
      young +
      "INSERT INTO traces SELECT 'empty-' || i, '2026-02-20T12:00:00Z', '2026-02-20T12:01:00Z', "
      "'3333' FROM generate_series(1, 1000) i; DELETE FROM metrics_agg_5s; ANALYZE;" +
      young);
  server().run(call_sql("old", "2026-02-20T12:00:00Z") + "SELECT pg_stat_reset()");
  auto retention = retain();
  ASSERT_TRUE(ran(*retention)) << retention->health().last_error;
  EXPECT_EQ(retention->health().deleted[RowKind::kTrace], 1001u);
  retention.reset();
  constexpr char kRead[] =
      "SELECT (SELECT coalesce(seq_tup_read, 0) FROM pg_stat_user_tables WHERE relname = "
      "'metrics_agg_5s') + (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE "
      "relname = 'metrics_agg_5s')";
  EXPECT_TRUE(eventually([&] { return ask_server(kRead) != "0"; }));
  EXPECT_LT(std::stod(ask_server(kRead)), 5000) << "of 50 000 that stay";
}

TEST_F(PgRetentionTest, missing_rights_are_named_with_the_cure) {
  server().run(
      "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA "
      "public TO reader");
  PgRetention retention(PgTarget(server().conninfo() + " user=reader", ""), options());
  ASSERT_TRUE(eventually([&] { return retention.health().failed > 0; }));
  EXPECT_THAT(retention.health().last_error, HasSubstr("let the role reader write there"));
}

TEST_F(PgRetentionTest, a_database_without_tables_yet_is_left_alone) {
  server().make_database("bare");
  PgRetention retention(PgTarget(server().conninfo("bare"), ""), options());
  ASSERT_TRUE(eventually([&] { return retention.health().attempts == 1; }));
  const PgRetentionHealth health = retention.health();
  EXPECT_EQ(health.runs + health.yielded + health.failed, 0u);
  EXPECT_EQ(health.last_error, "");
  EXPECT_EQ(server().ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "bare"),
            "0");
  PgConnection connection(PgTarget(server().conninfo("bare"), ""), {});
  migrate(connection, known_pg_migrations());
  retention.run_now();
  EXPECT_TRUE(ran(retention)) << "when the tables are there";
}

TEST_F(PgRetentionTest, ends_at_once_in_the_middle_of_a_step) {
  fill_old(2200);
  server().run(
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); "
      "RETURN NULL; END $$; CREATE TRIGGER slow AFTER DELETE ON metrics_agg_5s FOR EACH STATEMENT "
      "EXECUTE FUNCTION slow()");
  auto retention = retain();
  ASSERT_TRUE(eventually([&] {
    return ask_server("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1";
  }));
  const Clock::time_point begin = Clock::now();
  retention.reset();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace dragoman
