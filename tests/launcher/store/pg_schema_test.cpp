// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/pg_schema.h"

#include <future>
#include <thread>

#include "tests/launcher/store/postgres_test.h"
#include "tests/launcher/store/seed_queries.h"

namespace dragoman {
namespace {

class PgSchemaTest : public PostgresTest {
 protected:
  PgConnection connect() { return PgConnection(PgTarget(server().conninfo(), ""), {}); }
  void migrate_all() {
    PgConnection connection = connect();
    migrate(connection, known_pg_migrations());
  }
};

/// The statements of a text, each with its ';'.
std::vector<std::string> statements(const std::string& text) {
  std::vector<std::string> found;
  for (size_t at = 0, end; (end = text.find(';', at)) != std::string::npos; at = end + 1)
    found.push_back(text.substr(at, end + 1 - at));
  return found;
}

constexpr char kColumns[] =
    "SELECT string_agg(column_name || ' ' || data_type || coalesce('(' || character_maximum_length "
    "|| ')', '') || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY "
    "ordinal_position) FROM information_schema.columns WHERE table_name = '";
constexpr char kKey[] =
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'p' AND "
    "conrelid::regclass "
    "= '";

TEST_F(PgSchemaTest, has_the_five_tables_with_their_columns_types_and_keys) {
  migrate_all();
  const std::string time = "timestamp with time zone";
  EXPECT_EQ(ask_server(std::string(kColumns) + "traces'"),
            "trace_id character varying(255) NOT NULL, started_at " + time +
                " NOT NULL, ended_at " + time +
                ", src_extension character varying(50) NOT NULL, dst_extension character "
                "varying(50), sample_rate integer, channels integer");
  EXPECT_EQ(ask_server(std::string(kColumns) + "metrics_agg_5s'"),
            "trace_id character varying(255) NOT NULL, station_key character varying(50) NOT NULL, "
            "tap character varying(10) NOT NULL, metric_key character varying(100) NOT NULL, "
            "bucket_ts " +
                time +
                " NOT NULL, bucket_ms integer, count integer NOT NULL, min double precision, max "
                "double precision, avg double precision, last double precision");
  EXPECT_EQ(ask_server(std::string(kColumns) + "audio_segments_5s'"),
            "trace_id character varying(255) NOT NULL, station_key character varying(50) NOT NULL, "
            "tap character varying(10) NOT NULL, bucket_ts " +
                time +
                " NOT NULL, bucket_ms integer, sample_rate_hz integer, channels integer, format "
                "character varying(50), file_path text NOT NULL");
  EXPECT_EQ(ask_server(std::string(kColumns) + "knob_snapshots_5s'"),
            "trace_id character varying(255) NOT NULL, station_key character varying(50) NOT NULL, "
            "bucket_ts " +
                time + " NOT NULL, knob_values jsonb NOT NULL");
  EXPECT_EQ(ask_server(std::string(kColumns) + "knob_events'"),
            "event_id integer NOT NULL, trace_id character varying(255), station_key character "
            "varying(50), knob_key character varying(100) NOT NULL, old_value jsonb, new_value "
            "jsonb, changed_by character varying(100), created_at " +
                time);
  EXPECT_EQ(ask_server(std::string(kKey) + "traces'::regclass"), "PRIMARY KEY (trace_id)");
  EXPECT_EQ(ask_server(std::string(kKey) + "metrics_agg_5s'::regclass"),
            "PRIMARY KEY (trace_id, station_key, tap, metric_key, bucket_ts)");
  EXPECT_EQ(ask_server(std::string(kKey) + "audio_segments_5s'::regclass"),
            "PRIMARY KEY (trace_id, station_key, tap, bucket_ts)");
  EXPECT_EQ(ask_server(std::string(kKey) + "knob_snapshots_5s'::regclass"),
            "PRIMARY KEY (trace_id, station_key, bucket_ts)");
  EXPECT_EQ(ask_server(std::string(kKey) + "knob_events'::regclass"), "PRIMARY KEY (event_id)");
}

TEST_F(PgSchemaTest, the_guides_queries_run_as_printed_and_give_right_numbers) {
  migrate_all();
  server().run(R"sql(
    INSERT INTO metrics_agg_5s
    SELECT c, s, t, k, '2026-03-01T12:00:00Z'::timestamptz + b * interval '5 s', 5000, 250, 0, 99, v + b, 7
      FROM (VALUES ('CALL-1'), ('other')) calls (c), (VALUES ('St_3'), ('St_4')) stations (s),
           (VALUES ('PRE'), ('POST')) taps (t), (VALUES ('snr_db', 20), ('audio_level_dbfs', -30)) metrics (k, v),
           generate_series(0, 29) b;
    INSERT INTO metrics_agg_5s VALUES ('CALL-2', 'St_3', 'PRE', 'snr_db', now() - interval '30 min', 5000, 1, 1, 1, 1, 1);
    INSERT INTO knob_snapshots_5s
    SELECT 'CALL-1', 'St_3', '2026-03-01T12:00:00Z'::timestamptz + b * interval '5 s', '{"gain_db": 6}' FROM generate_series(0, 9) b;
  )sql");
  const std::vector<std::string> reports = statements(kReportQueries);
  ASSERT_EQ(reports.size(), 3u);
  const PgRows recent = connect().query(reports[0]);
  ASSERT_EQ(recent.size(), 20);
  EXPECT_EQ(recent.text(0, 0), "CALL-2");
  EXPECT_EQ(recent.text(0, 3), "1");
  EXPECT_TRUE(recent.is_null(0, 4));
  EXPECT_EQ(recent.text(1, 2), "2026-03-01 12:02:25+00");  // the last bucket: 29
  EXPECT_EQ(recent.text(1, 3), "49");
  EXPECT_EQ(recent.text(1, 4), "-1");
  const PgRows statistics = connect().query(reports[1]);
  ASSERT_EQ(statistics.size(), 2);
  EXPECT_EQ(statistics.text(0, 2), "1");
  EXPECT_EQ(statistics.text(1, 0), "2026-03-01");
  EXPECT_EQ(statistics.text(1, 1), "2");
  EXPECT_EQ(statistics.text(1, 2), "240");
  EXPECT_EQ(std::stod(statistics.text(1, 3)), 34.5);
  const PgRows knobs = connect().query(reports[2]);
  ASSERT_EQ(knobs.size(), 1);
  EXPECT_EQ(knobs.text(0, 0), R"({"gain_db": 6})");
  EXPECT_EQ(knobs.text(0, 1), "20");
  EXPECT_EQ(std::stod(knobs.text(0, 2)), -25.5);
  EXPECT_EQ(connect().query(kCountQuery).text(0, 0), "241");
  const PgRows hour = connect().query(kRecentQuery);
  ASSERT_EQ(hour.size(), 1);
  EXPECT_EQ(hour.text(0, 0) + hour.text(0, 1), "STATION_31");
  const PgRows latest = connect().query(kLatestQuery);
  ASSERT_EQ(latest.size(), 5);
  EXPECT_EQ(latest.text(0, 1), "CALL-2");
  EXPECT_EQ(latest.text(4, 1), "CALL-1");
  EXPECT_NO_THROW(connect().query(kTuneQuery));
}

TEST_F(PgSchemaTest, the_guides_indexes_cannot_be_on_a_view_and_are_there_already) {
  migrate_all();
  server().run(R"sql(
    INSERT INTO metrics_agg_5s
    SELECT 'CALL-' || c, 'St_' || s, 'PRE', 'snr_db', '2026-03-01T12:00:00Z'::timestamptz + (c * 20 + b) * interval '5 s',
           5000, 250, 0, 99, 1, 7
      FROM generate_series(1, 100) c, generate_series(1, 10) s, generate_series(1, 20) b;
    ANALYZE
  )sql");
  for (const std::string& statement : statements(kIndexStatements)) {
    try {
      connect().run(statement);
      FAIL() << statement;
    } catch (const PgError& error) {
      EXPECT_EQ(error.sqlstate(), "42809") << error.what();  // wrong object type
    }
  }
  const auto plan = [this](const std::string& query) {
    const PgRows rows = connect().query("EXPLAIN " + query);
    std::string text;
    for (int row = 0; row < rows.size(); ++row) text += rows.text(row, 0) + "\n";
    return text;
  };
  const std::string by_station = plan(
      "SELECT * FROM station_snapshots WHERE station_id = 'STATION_3' ORDER BY timestamp DESC "
      "LIMIT 20");
  EXPECT_NE(by_station.find("Index Scan Backward using station_buckets_by_station"),
            std::string::npos)
      << by_station;
  const std::string by_call =
      plan("SELECT * FROM station_snapshots WHERE call_id = 'CALL-7' AND channel = 'PRE'");
  EXPECT_NE(by_call.find("on station_buckets_pkey"), std::string::npos) << by_call;
  for (const std::string& each : {by_station, by_call})
    EXPECT_EQ(each.find("Seq Scan on metrics_agg_5s"), std::string::npos) << each;
}

TEST_F(PgSchemaTest, takes_over_a_schema_that_was_dumped_without_rows) {
  migrate_all();
  const std::string identity = ask_server("SELECT id FROM store_identity");
  server().run("TRUNCATE schema_migrations, store_identity");
  migrate_all();
  EXPECT_EQ(ask_server("SELECT max(version) || ' ' || count(*) FROM schema_migrations"),
            std::to_string(known_pg_migrations().size()) + " " +
                std::to_string(known_pg_migrations().size()));
  EXPECT_NE(ask_server("SELECT id FROM store_identity"), identity);
  server().make_database("older");
  PgConnection older(PgTarget(server().conninfo("older"), ""), {});
  migrate(older, known_pg_migrations().first(3));
  older.run("TRUNCATE schema_migrations, store_identity");
  migrate(older, known_pg_migrations());
  EXPECT_EQ(older.query("SELECT count(*) FROM schema_migrations").text(0, 0),
            std::to_string(known_pg_migrations().size()));
}

TEST_F(PgSchemaTest, the_last_hour_is_right_in_every_time_zone_of_a_session) {
  migrate_all();
  server().run(
      "INSERT INTO metrics_agg_5s SELECT 't', 'St_3', 'PRE', 'snr_db', now() - m * interval '1 "
      "min', "
      "5000, 1, 1, 1, 1, 1 FROM (VALUES (10), (70)) x (m)");
  for (const char* zone : {"America/Los_Angeles", "Asia/Tokyo"}) {
    PgConnection connection = connect();
    connection.run(std::string("SET TimeZone = '") + zone + "'");
    EXPECT_EQ(connection.query(kRecentQuery).text(0, 1), "1") << zone;
  }
}

TEST_F(PgSchemaTest, the_view_means_the_same_as_the_journals) {
  migrate_all();
  Journal::open(path());
  constexpr char kRows[] =
      "INSERT INTO metrics_agg_5s SELECT 't', 'St_12', 'POST', k, '2026-03-01T12:00:05.000000Z', "
      "5000, 3, 0, 9, 4, 12 FROM (";
  std::string keys;
  for (const char* key : {"talk_spurt_count", "packets_received", "packets_lost", "packets_late",
                          "packets_duplicated", "packets_reordered", "buffer_underruns",
                          "buffer_overruns", "concealed_ms", "dropped_buffers", "utterances",
                          "provider_errors", "provider_failovers", "snr_db", "audio_level_dbfs"})
    keys += (keys.empty() ? "SELECT '" : " UNION ALL SELECT '") + std::string(key) + "' AS k";
  Database(path(), DatabaseAccess::kReadWrite)
      .run(
          "INSERT INTO metrics_agg_5s (trace_id, station_key, tap, metric_key, bucket_ts, "
          "bucket_ms, count, min, max, avg, last) SELECT 't', 'St_12', 'POST', k, "
          "'2026-03-01T12:00:05.000000Z', 5000, 3, 0, 9, 4, 12 FROM (" +
          keys + ")");
  std::string server_rows = std::string(kRows) + keys + ") x";
  server_rows.replace(server_rows.find("'2026"), 29, "'2026-03-01T12:00:05Z'::timestamptz");
  server().run(server_rows);
  EXPECT_EQ(ask_server("SELECT string_agg(key || '=' || (value::float8)::int, ',' ORDER BY key) "
                       "FROM station_snapshots, jsonb_each_text(metrics)"),
            ask("SELECT group_concat(key || '=' || CAST(value AS INTEGER)) FROM (SELECT j.key, "
                "j.value FROM station_snapshots, json_each(metrics) j ORDER BY 1)"));
  EXPECT_EQ(
      ask_server("SELECT concat_ws('|', station_id, call_id, channel, created_at = timestamp, "
                 "metrics->>'packets_lost', metrics->>'snr_db') FROM station_snapshots"),
      "STATION_12|t|POST|t|12|4");
}

TEST_F(PgSchemaTest, the_view_follows_whoever_changes_the_rows) {
  migrate_all();
  constexpr char kCount[] = "SELECT count(*) FROM station_snapshots";
  server().run(
      "INSERT INTO metrics_agg_5s SELECT 't', 'St_3', 'PRE', 'parameter_' || p, "
      "'2026-03-01T12:00:00Z'::timestamptz + b * interval '5 s', 5000, 1, 1, 1, 1, 1 FROM "
      "generate_series(0, 9) b, generate_series(0, 4) p");
  EXPECT_EQ(ask_server(kCount), "10");
  server().run("DELETE FROM metrics_agg_5s WHERE metric_key = 'parameter_1'");
  EXPECT_EQ(ask_server(kCount), "10");
  server().run("DELETE FROM metrics_agg_5s WHERE bucket_ts < '2026-03-01T12:00:15Z'");
  EXPECT_EQ(ask_server(kCount), "7");
  server().run("UPDATE metrics_agg_5s SET trace_id = 'u' WHERE bucket_ts = '2026-03-01T12:00:15Z'");
  EXPECT_EQ(ask_server("SELECT count(*) FROM station_snapshots WHERE call_id = 'u'"), "1");
  EXPECT_EQ(ask_server(kCount), "7");
  server().run("TRUNCATE metrics_agg_5s");
  EXPECT_EQ(ask_server(kCount), "0");
}

TEST_F(PgSchemaTest, takes_over_a_database_of_plain_tables_with_rows) {
  server().run(R"sql(
    SET TimeZone = 'Asia/Tokyo';
    CREATE TABLE metrics_agg_5s (
        trace_id VARCHAR(255) NOT NULL, station_key VARCHAR(50) NOT NULL, tap VARCHAR(10) NOT NULL,
        metric_key VARCHAR(100) NOT NULL, bucket_ts TIMESTAMP NOT NULL, bucket_ms INTEGER DEFAULT 5000,
        count INTEGER NOT NULL, min DOUBLE PRECISION, max DOUBLE PRECISION, avg DOUBLE PRECISION,
        last DOUBLE PRECISION, PRIMARY KEY (trace_id, station_key, tap, metric_key, bucket_ts));
    INSERT INTO metrics_agg_5s VALUES ('old', 'St_3', 'PRE', 'snr_db', '2026-03-01 12:00:05', 5000, 1, 1, 1, 17, 1);
  )sql");
  migrate_all();
  EXPECT_EQ(ask_server("SELECT created_at || ' ' || (metrics->>'snr_db') FROM station_snapshots"),
            "2026-03-01 12:00:05+00 17");
}

TEST_F(PgSchemaTest, runs_forward_on_a_database_with_rows) {
  PgConnection connection = connect();
  migrate(connection, known_pg_migrations().first(1));
  server().run(
      "INSERT INTO metrics_agg_5s VALUES ('t', 'St_3', 'PRE', 'snr_db', '2026-03-01T12:00:00Z', "
      "5000, 1, 1, 1, 17, 1)");
  migrate(connection, known_pg_migrations());
  migrate(connection, known_pg_migrations());
  EXPECT_EQ(ask_server("SELECT metrics->>'snr_db' FROM station_snapshots"), "17");
  EXPECT_EQ(ask_server("SELECT max(version) || ' ' || count(*) FROM schema_migrations"),
            std::to_string(known_pg_migrations().size()) + " " +
                std::to_string(known_pg_migrations().size()));
}

TEST_F(PgSchemaTest, a_migration_that_fails_leaves_the_database_as_it_was) {
  std::vector<Migration> broken(known_pg_migrations().begin(), known_pg_migrations().end());
  broken.push_back({broken.back().version + 1, "broken", "SELECT nonsense FROM nowhere"});
  PgConnection connection = connect();
  EXPECT_THROW(migrate(connection, broken), PgError);
  EXPECT_EQ(ask_server("SELECT to_regclass('schema_migrations')"), "null");
  migrate(connection, known_pg_migrations());
}

TEST_F(PgSchemaTest, refuses_a_database_newer_than_it_knows) {
  migrate_all();
  server().run("INSERT INTO schema_migrations (version, name) VALUES (999, 'later')");
  try {
    migrate_all();
    FAIL() << "was taken";
  } catch (const SchemaTooNew& error) {
    EXPECT_NE(std::string(error.what()).find("version 999"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("start a newer dragoman"), std::string::npos);
  }
}

TEST_F(PgSchemaTest, every_table_is_a_busy_one_but_those_that_only_tell_what_the_database_is) {
  migrate_all();
  const std::string tables =
      "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = "
      "current_schema() AND tablename ";
  EXPECT_EQ(ask_server(tables + "NOT IN (" + busy_tables() + ")"),
            "schema_migrations,store_identity");
  EXPECT_EQ(ask_server(tables + "IN (" + busy_tables() + ")"),
            "audio_segments_5s,knob_events,knob_snapshots_5s,metrics_agg_5s,shipping_marks,station_"
            "buckets,traces,utterances");
}

TEST_F(PgSchemaTest, launchers_that_migrate_at_once_take_turns) {
  std::vector<std::future<void>> all;
  for (int each = 0; each < 6; ++each)
    all.push_back(std::async(std::launch::async, [this] { migrate_all(); }));
  for (std::future<void>& one : all) EXPECT_NO_THROW(one.get());
  EXPECT_EQ(ask_server("SELECT count(*) FROM schema_migrations"),
            std::to_string(known_pg_migrations().size()));
}

TEST(PgTarget, takes_no_password_and_never_repeats_one) {
  for (const char* conninfo :
       {"dbname=x password=geheim", "postgresql://me:geheim@host/db", "geheim geheim"}) {
    try {
      PgTarget target(conninfo, "");
      FAIL() << conninfo;
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(std::string(error.what()).find("geheim"), std::string::npos) << error.what();
    }
  }
}

TEST(PgTarget, the_named_database_wins) {
  const PgTarget target("dbname=a host=db.example.org user=me", "monitoring_v2");
  EXPECT_EQ(target.name(), "monitoring_v2 on db.example.org");
  EXPECT_EQ(target.user(), "me");
}

}  // namespace
}  // namespace dragoman
