// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands that root runs on the data of the service's user.
#include <fcntl.h>
#include <pwd.h>

#include "launcher/command.h"
#include "launcher/store/backup/recover.h"
#include "launcher/store/backup/restore.h"
#include "launcher/store/backup/swap.h"
#include "launcher/store/commands.h"
#include "launcher/store/data_folder_lock.h"
#include "launcher/store/file_owner.h"
#include "tests/launcher/store/backup/backup_fixture.h"
#include "tests/launcher/store/other_user.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::string>;

class OwnerTest : public BackupTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    write_config("[monitoring]\nretention-hours = 0\n");
    write_rows();
    give_to_other_user(place());
    ::chmod(folder().c_str(), 0755);
  }
  int command(int (*run)(int, char**), Files arguments) const {
    arguments.insert(arguments.end(), {"--data", data(), "--config", config_file()});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    return run(static_cast<int>(arguments.size()), argv.data());
  }
  RestoreResult restore_it(const std::string& file) const {
    return restore({.file = file, .config_file = config_file(), .now_s = kNoonS});
  }
};

TEST_F(OwnerTest, maintenance_by_root_leaves_nothing_that_locks_the_service_out) {
  const auto maintain = [this](const char* period) {
    return command(maintain_command, {"maintain", period});
  };
  EXPECT_EQ(in_child([&] { return maintain("daily"); }), kExitOk);
  EXPECT_EQ(in_child([&] { return maintain("monthly"); }), kExitOk);
  EXPECT_EQ(not_of_other_user(data()), Files());
  EXPECT_EQ(as_other_user([&] { return maintain("daily"); }), kExitOk);
}

TEST_F(OwnerTest, what_root_does_as_another_user_is_done_with_his_home) {
  const auto home_in = [this](uid_t owner) {
    ::chown(data().c_str(), owner, kOtherGroup);
    const std::string told = folder() + "/home";
    in_child([&] {
      ::setenv("HOME", "/root-of-the-test", 1);
      const int file = ::open(told.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      become_owner_of(data());
      const char* home = ::getenv("HOME");
      return ::dprintf(file, "%s", home ? home : "none");
    });
    return read_file(told);
  };
  constexpr uid_t kNameless = 61234;
  ASSERT_EQ(::getpwuid(kNameless), nullptr);
  ASSERT_NE(::getpwuid(kOtherUser), nullptr);
  EXPECT_EQ(home_in(kOtherUser), ::getpwuid(kOtherUser)->pw_dir);
  EXPECT_EQ(home_in(kNameless), "none");
  EXPECT_EQ(home_in(0), "/root-of-the-test");
}

TEST_F(OwnerTest, a_recovery_by_root_makes_a_journal_that_the_service_can_write) {
  fs::resize_file(journal_file(), fs::file_size(journal_file()) / 2);
  const auto recover = [this] { return command(recover_command, {"recover"}); };
  EXPECT_EQ(in_child(recover), kExitOk);
  EXPECT_EQ(not_of_other_user(data()), Files());
  EXPECT_EQ(as_other_user(recover), kExitOk);
}

TEST_F(OwnerTest, what_root_restores_belongs_to_whom_it_belonged) {
  const std::string file = back_up_now().path;
  write_config("[extension 7001]\nlanguage = es\n");
  write_file(pipelines() + "/call.pipeline", "[pipeline]\ndescription = changed\n");
  give_to_other_user(place());
  ::chmod(data().c_str(), 0770);
  const RestoreResult result = restore_it(file);
  EXPECT_EQ(result.aside.size(), 3u);
  EXPECT_EQ(not_of_other_user(place()), Files());
  EXPECT_EQ(fs::status(data()).permissions(), fs::perms(0770));
  EXPECT_EQ(as_other_user([this] { return command(recover_command, {"recover"}); }), kExitOk);
}

TEST_F(OwnerTest, audio_elsewhere_that_root_restores_belongs_to_whom_it_belonged) {
  write_config("");
  std::string config = read_file(config_file());
  config.insert(config.find("[speech]"), "audio = " + place() + "/audio\n");
  write_file(config_file(), config);
  fs::rename(data() + "/audio", place() + "/audio");
  give_to_other_user(place());
  restore_it(back_up_now().path);
  EXPECT_TRUE(fs::exists(place() + "/audio.before-restore-20260301T120000Z"));
  EXPECT_EQ(not_of_other_user(place()), Files());
}

TEST_F(OwnerTest, a_file_where_none_was_gets_the_owner_of_its_folder) {
  const std::string file = back_up_now().path;
  fs::remove(config_file());
  fs::remove_all(data());
  restore_it(file);
  EXPECT_EQ(not_of_other_user(place()), Files());
}

TEST_F(OwnerTest, a_refused_restore_and_a_dry_run_leave_a_lock_that_the_service_can_take) {
  RestoreOptions dry{.file = back_up_now().path, .config_file = config_file(), .now_s = kNoonS};
  dry.dry_run = true;
  restore(dry);
  EXPECT_TRUE(fs::exists(data() + "/launcher.lock"));
  EXPECT_EQ(not_of_other_user(place()), Files());
}

TEST_F(OwnerTest, a_lock_that_is_a_link_costs_nobody_a_file) {
  const std::string kept = folder() + "/kept", lock = data() + "/launcher.lock";
  write_file(kept, "of root\n");
  const std::string file = back_up_now().path;
  fs::remove(lock);
  fs::create_symlink(kept, lock);
  const std::string said = complaint([&] { restore_it(file); });
  EXPECT_NE(said.find(lock + ": is a link"), std::string::npos) << said;
  EXPECT_EQ(read_file(kept), "of root\n");
  EXPECT_TRUE(fs::is_symlink(lock));
}

TEST_F(OwnerTest, the_service_is_told_of_roots_interrupted_restore_and_root_can_undo_it) {
  const std::string file = back_up_now().path, plan = swap_plan_of(data());
  EXPECT_EQ(in_child([&] {
              Swap swap(plan, {{place() + "/new", data(), data() + ".aside"}});
              fs::rename(data(), data() + ".aside");
              return ::kill(::getpid(), SIGKILL);  // the power cut
            }),
            -1);
  EXPECT_EQ(as_other_user([&] {
              const std::string said = complaint([&] { undo_interrupted_swap(plan); });
              std::fputs((said + "\n").c_str(), stderr);
              return said.find("run 'dragoman restore' again as root") == std::string::npos;
            }),
            0);
  EXPECT_TRUE(restore_it(file).undone);
  EXPECT_FALSE(fs::exists(plan));
  EXPECT_EQ(not_of_other_user(place()), Files());
}

TEST_F(OwnerTest, a_backup_by_root_belongs_to_the_owner_of_its_folder) {
  fs::create_directories(backups());
  ASSERT_EQ(::chown(backups().c_str(), kOtherUser, kOtherGroup), 0);
  back_up_now();
  EXPECT_EQ(not_of_other_user(backups()), Files());
}

}  // namespace
}  // namespace dragoman
