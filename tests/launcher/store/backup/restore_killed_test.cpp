// SPDX-License-Identifier: LGPL-2.1-or-later
// 'dragoman restore' killed wherever it changes the disk: the next 'dragoman serve' finds the old
// state or the new one, whole.
#include <gio/gio.h>

#include "tests/launcher/store/backup/backup_fixture.h"
#include "tests/launcher/store/backup/killed_at.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

class RestoreKilledTest : public BackupTest {
 protected:
  using State = std::map<std::string, std::string>;

  RestoreKilledTest() {
    g_setenv("DRAGOMAN_ARI_PASSWORD", "secret", TRUE);
    write_rows(100);
    file_ = back_up_now().path;
    write_rows(500);
    write_config("# changed since\n");
    write_file(pipelines() + "/call.pipeline", "[pipeline]\ndescription = changed\n");
    write_file(place() + "/own/own.pipeline", "[pipeline]\ndescription = changed, too\n");
    fs::copy(place(), kept(), fs::copy_options::recursive);
  }

  std::string kept() const { return folder() + "/kept"; }
  void set_back() const {
    fs::remove_all(place());
    fs::copy(kept(), place(), fs::copy_options::recursive);
  }
  std::vector<std::string> restore_command() const {
    return {DRAGOMAN_PROGRAM, "restore", "--config", config_file(), file_};
  }
  static int run(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);
    g_autoptr(GSubprocess) process =
        g_subprocess_newv(argv.data(),
                          static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                                        G_SUBPROCESS_FLAGS_STDERR_SILENCE),
                          nullptr);
    g_subprocess_wait(process, nullptr, nullptr);
    return g_subprocess_get_exit_status(process);
  }
  /// Serves nothing: the pipeline files are none. But it makes its folder ready before it says so.
  void start_serving() const {
    EXPECT_EQ(run({DRAGOMAN_PROGRAM, "serve", "--config", config_file()}), 1);
  }
  /// What a restore of the same second put aside is not replaced: then it takes another second.
  bool restore_again() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end)
      if (run(restore_command()) == 0) return true;
    return false;
  }
  /// All that is in use; what is aside or was being unpacked is not.
  State state() const {
    State files = tree(place());
    std::erase_if(files, [](const auto& file) {
      return file.first.find(".before-restore-") != std::string::npos ||
             file.first.find(".dragoman-restore-") != std::string::npos ||
             file.first.ends_with("launcher.lock") || file.first.ends_with("-shm") ||
             file.first.ends_with("-wal");
    });
    return files;
  }

  std::string file_;
};

TEST_F(RestoreKilledTest, leaves_the_old_state_or_the_new_one_wherever_that_is) {
  const State old = state();
  const std::vector<uint64_t> calls = run_until_change(restore_command(), SIZE_MAX);
  if (calls.empty()) GTEST_SKIP() << "this system lets nobody trace a process";
  const State restored = state();
  ASSERT_FALSE(restored == old);
  const auto first = std::find(calls.begin(), calls.end(), SYS_renameat2);
  ASSERT_NE(first, calls.end());
  const auto swap = static_cast<size_t>(first - calls.begin());
  size_t were_old = 0, were_new = 0, unconfigured = 0;
  // While it unpacks now and then; while it replaces, everywhere.
  for (size_t kill = 0; kill < calls.size(); kill += kill + 12 < swap ? 1 + swap / 8 : 1) {
    SCOPED_TRACE("killed before change " + std::to_string(kill) + " of " +
                 std::to_string(calls.size()) + ", system call " + std::to_string(calls[kill]));
    set_back();
    ASSERT_EQ(run_until_change(restore_command(), kill).size(), kill + 1);
    unconfigured += fs::exists(config_file()) ? 0 : 1;
    start_serving();
    const State found = state();
    EXPECT_TRUE(found == old || found == restored);
    EXPECT_FALSE(fs::exists(data() + ".restore-plan"));
    (found == old ? were_old : were_new) += 1;
    if (kill % 4 != 0) continue;
    EXPECT_TRUE(restore_again());
    EXPECT_TRUE(state() == restored);
  }
  EXPECT_EQ(unconfigured, 0u) << "for a moment there was no configuration";
  EXPECT_GT(were_old, 8u);
  EXPECT_GT(were_new, 0u);
}

}  // namespace
}  // namespace dragoman
