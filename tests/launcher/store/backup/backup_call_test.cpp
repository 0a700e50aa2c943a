// SPDX-License-Identifier: LGPL-2.1-or-later
// Backup, restore and recovery as commands, with a real launcher that has a call.
#include <gio/gio.h>
#include <unistd.h>

#include "tests/fakes/main_loop.h"
#include "tests/launcher/store/backup/backup_fixture.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kPrompt[] = "/usr/share/asterisk/sounds/en_US_f_Allison/vm-nobodyavail.wav";

struct Outcome {
  int status = -1;
  std::string out, errors;
};

class BackupCall : public StoreTest {
 protected:
  BackupCall() {
    write_file(config(),
               "[extension 3333]\nlanguage = en\npartner = 4444\n"
               "[extension 4444]\nlanguage = es\npartner = 3333\n");
  }
  void SetUp() override {
    if (::access(kPrompt, R_OK) != 0) GTEST_SKIP() << kPrompt << " is not installed";
  }

  std::string config() const { return folder() + "/dragoman.conf"; }
  std::string data() const { return folder() + "/data"; }
  std::string journal_file() const { return journal_path(data()); }

  static GSubprocess* start(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv = {DRAGOMAN_PROGRAM};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);
    return g_subprocess_newv(argv.data(),
                             static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                                           G_SUBPROCESS_FLAGS_STDERR_PIPE),
                             nullptr);
  }
  static Outcome end(GSubprocess* process) {
    g_autofree char *out = nullptr, *errors = nullptr;
    g_subprocess_communicate_utf8(process, nullptr, nullptr, &out, &errors, nullptr);
    return {g_subprocess_get_exit_status(process), out ? out : "", errors ? errors : ""};
  }
  static Outcome run(const std::vector<std::string>& arguments) {
    g_autoptr(GSubprocess) process = start(arguments);
    return end(process);
  }
  Outcome run_here(const std::string& command, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {command, "--config", config(), "--data", data()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  GSubprocess* call() const {
    return start(
        {"simulate-call", "3333", "--speech", kPrompt, "--config", config(), "--keep", data()});
  }
  /// Reads until the call says `word`; what it said.
  static std::string wait_for(GSubprocess* process, const std::string& word) {
    std::string text;
    char buffer[256];
    while (text.find(word) == std::string::npos) {
      const gssize size = g_input_stream_read(g_subprocess_get_stdout_pipe(process), buffer,
                                              sizeof buffer, nullptr, nullptr);
      if (size <= 0) break;
      text.append(buffer, static_cast<size_t>(size));
    }
    return text;
  }
  /// Until the launcher has written that there is a call.
  bool is_call_written() const {
    const auto is_written = [this] {
      int64_t calls = 0;
      return complaint([&] { calls = number("SELECT count(*) FROM traces"); }).empty() &&
             calls == 1;
    };
    return fakes::wait_until(is_written, 30'000);
  }
  int64_t number(const std::string& sql) const {
    return Database(journal_file(), DatabaseAccess::kReadOnly).number(sql);
  }
};

TEST_F(BackupCall, of_a_running_call_is_whole_and_comes_back_when_it_has_ended) {
  g_autoptr(GSubprocess) process = call();
  ASSERT_NE(wait_for(process, "speaking").find("speaking"), std::string::npos);
  ASSERT_TRUE(is_call_written());
  const Outcome backup = run_here("backup", {"--audio", folder() + "/backups"});
  EXPECT_EQ(backup.status, 0) << backup.errors;
  const std::string file = backup.out.substr(0, backup.out.find(':'));
  const Outcome early = run_here("restore", {file});
  EXPECT_EQ(early.status, 1) << early.out;
  EXPECT_NE(early.errors.find("stop it"), std::string::npos) << early.errors;
  const Outcome ended = end(process);
  ASSERT_EQ(ended.status, 0) << ended.errors;
  const int64_t rows = number("SELECT count(*) FROM utterances");
  ASSERT_GT(rows, 0);

  const Outcome restored = run_here("restore", {file});
  ASSERT_EQ(restored.status, 0) << restored.errors;
  EXPECT_NE(restored.out.find(data() + ".before-restore-"), std::string::npos) << restored.out;
  EXPECT_EQ(number("SELECT count(*) FROM traces"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM traces WHERE ended_at IS NULL"), 1) << "it was running";
  const Outcome report = run({"report", "--data", data()});
  EXPECT_EQ(report.status, 0) << report.errors;
}

TEST_F(BackupCall, a_damaged_journal_keeps_no_call_from_being_taken) {
  fs::create_directories(data());
  {
    auto journal = Journal::open(journal_file());
    // Too young for the retention.
    const uint64_t start = static_cast<uint64_t>(g_get_real_time()) * 1000 - 10'000 * kSecondNs;
    TraceRow trace = trace_row();
    trace.started_at = start;
    journal->append(trace);
    for (uint64_t number = 0; number < 2000; ++number) {
      MetricRow row = metric_row(number);
      row.bucket_ts = start + number * 5 * kSecondNs;
      journal->append(row);
    }
  }
  const std::string sound = read_file(journal_file());
  write_file(journal_file(), "this is not a database" + sound.substr(22));
  g_autoptr(GSubprocess) process = call();
  const Outcome ended = end(process);
  ASSERT_EQ(ended.status, 0) << ended.out << ended.errors;
  EXPECT_GT(number("SELECT count(*) FROM utterances WHERE trace_id <> 't1'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM metrics_agg_5s WHERE trace_id = 't1'"), 2000)
      << read_file(data() + "/serve.log");
  EXPECT_EQ(number("SELECT count(*) FROM traces WHERE ended_at IS NULL"), 0);
  int kept = 0;
  for (const auto& entry : fs::directory_iterator(data()))
    kept += entry.path().string().find(".damaged-") != std::string::npos &&
            entry.file_size() == sound.size();
  EXPECT_EQ(kept, 1);
}

TEST_F(BackupCall, recover_says_what_is_left) {
  fs::create_directories(data());
  {
    auto journal = Journal::open(journal_file());
    for (uint64_t row = 0; row < 2000; ++row) journal->append(metric_row(row));
  }
  const Outcome sound = run_here("recover");
  EXPECT_EQ(sound.status, 0) << sound.errors;
  EXPECT_NE(sound.out.find("sound"), std::string::npos) << sound.out;
  fs::resize_file(journal_file(), fs::file_size(journal_file()) / 2);
  const Outcome cut = run_here("recover");
  EXPECT_EQ(cut.status, 0) << cut.errors;
  EXPECT_NE(cut.out.find("rows are saved"), std::string::npos) << cut.out;
  EXPECT_GT(number("SELECT count(*) FROM metrics_agg_5s"), 500);
  EXPECT_EQ(run_here("recover").out.find("damaged"), std::string::npos);
}

TEST_F(BackupCall, commands_say_what_they_lack) {
  EXPECT_EQ(run({"backup"}).status, 2);
  EXPECT_EQ(run({"restore"}).status, 2);
  EXPECT_EQ(run({"recover", "what"}).status, 2);
  EXPECT_EQ(run({"restore", folder() + "/none"}).status, 1);
}

}  // namespace
}  // namespace dragoman
