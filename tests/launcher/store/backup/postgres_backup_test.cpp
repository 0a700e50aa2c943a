// SPDX-License-Identifier: LGPL-2.1-or-later
// Backup and restore with a real PostgreSQL.
#include "launcher/store/backup/restore.h"
#include "launcher/store/pg_schema.h"
#include "tests/launcher/store/backup/backup_fixture.h"
#include "tests/launcher/store/postgres_test.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

class PostgresBackup : public BackupTest {
 public:
  static void SetUpTestSuite() {
    if (!PostgresCluster::missing()) shared() = std::make_unique<PostgresCluster>();
  }
  static void TearDownTestSuite() { shared().reset(); }

 protected:
  void SetUp() override {
    if (const auto why = PostgresCluster::missing()) GTEST_SKIP() << *why;
    server().make_database();
    {
      PgConnection connection(PgTarget(server().conninfo(), ""), {});
      migrate(connection, known_pg_migrations());
    }
    server().run(
        "INSERT INTO traces (trace_id, started_at, src_extension) SELECT 't' || i, now(), "
        "'3333' FROM generate_series(1, 200) i");
    server().run(
        "INSERT INTO knob_events (trace_id, knob_key, new_value) SELECT 't' || i, "
        "'gain_db', to_jsonb(i) FROM generate_series(1, 50) i");
    write_rows();
    write_config("[store]\npostgresql = " + server().conninfo() + "\n");
  }
  static PostgresCluster& server() { return *shared(); }
  static std::unique_ptr<PostgresCluster>& shared() {
    static std::unique_ptr<PostgresCluster> cluster;
    return cluster;
  }
  RestoreOptions options(const std::string& file) const {
    return {.file = file, .config_file = config_file(), .postgresql = true, .now_s = kNoonS};
  }
  /// The database as SQL, without the keys that pg_dump draws at random.
  static std::string dump() {
    g_autofree char* out = nullptr;
    g_autofree char* name = g_shell_quote(server().conninfo().c_str());
    const std::string command = std::string("pg_dump --dbname=") + name;
    int status = -1;
    g_spawn_command_line_sync(command.c_str(), &out, nullptr, &status, nullptr);
    EXPECT_EQ(status, 0);
    std::istringstream lines(out ? out : "");
    std::string text, line;
    while (std::getline(lines, line))
      if (!line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")) text += line + "\n";
    return text;
  }
};

TEST_F(PostgresBackup, after_everything_was_destroyed_the_database_is_as_it_was) {
  const std::string before = dump();
  const auto data_before = tree(data() + "/audio");
  const BackupResult result = back_up_now();
  EXPECT_FALSE(result.incomplete);
  ASSERT_TRUE(verify_backup(result.path).find(kPostgresEntry));
  fs::remove_all(place());
  server().make_database();
  EXPECT_TRUE(restore(options(result.path)).postgresql);
  EXPECT_EQ(dump(), before);
  auto audio = tree(data() + "/audio");
  for (const auto& [name, content] : audio) EXPECT_EQ(data_before.at(name), content);
  EXPECT_NE(before.find("t200"), std::string::npos) << "the dump to compare with is empty";
}

TEST_F(PostgresBackup, a_database_with_tables_is_replaced_only_when_told_so) {
  const std::string before = dump(), file = back_up_now().path;
  server().run(
      "DELETE FROM traces; INSERT INTO traces (trace_id, started_at, src_extension) "
      "VALUES ('later', now(), '1')");
  const std::string later = dump();
  RestoreOptions restoring = options(file);
  const std::string said = complaint([&] { restore(restoring); });
  EXPECT_NE(said.find("--replace-postgresql"), std::string::npos) << said;
  EXPECT_EQ(dump(), later);
  restoring.replace_postgresql = true;
  restore(restoring);
  EXPECT_EQ(dump(), before);
}

TEST_F(PostgresBackup, is_left_alone_unless_it_is_asked_for) {
  const std::string file = back_up_now().path;
  const std::string before = dump();
  RestoreOptions without = options(file);
  without.postgresql = false;
  EXPECT_FALSE(restore(without).postgresql);
  EXPECT_EQ(dump(), before);
}

TEST_F(PostgresBackup, when_the_server_cannot_be_restored_everything_is_as_it_was) {
  const std::string file = back_up_now().path;
  write_rows(500);
  const std::string journal = read_file(journal_file());
  server().make_database();
  server().run(
      "CREATE VIEW unrelated AS SELECT 1; CREATE TABLE traces (mine integer); "
      "CREATE VIEW needs_it AS SELECT mine FROM traces");
  RestoreOptions restoring = options(file);
  restoring.replace_postgresql = true;
  const std::string said = complaint([&] { restore(restoring); });
  EXPECT_NE(said.find("needs_it"), std::string::npos) << said;
  EXPECT_EQ(read_file(journal_file()), journal);
  EXPECT_EQ(server().ask("SELECT count(*) FROM traces"), "0");
  EXPECT_FALSE(fs::exists(data() + ".restore-plan"));
}

TEST_F(PostgresBackup, of_a_server_that_is_down_everything_else_is_saved_and_it_is_said) {
  server().kill();
  const BackupResult result = back_up_now();
  server().start();
  EXPECT_TRUE(result.incomplete);
  const Manifest manifest = verify_backup(result.path);
  EXPECT_FALSE(manifest.find(kPostgresEntry));
  EXPECT_TRUE(manifest.find(kJournalEntry));
  const auto told = [](const std::string& note) {
    return note.find("pg_isready") != std::string::npos;
  };
  EXPECT_TRUE(std::any_of(manifest.notes.begin(), manifest.notes.end(), told));
}

TEST_F(PostgresBackup, a_database_that_is_not_ours_is_not_saved_and_it_is_said) {
  const auto notes = [this](const std::string& conninfo) {
    write_config("[store]\npostgresql = " + conninfo + "\n");
    const BackupResult result = back_up_now();
    EXPECT_TRUE(result.incomplete);
    const Manifest manifest = verify_backup(result.path);
    EXPECT_FALSE(manifest.find(kPostgresEntry));
    EXPECT_TRUE(manifest.find(kJournalEntry));
    fs::remove(result.path);
    std::string text;
    for (const std::string& note : manifest.notes) text += note + "\n";
    return text;
  };
  EXPECT_NE(notes(server().conninfo("postgres")).find("it has not our tables"), std::string::npos);
  EXPECT_NE(notes("nonsense").find("[store] postgresql: not a connection string; write dbname="),
            std::string::npos);
}

TEST_F(PostgresBackup, a_database_of_an_older_program_comes_back_and_is_brought_up_to_date) {
  server().make_database();
  {
    PgConnection connection(PgTarget(server().conninfo(), ""), {});
    migrate(connection, known_pg_migrations().first(3));
    connection.run("INSERT INTO traces VALUES ('t', now(), now(), '3333')");
  }
  const std::string before = dump(), file = back_up_now().path;
  server().make_database();
  restore(options(file));
  EXPECT_EQ(dump(), before);
  PgConnection connection(PgTarget(server().conninfo(), ""), {});
  migrate(connection, known_pg_migrations());
  EXPECT_EQ(connection.query("SELECT count(*) FROM traces").text(0, 0), "1");
}

}  // namespace
}  // namespace dragoman
