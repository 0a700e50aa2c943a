// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "launcher/store/iso_time.h"
#include "launcher/store/migrations.h"
#include "launcher/store/row_queue.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

using JournalTest = StoreTest;

/// The number of traces that another program finds, which opens the journal and closes it again.
std::string traces_seen_by_another_process(const std::string& path) {
  static constexpr char kProgram[] =
      "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]);"
      "print(d.execute('SELECT count(*) FROM traces').fetchone()[0], end=''); d.close()";
  const char* command[] = {"python3", "-c", kProgram, path.c_str(), nullptr};
  g_autofree char* output = nullptr;
  int status = -1;
  g_spawn_sync(nullptr, const_cast<char**>(command), nullptr, G_SPAWN_SEARCH_PATH, nullptr, nullptr,
               &output, nullptr, &status, nullptr);
  return status == 0 ? output : "it failed";
}

/// The message with which the journal at `path` is refused.
std::string refusal(const std::string& path) {
  try {
    Journal::open(path);
    return "opened";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

TEST(IsoTime, has_microseconds_and_z_and_reads_back) {
  const uint64_t time = kNoon + 123'456'789;
  EXPECT_EQ(iso_time(time), "2026-03-01T12:00:00.123456Z");
  EXPECT_EQ(parse_iso_time(iso_time(time)), kNoon + 123'456'000);
  EXPECT_EQ(parse_iso_time("2026-03-01"), kNoon - 12 * 3600 * kSecondNs);
  EXPECT_EQ(parse_iso_time("2026-03-01 12:00:00"), kNoon);
}

TEST(IsoTime, refuses_what_is_no_time) {
  for (const char* text : {"", "yesterday", "2026-13-01", "2026-03-01T", "2026-03-01T12:00:00.Z",
                           "2026-03-01T12:00:00Zjunk", "1969-12-31"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

TEST(RowQueueTest, drops_metrics_first_and_traces_last) {
  RowQueue queue(3);
  queue.push(trace_row());
  queue.push(heard_row());
  queue.push(segment_row(0));
  queue.push(metric_row(0));
  EXPECT_EQ(queue.dropped().text(), "1 metrics");
  queue.push(heard_row(1));
  queue.push(trace_row("t2"));
  const Rows rows = queue.take(10);
  EXPECT_EQ(rows.traces.size(), 2u);
  EXPECT_EQ(rows.utterances.size(), 1u);
  EXPECT_EQ(rows.utterances.front().clause, 1);
  EXPECT_EQ(rows.segments.size() + rows.metrics.size(), 0u);
  EXPECT_EQ(queue.dropped().text(), "1 metrics, 1 segments, 1 utterances");
}

TEST(RowQueueTest, keeps_the_order_of_what_is_put_back) {
  RowQueue queue(10);
  for (int clause : {0, 1, 2}) queue.push(heard_row(clause));
  Rows first = queue.take(2);
  queue.push(heard_row(3));
  queue.put_back(std::move(first));
  const Rows all = queue.take(10);
  ASSERT_EQ(all.utterances.size(), 4u);
  for (int clause : {0, 1, 2, 3}) {
    EXPECT_EQ(all.utterances[static_cast<size_t>(clause)].clause, clause);
  }
}

TEST_F(JournalTest, holds_every_row_after_a_flush) {
  auto journal = Journal::open(path());
  journal->append(trace_row());
  journal->append(metric_row(0));
  journal->append(segment_row(0));
  journal->append(heard_row());
  journal->flush();
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(ask("SELECT started_at FROM traces"), "2026-03-01T12:00:00.000000Z");
  EXPECT_EQ(ask("SELECT avg FROM metrics_agg_5s"), "-24.5");
  EXPECT_EQ(ask("SELECT file_path FROM audio_segments_5s"), "/audio/0.wav");
  EXPECT_EQ(ask("SELECT text FROM utterances"), "good morning");
  EXPECT_EQ(ask("PRAGMA journal_mode"), "wal");
}

TEST_F(JournalTest, writes_what_is_queued_when_it_is_closed) {
  Journal::open(path())->append(trace_row());
  EXPECT_EQ(ask("SELECT count(*) FROM traces"), "1");
}

TEST_F(JournalTest, is_readable_by_owner_and_group_only) {
  Journal::open(path());
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07, 0u);
}

TEST_F(JournalTest, updates_a_row_that_is_there_and_never_doubles_it) {
  auto journal = Journal::open(path());
  for (int times = 0; times < 2; ++times) {
    journal->append(trace_row());
    journal->append(metric_row(0));
    journal->append(segment_row(0));
    journal->append(heard_row());
    journal->flush();
  }
  for (const char* table : {"traces", "metrics_agg_5s", "audio_segments_5s", "utterances"}) {
    EXPECT_EQ(ask(std::string("SELECT count(*) FROM ") + table), "1") << table;
  }
}

TEST_F(JournalTest, a_second_file_of_a_bucket_has_a_row_of_its_own) {
  auto journal = Journal::open(path());
  SegmentRow second = segment_row(0);
  second.file_path = "/audio/0-2.wav";
  for (const SegmentRow& row : {segment_row(0), second, segment_row(0), second}) {
    journal->append(row);
  }
  journal->flush();
  EXPECT_EQ(ask("SELECT group_concat(bucket_ts || file_path) FROM audio_segments_5s"),
            "2026-03-01T12:00:00.000000Z/audio/0.wav,2026-03-01T12:00:00.000001Z/audio/0-2.wav");
}

TEST_F(JournalTest, ends_a_trace_without_losing_what_its_start_told) {
  auto journal = Journal::open(path());
  journal->append(trace_row());
  TraceRow end;
  end.trace_id = "t1";
  end.ended_at = kNoon + 90 * kSecondNs;
  end.dst_extension = "4444";
  journal->append(end);
  journal->append(trace_row());
  journal->flush();
  EXPECT_EQ(ask("SELECT ended_at FROM traces"), "2026-03-01T12:01:30.000000Z");
  EXPECT_EQ(ask("SELECT src_extension || dst_extension || started_at FROM traces"),
            "333344442026-03-01T12:00:00.000000Z");
}

TEST_F(JournalTest, an_utterance_gathers_what_its_way_adds) {
  auto journal = Journal::open(path());
  journal->append(heard_row());
  journal->append(said_row("es", "buenos días"));
  UtteranceRow spoken = said_row("es", "");
  spoken.translated_at.reset();
  spoken.translation_ms.reset();
  spoken.tts_provider = "espeak";
  spoken.first_audio_at = kNoon + 2 * kSecondNs;
  spoken.delay_ms = 1000;
  journal->append(spoken);
  journal->flush();
  EXPECT_EQ(ask("SELECT count(*) FROM utterances"), "1");
  EXPECT_EQ(ask("SELECT text || '|' || translation || '|' || tts_provider || '|' || delay_ms || "
                "'|' || endpoint_ms || '|' || translation_ms || '|' || extension FROM utterances"),
            "good morning|buenos días|espeak|1000.0|300.0|100.0|3333");
  EXPECT_EQ(ask("SELECT first_audio_at FROM utterances"), "2026-03-01T12:00:02.000000Z");
}

TEST_F(JournalTest, an_utterance_heard_in_two_languages_has_a_row_for_each) {
  auto journal = Journal::open(path());
  journal->append(heard_row());
  journal->append(said_row("es", "buenos días"));
  journal->append(said_row("fr", "bonjour"));
  UtteranceRow late = heard_row();
  late.text = "good morning all";
  journal->append(late);
  journal->flush();
  EXPECT_EQ(ask("SELECT group_concat(target_language || '=' || translation || '=' || text, ';') "
                "FROM (SELECT * FROM utterances ORDER BY target_language)"),
            "es=buenos días=good morning all;fr=bonjour=good morning all");
}

TEST_F(JournalTest, a_translation_that_comes_before_its_transcript_joins_it) {
  auto journal = Journal::open(path());
  journal->append(said_row("es", "buenos días"));
  journal->append(heard_row());
  journal->flush();
  EXPECT_EQ(ask("SELECT count(*) || text || translation FROM utterances"),
            "1good morningbuenos días");
}

TEST_F(JournalTest, a_row_without_its_key_is_left_out_and_counted) {
  auto journal = Journal::open(path());
  TraceRow bad;
  bad.trace_id = "never started";
  journal->append(bad);
  journal->append(trace_row());
  journal->flush();
  EXPECT_EQ(journal->dropped(), 1u);
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(ask("SELECT group_concat(trace_id) FROM traces"), "t1");
}

TEST_F(JournalTest, of_many_metrics_the_last_of_a_key_counts_and_only_a_refused_one_is_left_out) {
  auto journal = Journal::open(path());
  journal->append(metric_row(1000));
  journal->flush();
  Database(path(), DatabaseAccess::kReadWrite)
      .run("ALTER TABLE metrics_agg_5s ADD COLUMN possible CHECK (avg < 0)");
  for (uint64_t number = 0; number < 200; ++number) {
    MetricRow row = metric_row(number == 150 ? 1000 : number);  // there since before
    row.avg = number == 70 ? 1 : -1 - static_cast<double>(number);
    journal->append(row);
    row.avg = -1000;
    if (number == 90) journal->append(row);
  }
  journal->flush();
  EXPECT_EQ(journal->dropped(), 1u);
  EXPECT_EQ(ask("SELECT count(*) || ' ' || count(DISTINCT bucket_ts) FROM metrics_agg_5s"),
            "199 199");
  EXPECT_EQ(ask("SELECT group_concat(avg, ' ') FROM metrics_agg_5s WHERE bucket_ts IN "
                "('2026-03-01T12:07:30.000000Z', '2026-03-01T13:23:20.000000Z')"),
            "-1000.0 -151.0");
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s WHERE bucket_ts = "
                "'2026-03-01T12:05:50.000000Z'"),
            "0");
  EXPECT_EQ(ask("SELECT sum(avg) FROM metrics_agg_5s WHERE bucket_ts < "
                "'2026-03-01T12:05:00.000000Z'"),
            "-1830.0");
}

TEST_F(JournalTest, takes_rows_from_many_threads) {
  auto journal = Journal::open(path());
  constexpr uint64_t kThreads = 4, kRows = 500;
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&journal, thread] {
      for (uint64_t row = 0; row < kRows; ++row) {
        journal->append(metric_row(row, "t" + std::to_string(thread)));
        if (row % 100 == 0) journal->flush();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  journal->flush();
  EXPECT_EQ(ask("SELECT count(*) FROM metrics_agg_5s"), std::to_string(kThreads * kRows));
  EXPECT_EQ(journal->dropped(), 0u);
}

TEST_F(JournalTest, keeps_rows_while_the_file_is_locked_and_writes_them_after) {
  auto journal = Journal::open(path());
  {
    Database other(path(), DatabaseAccess::kReadWrite);
    other.run("BEGIN IMMEDIATE");
    journal->append(trace_row());
    journal->flush();
    EXPECT_EQ(journal->waiting(), 1u);
    other.run("ROLLBACK");
  }
  journal->flush();
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(ask("SELECT count(*) FROM traces"), "1");
}

TEST_F(JournalTest, a_failed_write_leaves_the_locks_of_the_other_connections) {
  auto journal = Journal::open(path());
  Database other(path(), DatabaseAccess::kReadWrite);
  other.run("BEGIN IMMEDIATE");
  journal->append(trace_row("t1"));
  journal->flush();
  ASSERT_EQ(journal->waiting(), 1u);
  other.run("ROLLBACK");
  journal->flush();
  // Who takes himself for the only user of the file deletes its write-ahead log when he closes it.
  EXPECT_EQ(traces_seen_by_another_process(path()), "1");
  journal->append(trace_row("t2"));
  journal->flush();
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(traces_seen_by_another_process(path()), "2");
}

TEST_F(JournalTest, makes_a_new_file_when_the_old_one_is_deleted) {
  auto journal = Journal::open(path());
  journal->append(trace_row("t1"));
  journal->flush();
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path() + suffix).c_str());
  journal->append(trace_row("t2"));
  journal->flush();
  EXPECT_EQ(ask("SELECT group_concat(trace_id) FROM traces"), "t2");
}

TEST_F(JournalTest, survives_a_file_that_is_damaged_while_it_runs) {
  auto journal = Journal::open(path(), {.queue_limit = 5});
  for (uint64_t row = 0; row < 5; ++row) journal->append(metric_row(row));
  journal->flush();
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((path() + suffix).c_str());
  std::ofstream(path(), std::ios::binary) << std::string(8192, 'x');
  for (uint64_t row = 0; row < 8; ++row) journal->append(metric_row(row, "t2"));
  journal->append(trace_row("t2"));
  journal->flush();
  EXPECT_EQ(journal->waiting(), 5u);
  EXPECT_EQ(journal->dropped(), 4u);
  std::filesystem::rename(path(), path() + ".damaged");
  journal->flush();
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(ask("SELECT (SELECT count(*) FROM traces) || (SELECT count(*) FROM metrics_agg_5s)"),
            "14");
}

TEST_F(JournalTest, refuses_a_file_that_is_no_database_and_tells_the_cure) {
  std::ofstream(path()) << std::string(4096, 'x');
  const std::string message = refusal(path());
  EXPECT_NE(message.find(path()), std::string::npos) << message;
  EXPECT_NE(message.find("dragoman recover"), std::string::npos) << message;
}

TEST_F(JournalTest, refuses_a_folder_it_cannot_make_and_names_it) {
  std::ofstream(folder() + "/file") << "x";
  const std::string message = refusal(folder() + "/file/dragoman.db");
  EXPECT_NE(message.find(folder() + "/file/dragoman.db"), std::string::npos) << message;
}

TEST_F(JournalTest, refuses_a_schema_newer_than_it_knows) {
  Journal::open(path());
  {
    Database database(path(), DatabaseAccess::kReadWrite);
    database.run("INSERT INTO schema_migrations VALUES (999, 'later', '2030-01-01')");
  }
  const std::string message = refusal(path());
  EXPECT_NE(message.find("version 999"), std::string::npos) << message;
  EXPECT_NE(message.find(path()), std::string::npos) << message;
}

TEST_F(JournalTest, metrics_keep_their_numbers_when_their_key_is_put_in_order) {
  {
    Database old(path(), DatabaseAccess::kReadWrite);
    migrate(old, known_migrations().first(3));
    for (int number = 1; number <= 3; ++number) {
      old.run(
          "INSERT INTO metrics_agg_5s (trace_id, station_key, tap, metric_key, bucket_ts, count)"
          " VALUES ('t1', 'St_3', 'PRE', 'snr_db', 'bucket " +
          std::to_string(number) + "', 1)");
    }
    old.run("DELETE FROM metrics_agg_5s WHERE seq IN (1, 3)");
  }
  auto journal = Journal::open(path());
  EXPECT_EQ(ask("SELECT seq || bucket_ts FROM metrics_agg_5s"), "2bucket 2");
  journal->append(metric_row(0));
  journal->flush();
  EXPECT_EQ(ask("SELECT max(seq) FROM metrics_agg_5s"), "4") << "3 was given before";
  EXPECT_EQ(ask("SELECT count(*) FROM station_snapshots"), "2");
}

TEST_F(JournalTest, an_upgrade_keeps_the_rows_of_the_version_before) {
  {
    auto journal = Journal::open(path());
    journal->append(trace_row());
    journal->append(heard_row());
  }
  std::vector<Migration> longer(known_migrations().begin(), known_migrations().end());
  const int next = longer.back().version + 1;
  longer.push_back({next, "notes", "ALTER TABLE traces ADD COLUMN note TEXT DEFAULT 'kept';"});
  Database database(path(), DatabaseAccess::kReadWrite);
  migrate(database, longer);
  migrate(database, longer);
  EXPECT_EQ(ask("SELECT note || trace_id FROM traces"), "keptt1");
  EXPECT_EQ(ask("SELECT count(*) FROM utterances"), "1");
  EXPECT_EQ(ask("SELECT max(version) FROM schema_migrations"), std::to_string(next));
  EXPECT_EQ(ask("SELECT length(applied_at) FROM schema_migrations"), "27");
}

TEST_F(JournalTest, a_migration_that_fails_leaves_the_schema_as_it_was) {
  Journal::open(path());
  std::vector<Migration> longer(known_migrations().begin(), known_migrations().end());
  const int known = longer.back().version;
  longer.push_back({known + 1, "broken", "CREATE TABLE extra (x); SELECT nonsense FROM nowhere;"});
  Database database(path(), DatabaseAccess::kReadWrite);
  EXPECT_THROW(migrate(database, longer), DatabaseError);
  EXPECT_EQ(ask("SELECT max(version) FROM schema_migrations"), std::to_string(known));
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_master WHERE name = 'extra'"), "0");
}

TEST_F(JournalTest, each_turn_of_a_knob_is_a_row_and_a_snapshot_is_replaced) {
  auto journal = Journal::open(path());
  KnobEventRow event;
  event.knob_key = "agc.enabled";
  event.old_value = "true";
  event.new_value = "false";
  event.changed_by = "ana";
  event.created_at = kNoon;
  journal->append(event);
  event.trace_id = "t1";
  event.station_key = "St_3";
  journal->append(event);
  for (const char* values : {R"({"gain_db":0})", R"({"gain_db":3,"agc.enabled":true})"})
    journal->append(KnobSnapshotRow{"t1", "St_3", kNoon, values});
  journal->flush();
  EXPECT_EQ(ask("SELECT group_concat(coalesce(trace_id, '-') || coalesce(station_key, '-') || "
                "old_value || new_value || changed_by || created_at) FROM knob_events"),
            "--truefalseana2026-03-01T12:00:00.000000Z,"
            "t1St_3truefalseana2026-03-01T12:00:00.000000Z");
  EXPECT_EQ(ask("SELECT count(*) || json_extract(knob_values, '$.gain_db') FROM knob_snapshots_5s"),
            "13");
  EXPECT_EQ(journal->dropped(), 0u);
}

}  // namespace
}  // namespace dragoman
