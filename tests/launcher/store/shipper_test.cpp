// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/shipper.h"

#include <gmock/gmock.h>

#include <cmath>

#include "launcher/store/migrations.h"
#include "launcher/store/open_traces.h"
#include "tests/launcher/store/shipper_fixture.h"

namespace dragoman {
namespace {

TEST_F(ShipperTest, brings_a_row_of_each_kind_with_all_that_it_holds) {
  append_one_of_each(*journal_);
  journal_->flush();
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  EXPECT_EQ(ask_server(kCounts), "1 1 1 1 1 1");
  EXPECT_EQ(ask_server("SELECT concat_ws('|', trace_id, started_at, ended_at, src_extension, "
                       "dst_extension, sample_rate, channels) FROM traces"),
            "t1|2026-03-01 12:00:00+00|3333|16000|1");
  EXPECT_EQ(ask_server("SELECT concat_ws('|', trace_id, station_key, tap, metric_key, bucket_ts, "
                       "bucket_ms, count, min, max, avg, last) FROM metrics_agg_5s"),
            "t1|St_3|PRE|audio_level_dbfs|2026-03-01 12:00:00+00|5000|250|-60|-12|-24.5|-30");
  EXPECT_EQ(ask_server("SELECT concat_ws('|', trace_id, tap, bucket_ts, format, file_path) FROM "
                       "audio_segments_5s"),
            "t1|POST|2026-03-01 12:00:00+00|WAV_PCM_S16LE_MONO|/audio/0.wav");
  EXPECT_EQ(ask_server("SELECT concat_ws('|', channel, utterance, clause, language, text, end_at, "
                       "committed_at, endpoint_ms, target_language) FROM utterances"),
            "call-1-3333|1772366400000000|0|en|good morning|2026-03-01 12:00:01+00|2026-03-01 "
            "12:00:01.5+00|300|");
  EXPECT_EQ(ask_server("SELECT concat_ws('|', event_id, trace_id, station_key, knob_key, "
                       "old_value, new_value, changed_by, created_at) FROM knob_events"),
            "1|t1|St_3|gain_db|0|6|test|2026-03-01 12:00:00+00");
  EXPECT_EQ(ask_server("SELECT knob_values->>'gain_db' FROM knob_snapshots_5s"), "6");
  const ShipperStatus status = shipper->status();
  EXPECT_EQ(status.state, ShipperState::kConnected);
  EXPECT_EQ(status.rows_shipped, 6u);
  EXPECT_EQ(status.rows_waiting, 0u);
}

TEST_F(ShipperTest, follows_rows_that_change) {
  append_one_of_each(*journal_);
  journal_->flush();
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  TraceRow end;
  end.trace_id = "t1";
  end.ended_at = kNoon + 90 * kSecondNs;
  journal_->append(end);
  MetricRow again = metric_row(0);
  again.count = 260;
  journal_->append(again);
  journal_->append(said_row("es", "buenos días"));
  journal_->append(said_row("fr", "bonjour"));
  journal_->append(KnobSnapshotRow{"t1", "St_3", kNoon, R"({"gain_db": 9})"});
  journal_->flush();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server(kCounts), "1 2 1 1 1 1");
  EXPECT_EQ(ask_server("SELECT ended_at || ' ' || src_extension FROM traces"),
            "2026-03-01 12:01:30+00 3333");
  EXPECT_EQ(ask_server("SELECT count FROM metrics_agg_5s"), "260");
  EXPECT_EQ(ask_server("SELECT string_agg(target_language || '=' || translation || '=' || text, "
                       "';' ORDER BY target_language) FROM utterances"),
            "es=buenos días=good morning;fr=bonjour=good morning");
  EXPECT_EQ(ask_server("SELECT knob_values->>'gain_db' FROM knob_snapshots_5s"), "9");
}

TEST_F(ShipperTest, follows_what_others_than_the_journal_write) {
  auto shipper = start();
  journal_->append(trace_row());
  append_metrics(0, 3);
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(end_open_traces(path()), 1u);
  Database(path(), DatabaseAccess::kReadWrite)
      .run(
          "DELETE FROM metrics_agg_5s; INSERT INTO metrics_agg_5s (trace_id, station_key, tap, "
          "metric_key, bucket_ts, count) VALUES ('late', 'St_3', 'PRE', 'x', "
          "'2026-03-01T12:00:00.000000Z', 1)");
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server("SELECT ended_at FROM traces"), "2026-03-01 12:00:10+00");
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "4")
      << "a row got the number of one that was deleted";
}

TEST_F(ShipperTest, a_repeat_changes_nothing) {
  append_one_of_each(*journal_);
  append_metrics(1, 2000);
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  shipper.reset();
  constexpr char kVersions[] =
      "SELECT string_agg(xmin || ' ' || ctid, ',') FROM (SELECT xmin, ctid FROM metrics_agg_5s "
      "UNION ALL SELECT xmin, ctid FROM traces UNION ALL SELECT xmin, ctid FROM utterances UNION "
      "ALL SELECT xmin, ctid FROM knob_events UNION ALL SELECT xmin, ctid FROM audio_segments_5s "
      "UNION ALL SELECT xmin, ctid FROM knob_snapshots_5s) x";
  const std::string before = ask_server(kVersions);
  Database(path(), DatabaseAccess::kReadWrite).run("DELETE FROM shipping_marks");
  shipper = start();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(shipper->status().rows_shipped, 2006u);
  EXPECT_EQ(ask_server(kVersions), before);
}

TEST_F(ShipperTest, goes_on_where_the_last_shipper_was) {
  append_metrics(0, 1200);
  {
    auto shipper = start();
    ASSERT_TRUE(ship(*shipper));
  }
  append_metrics(1200, 300);
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(shipper->status().rows_shipped, 300u);
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "1500");
}

TEST_F(ShipperTest, another_database_starts_from_its_own_mark) {
  server().make_database("second");
  append_metrics(0, 700);
  ASSERT_TRUE(ship(*start()));
  append_metrics(700, 100);
  ASSERT_TRUE(ship(*start("second")));
  EXPECT_EQ(server().ask("SELECT count(*) FROM metrics_agg_5s", "second"), "800");
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(shipper->status().rows_shipped, 100u);
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "800");
}

TEST_F(ShipperTest, a_database_that_is_made_anew_gets_everything_again) {
  append_metrics(0, 700);
  ASSERT_TRUE(ship(*start()));
  server().make_database();
  ASSERT_TRUE(ship(*start()));
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "700");
}

TEST_F(ShipperTest, a_database_set_back_to_an_older_state_gets_what_it_lacks) {
  append_metrics(0, 700);
  ASSERT_TRUE(ship(*start()));
  server().run("CREATE DATABASE kept TEMPLATE monitoring_v2", "postgres");
  append_metrics(700, 300);
  ASSERT_TRUE(ship(*start()));
  server().run("DROP DATABASE monitoring_v2 WITH (FORCE)", "postgres");
  server().run("ALTER DATABASE kept RENAME TO monitoring_v2", "postgres");
  ASSERT_TRUE(ship(*start()));
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "1000");
}

TEST_F(ShipperTest, a_journal_set_back_to_a_backup_loses_nothing_written_since) {
  append_one_of_each(*journal_, "before");
  journal_->flush();
  ASSERT_TRUE(ship(*start()));
  journal_.reset();
  std::filesystem::copy_file(path(), folder() + "/backup");
  journal_ = Journal::open(path());
  append_one_of_each(*journal_, "lost");
  append_metrics(1, 10, "lost");
  ASSERT_TRUE(ship(*start()));
  journal_.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path() + suffix);
  std::filesystem::copy_file(folder() + "/backup", path());
  journal_ = Journal::open(path());
  append_one_of_each(*journal_, "after");
  journal_->append(KnobEventRow{
      .trace_id = "after", .knob_key = "agc.enabled", .created_at = kNoon + kSecondNs});
  journal_->flush();
  ASSERT_TRUE(ship(*start()));
  EXPECT_EQ(ask_server("SELECT string_agg(trace_id, ' ' ORDER BY trace_id) FROM traces"),
            "after before lost");
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s WHERE trace_id = 'after'"), "1");
  EXPECT_EQ(ask_server("SELECT count(*) FROM knob_events WHERE knob_key = 'agc.enabled'"), "1");
}

TEST_F(ShipperTest, a_clause_that_is_translated_there_does_not_come_back_untranslated) {
  journal_->append(heard_row(1));
  journal_.reset();
  std::filesystem::copy_file(path(), folder() + "/backup");
  journal_ = Journal::open(path());
  journal_->append(said_row("es", "hola", 1));
  journal_->flush();
  ASSERT_TRUE(ship(*start()));
  journal_.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path() + suffix);
  std::filesystem::copy_file(folder() + "/backup", path());
  ASSERT_TRUE(ship(*start()));
  EXPECT_EQ(ask_server("SELECT string_agg(target_language || translation, ',') FROM utterances"),
            "eshola");
}

TEST_F(ShipperTest, the_knob_events_of_several_journals_stand_side_by_side) {
  TempFolder other;
  auto second = Journal::open(journal_path(other.path()));
  append_one_of_each(*journal_, "first");
  append_one_of_each(*second, "second");
  journal_->flush();
  second->flush();
  auto one = start();
  Shipper two(journal_path(other.path()), PgTarget(server().conninfo(), ""), quick());
  ASSERT_TRUE(ship(*one));
  ASSERT_TRUE(ship(two));
  EXPECT_EQ(ask_server("SELECT string_agg(trace_id, ' ' ORDER BY trace_id) FROM knob_events"),
            "first second");
  EXPECT_EQ(ask_server("SELECT count(DISTINCT event_id) FROM knob_events"), "2");
  EXPECT_EQ(ask_server(kCounts), "2 2 2 2 2 2");
}

TEST_F(ShipperTest, brings_odd_text_and_numbers_unharmed) {
  UtteranceRow odd = heard_row();
  odd.text = "tab\t line\n return\r back\\slash \\N \\. 'quote' \"ñ\" 你好";
  journal_->append(odd);
  MetricRow row = metric_row(0);
  row.min = -std::numeric_limits<double>::infinity();
  row.max = 0.1 + 0.2;
  row.avg = std::numeric_limits<double>::quiet_NaN();
  row.last = 5e-324;
  journal_->append(row);
  SegmentRow broken = segment_row(0);
  broken.file_path = "/audio/\xff\xfe.wav";
  journal_->append(broken);
  journal_->flush();
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server("SELECT text FROM utterances"), odd.text);
  EXPECT_EQ(ask_server("SELECT concat_ws('|', min, max, avg IS NULL, last) FROM metrics_agg_5s"),
            "-Infinity|0.30000000000000004|t|5e-324");
  EXPECT_EQ(ask_server("SELECT file_path FROM audio_segments_5s"), "/audio/\uFFFD\uFFFD.wav");
}

TEST_F(ShipperTest, rows_that_the_database_can_never_take_do_not_stop_the_others) {
  append_metrics(0, 400);
  MetricRow bad = metric_row(1000, std::string(300, 'x'));
  journal_->append(bad);
  bad.trace_id = "t1";
  bad.count = int64_t{1} << 40;
  journal_->append(bad);
  append_metrics(400, 400);
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "800");
  EXPECT_EQ(shipper->status().rows_refused, 2u);
  EXPECT_EQ(shipper->status().rows_shipped, 800u);
}

TEST_F(ShipperTest, rows_wait_for_the_partition_that_is_missing) {
  ASSERT_TRUE(ship(*start()));
  server().run("ALTER TABLE metrics_agg_5s RENAME TO plain");
  server().run(
      "CREATE TABLE metrics_agg_5s (LIKE plain INCLUDING ALL) PARTITION BY RANGE (bucket_ts)");
  append_metrics(0, 40);
  auto shipper = start();
  ASSERT_TRUE(eventually([&] { return shipper->status().state == ShipperState::kWaiting; }));
  EXPECT_THAT(shipper->status().last_error,
              testing::HasSubstr("add the partition that is missing"));
  EXPECT_EQ(shipper->status().rows_refused, 0u);
  server().run("CREATE TABLE rest PARTITION OF metrics_agg_5s DEFAULT");
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "40");
}

TEST_F(ShipperTest, rows_wait_while_the_table_takes_none_of_them) {
  ASSERT_TRUE(ship(*start()));
  server().run("ALTER TABLE metrics_agg_5s ADD CONSTRAINT none CHECK (count < 0)");
  append_metrics(0, 400);
  auto shipper = start();
  ASSERT_TRUE(eventually([&] { return shipper->status().state == ShipperState::kWaiting; }));
  EXPECT_THAT(shipper->status().last_error, testing::HasSubstr("drop the constraint"));
  server().run("ALTER TABLE metrics_agg_5s DROP CONSTRAINT none");
  ASSERT_TRUE(ship(*shipper));
  EXPECT_EQ(shipper->status().rows_refused, 0u);
  EXPECT_EQ(ask_server("SELECT count(*) FROM metrics_agg_5s"), "400");
}

TEST_F(ShipperTest, turns_to_the_new_file_when_the_journal_is_made_anew) {
  append_metrics(0, 10, "old");
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper));
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path() + suffix).c_str());
  append_metrics(0, 10, "new");
  ASSERT_TRUE(eventually([] { return ask_server("SELECT count(*) FROM metrics_agg_5s") == "20"; }))
      << shipper->status().last_error;
}

TEST_F(ShipperTest, an_upgraded_journal_of_the_first_schema_is_shipped_whole) {
  const std::string folder_path = folder() + "/old";
  std::filesystem::create_directory(folder_path);
  const std::string file = journal_path(folder_path);
  {
    Database old(file, DatabaseAccess::kReadWrite);
    migrate(old, known_migrations().first(1));
    old.run(R"sql(
      INSERT INTO traces VALUES ('old', '2026-02-01T12:00:00.000000Z', NULL, '3333', '4444', 16000, 1);
      WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
      INSERT INTO metrics_agg_5s SELECT 'old', 'St_3', 'PRE', 'parameter_' || i, '2026-02-01T12:00:00.000000Z', 5000, 1, 1, 1, 1, 1 FROM n;
      INSERT INTO audio_segments_5s VALUES ('old', 'St_3', 'PRE', '2026-02-01T12:00:00.000000Z', 5000, 16000, 1, 'WAV_PCM_S16LE_MONO', '/a.wav');
      INSERT INTO utterances (trace_id, channel, utterance, clause, text) VALUES ('old', 'c', 1, 0, 'said before');
    )sql");
  }
  auto journal = Journal::open(file);
  Shipper shipper(file, PgTarget(server().conninfo(), ""), quick());
  ASSERT_TRUE(ship(shipper));
  EXPECT_EQ(ask_server(kCounts), "1 1 0 0 1 2000");
  EXPECT_EQ(ask_server("SELECT text FROM utterances"), "said before");
  TraceRow end;
  end.trace_id = "old";
  end.ended_at = kNoon;
  journal->append(end);
  journal->flush();
  ASSERT_TRUE(ship(shipper));
  EXPECT_EQ(ask_server("SELECT ended_at FROM traces"), "2026-03-01 12:00:00+00");
}

TEST_F(ShipperTest, rows_keep_their_numbers_through_a_vacuum) {
  append_metrics(0, 100);
  Database database(path(), DatabaseAccess::kReadWrite);
  database.run("DELETE FROM metrics_agg_5s WHERE seq <= 50; VACUUM");
  EXPECT_EQ(database.number("SELECT min(seq) FROM metrics_agg_5s"), 51);
}

}  // namespace
}  // namespace dragoman
