// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/recover.h"

#include <sys/wait.h>
#include <unistd.h>

#include <future>

#include "launcher/store/backup/table_shape.h"
#include "launcher/store/migrations.h"
#include "tests/launcher/store/backup/backup_fixture.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMetrics = 4000;
constexpr size_t kPage = 4096;

class RecoverTest : public StoreTest {
 protected:
  /// A trace, utterances, knob events and `kMetrics` metrics, all of them in the file itself.
  void write_rows() {
    auto journal = Journal::open(path());
    journal->append(trace_row());
    for (uint64_t row = 0; row < kMetrics; ++row) journal->append(metric_row(row));
    for (int clause = 0; clause < 20; ++clause) {
      journal->append(heard_row(clause));
      // Longer than a page: on a chain of overflow pages.
      journal->append(said_row("es", std::string(clause == 7 ? 20'000 : 20, 'a'), clause));
    }
    for (int event = 0; event < 5; ++event)
      journal->append(KnobEventRow{.knob_key = "gain_db",
                                   .new_value = std::to_string(event),
                                   .created_at = kNoon + static_cast<uint64_t>(event)});
  }
  /// The rows of every table that is kept, without their numbers in the file.
  std::string rows() const {
    Database database(path(), DatabaseAccess::kReadOnly);
    std::string text;
    for (const char* sql :
         {"SELECT trace_id, started_at, ended_at, src_extension, sample_rate FROM traces",
          "SELECT trace_id, bucket_ts, count, min, max, avg, last FROM metrics_agg_5s ORDER BY 2",
          "SELECT clause, text, translation, start_at, decode_ms FROM utterances ORDER BY 1",
          "SELECT knob_key, new_value, created_at FROM knob_events ORDER BY 2"}) {
      Statement statement = database.prepare(sql);
      while (statement.step()) {
        for (int i = 0; i < statement.columns(); ++i) text += statement.text(i) + "|";
        text += "\n";
      }
    }
    return text;
  }

  void overwrite(size_t at, const std::string& bytes) const {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
  }
  static std::string garbage(size_t size) {
    std::string bytes(size, '\0');
    uint32_t state = 12345;
    for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return bytes;
  }
  /// What the launcher does: opens a journal in any case, and salvages.
  JournalSalvage recover() {
    damage_ = find_damage(path());
    if (damage_) set_aside(path());
    Journal::open(path());
    const std::atomic<bool> never = false;
    const auto damaged = damaged_journals(path());
    return damaged.empty() ? JournalSalvage() : salvage_into(damaged.back(), path(), never);
  }
  std::string count(const std::string& table) const { return ask("SELECT count(*) FROM " + table); }

  std::optional<std::string> damage_;
};

TEST_F(RecoverTest, a_sound_journal_and_none_are_left_alone) {
  EXPECT_FALSE(find_damage(path()));
  write_rows();
  EXPECT_FALSE(find_damage(path()));
  EXPECT_TRUE(damaged_journals(path()).empty());
}

TEST_F(RecoverTest, every_kept_table_can_be_salvaged) {
  write_rows();
  Database database(path(), DatabaseAccess::kReadOnly);
  int wanted = 0;
  for (const TableShape& shape : table_shapes(database)) {
    if (!shape.is_wanted()) continue;
    ++wanted;
    EXPECT_EQ(complaint([&] { database.number("SELECT max(rowid) FROM " + shape.table()); }), "")
        << shape.table() << " has no row numbers";
  }
  EXPECT_EQ(wanted, 6);
}

// The header is on page 1, with the schema: no tree can be found from it.
TEST_F(RecoverTest, with_garbage_in_the_header_every_row_is_saved) {
  write_rows();
  const std::string before = rows();
  overwrite(0, garbage(100));
  const JournalSalvage result = recover();
  ASSERT_TRUE(damage_);
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(result.total(), kMetrics + 1 + 20 + 5);
  EXPECT_EQ(result.unreadable_rows, 0u);
}

TEST_F(RecoverTest, with_the_whole_first_page_gone_every_row_is_saved) {
  write_rows();
  const std::string before = rows();
  overwrite(0, garbage(kPage));
  recover();
  ASSERT_TRUE(damage_);
  EXPECT_EQ(rows(), before);
}

TEST_F(RecoverTest, with_garbage_in_middle_pages_all_but_theirs_is_saved_and_the_loss_is_counted) {
  write_rows();
  const size_t pages = fs::file_size(path()) / kPage;
  for (size_t page = 0; page < 3; ++page)  // as bad as it can be: one says that it is interior
    overwrite((pages / 2 + page) * kPage, (page ? "\x0d" : "\x05") + garbage(kPage - 1));
  const JournalSalvage result = recover();
  ASSERT_TRUE(damage_);
  const uint64_t metrics = std::stoull(count("metrics_agg_5s"));
  EXPECT_LE(metrics, kMetrics);
  EXPECT_GT(metrics, kMetrics - 3 * 60);
  EXPECT_EQ(count("utterances") + " " + count("knob_events"), "20 5");
  if (metrics < kMetrics) {
    EXPECT_GT(result.damaged_pages, 0u) << result.text();
    const auto lost = static_cast<double>(kMetrics - metrics);
    EXPECT_NEAR(static_cast<double>(result.lost_rows), lost, lost / 3) << result.text();
  }
}

// The trees' inner pages still tell which pages there were.
TEST_F(RecoverTest,
       without_the_page_of_the_schema_the_loss_is_counted_and_what_is_not_known_is_said) {
  write_rows();
  const std::string sound = read_file(path());
  overwrite(0, garbage(kPage));
  int leaves = 0;
  for (size_t at = kPage; at < sound.size(); at += kPage)  // each tenth leaf of a table
    if (sound[at] == '\x0d' && ++leaves % 10 == 0) overwrite(at, garbage(kPage));
  const JournalSalvage result = recover();
  ASSERT_TRUE(damage_);
  EXPECT_TRUE(result.schema_lost);
  const auto lost = static_cast<double>(kMetrics - std::stoull(count("metrics_agg_5s")));
  ASSERT_GT(lost, 0);
  EXPECT_NEAR(static_cast<double>(result.lost_rows), lost, lost / 3) << result.text();
  EXPECT_NE(result.text().find("where the tables begin is lost"), std::string::npos);
}

TEST_F(RecoverTest, pages_of_a_table_of_which_nothing_is_left_are_told_as_uncounted) {
  write_rows();
  const int64_t root = Database(path(), DatabaseAccess::kReadOnly)
                           .number("SELECT rootpage FROM sqlite_schema WHERE name = 'knob_events'");
  overwrite(static_cast<size_t>(root - 1) * kPage, garbage(kPage));
  const JournalSalvage result = recover();
  ASSERT_TRUE(damage_);
  EXPECT_EQ(count("knob_events"), "0");
  EXPECT_EQ(result.lost_rows, 0u);
  EXPECT_EQ(result.uncounted_pages, 1u);
  EXPECT_FALSE(result.schema_lost);
  EXPECT_NE(result.text().find("cannot be counted"), std::string::npos) << result.text();
}

TEST_F(RecoverTest, every_page_but_one_survives_wherever_that_one_is) {
  write_rows();
  const size_t pages = fs::file_size(path()) / kPage;
  const std::string sound = read_file(path());
  for (size_t page = 0; page < pages; page += 1 + pages / 12) {
    for (const auto& entry : fs::directory_iterator(folder())) fs::remove_all(entry.path());
    write_file(path(), sound);
    overwrite(page * kPage, std::string(kPage, '\0'));
    recover();
    if (!damage_) continue;  // a page of an index, or free
    EXPECT_GT(std::stoull(count("metrics_agg_5s")), kMetrics - 60) << "page " << page + 1;
  }
}

TEST_F(RecoverTest, of_a_truncated_file_what_is_left_is_saved) {
  write_rows();
  fs::resize_file(path(), fs::file_size(path()) * 2 / 3 + 100);
  const JournalSalvage result = recover();
  ASSERT_TRUE(damage_);
  EXPECT_GT(result.missing_pages, 0u);
  EXPECT_GT(std::stoull(count("metrics_agg_5s")), kMetrics / 3);
  EXPECT_NE(result.text().find("missing " + std::to_string(result.missing_pages)),
            std::string::npos);
}

/// Leaves the journal as a kill does: with rows in its write-ahead log only.
void write_and_die(const std::string& path, uint64_t first, uint64_t last) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto journal = Journal::open(path);
    for (uint64_t row = first; row < last; ++row) journal->append(metric_row(row));
    journal->flush();
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
}

TEST_F(RecoverTest, what_only_the_write_ahead_log_has_is_saved) {
  write_rows();
  write_and_die(path(), kMetrics, kMetrics + 300);
  ASSERT_GT(fs::file_size(path() + "-wal"), 0u);
  overwrite(0, garbage(kPage));
  recover();
  EXPECT_EQ(count("metrics_agg_5s"), std::to_string(kMetrics + 300));
}

TEST_F(RecoverTest, an_empty_file_beside_a_log_does_not_lose_the_log) {
  write_and_die(path(), 0, 300);
  ASSERT_GT(fs::file_size(path() + "-wal"), 0u);
  fs::resize_file(path(), 0);
  recover();
  ASSERT_TRUE(damage_);
  EXPECT_EQ(count("metrics_agg_5s"), "300");
}

TEST_F(RecoverTest, a_lost_log_costs_only_what_it_held) {
  write_rows();
  write_and_die(path(), kMetrics, kMetrics + 300);
  fs::remove(path() + "-wal");
  fs::remove(path() + "-shm");
  recover();
  EXPECT_GE(std::stoull(count("metrics_agg_5s")), kMetrics);
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

TEST_F(RecoverTest, an_empty_file_is_a_new_journal) {
  write_file(path(), "");
  recover();
  EXPECT_FALSE(damage_);
  EXPECT_EQ(count("traces"), "0");
}

TEST_F(RecoverTest, a_journal_of_an_earlier_schema_is_saved_into_the_new_one) {
  {
    Database database(path(), DatabaseAccess::kReadWrite);
    migrate(database, known_migrations().first(2));
    database.run("BEGIN");
    for (int row = 0; row < 500; ++row)
      database.run("INSERT INTO traces (trace_id, started_at, src_extension) VALUES ('t" +
                   std::to_string(row) + "', '2026-03-01T12:00:00.000000Z', '3333')");
    database.run("COMMIT");
  }
  overwrite(0, garbage(100));
  recover();
  ASSERT_TRUE(damage_);
  EXPECT_EQ(count("traces"), "500");
}

TEST_F(RecoverTest, doing_it_twice_changes_nothing) {
  write_rows();
  const std::string before = rows();
  overwrite(0, garbage(100));
  recover();
  const std::string aside = [this] {
    for (const auto& entry : fs::directory_iterator(folder()))
      if (entry.path().string().ends_with(".salvaged"))
        return entry.path().string().substr(0, entry.path().string().size() - 9);
    return std::string();
  }();
  ASSERT_NE(aside, "");
  EXPECT_TRUE(damaged_journals(path()).empty()) << "it would be done at every start";
  fs::remove(aside + ".salvaged");
  const std::atomic<bool> never = false;
  EXPECT_EQ(salvage_into(aside, path(), never).total(), kMetrics + 1 + 20 + 5);
  EXPECT_EQ(rows(), before);
}

TEST_F(RecoverTest, rows_that_are_newer_win_and_get_what_they_lack) {
  write_rows();
  Journal::open(path())->append(heard_row(40));
  overwrite(0, garbage(100));
  set_aside(path());
  {
    auto journal = Journal::open(path());
    TraceRow row = trace_row();
    row.ended_at = kNoon + kSecondNs;
    row.sample_rate = 8000;
    journal->append(row);
    UtteranceRow said = said_row("es", "nuevo", 3);
    journal->append(said);
    said.clause = 40;  // the damaged file has it untranslated
    journal->append(said);
    journal->append(KnobEventRow{.knob_key = "new", .created_at = kNoon});
  }
  recover();
  EXPECT_EQ(ask("SELECT sample_rate || ended_at FROM traces"), "80002026-03-01T12:00:01.000000Z");
  EXPECT_EQ(ask("SELECT translation || text FROM utterances WHERE clause = 3"),
            "nuevogood morning");
  EXPECT_EQ(ask("SELECT group_concat(target_language) FROM utterances WHERE clause = 40"), "es");
  EXPECT_EQ(count("knob_events"), "6");
}

// Who has read up to a number, as the shipper does, must find them.
TEST_F(RecoverTest, rows_that_only_have_a_number_come_after_those_that_are_there) {
  write_rows();
  overwrite(0, garbage(100));
  set_aside(path());
  {
    auto journal = Journal::open(path());
    for (uint64_t event = 1; event <= 3; ++event)
      journal->append(KnobEventRow{.knob_key = "new", .created_at = kNoon + event * kSecondNs});
  }
  recover();
  EXPECT_EQ(ask("SELECT group_concat(event_id || knob_key, ' ') FROM (SELECT * FROM knob_events "
                "ORDER BY event_id)"),
            "1new 2new 3new 4gain_db 5gain_db 6gain_db 7gain_db 8gain_db");
}

TEST_F(RecoverTest, what_a_stop_interrupts_is_done_at_the_next_start) {
  write_rows();
  overwrite(0, garbage(100));
  set_aside(path());
  Journal::open(path());
  const std::atomic<bool> stop = true;
  const std::string damaged = damaged_journals(path()).at(0);
  EXPECT_TRUE(salvage_into(damaged, path(), stop).stopped);
  EXPECT_EQ(damaged_journals(path()), std::vector<std::string>{damaged});
  std::promise<void> done;
  Salvager salvager(path(), [&done] { done.set_value(); });
  salvager.look();
  ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(count("metrics_agg_5s"), std::to_string(kMetrics));
}

TEST_F(RecoverTest, a_journal_that_is_damaged_while_it_is_written_goes_on_in_a_new_file) {
  write_rows();
  std::atomic<int> told = 0;
  auto journal = Journal::open(path(), {.interval = std::chrono::milliseconds(1),
                                        .damaged = [&told](const std::string&) { ++told; }});
  journal->append(trace_row("t2"));
  journal->flush();
  overwrite(0, garbage(fs::file_size(path())));
  {
    std::fstream log(path() + "-wal", std::ios::in | std::ios::out | std::ios::binary);
    log << garbage(fs::file_size(path() + "-wal"));
  }
  for (int attempt = 0; attempt < 50 && told == 0; ++attempt) {
    journal->append(trace_row("t" + std::to_string(3 + attempt)));
    journal->append(metric_row(9'000 + static_cast<uint64_t>(attempt)));
    journal->flush();
  }
  journal->flush();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(journal->dropped(), 0u);
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace dragoman
