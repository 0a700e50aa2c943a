// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal under kill -9 and on a full disk.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>

#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using JournalCrashTest = StoreTest;

/// Writes rows from `next` on for ever, in flushes of one to nine, and tells each flushed number.
[[noreturn]] void write_until_killed(const std::string& path, uint64_t next, int report) {
  auto journal = Journal::open(path, {.interval = std::chrono::milliseconds(1)});
  for (;; ++next) {
    journal->append(metric_row(next));
    UtteranceRow heard = heard_row(static_cast<int>(next));
    journal->append(heard);
    journal->append(said_row("es", "dicho", heard.clause));
    if (next % 9 != 0) continue;
    journal->flush();
    if (::write(report, &next, sizeof next) != sizeof next) std::_Exit(1);
  }
}

/// Starts such a writer, kills it after `life`, and returns the last number it said was flushed.
uint64_t write_and_kill(const std::string& path, uint64_t next, std::chrono::milliseconds life) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) write_until_killed(path, next, ends[1]);
  ::close(ends[1]);
  uint64_t flushed = next - 1, number = 0;
  const Clock::time_point end = Clock::now() + life;
  bool killed = false;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd wait{ends[0], POLLIN, 0};
    if (!killed && (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0)) {
      ::kill(child, SIGKILL);
      killed = true;
    }
    if (::read(ends[0], &number, sizeof number) != sizeof number) break;
    flushed = number;
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
  return flushed;
}

TEST_F(JournalCrashTest, no_flushed_row_is_lost_or_doubled_by_a_kill) {
  std::mt19937 random(20260301);
  uint64_t flushed = 0;
  for (int round = 0; round < 25; ++round) {
    const std::chrono::milliseconds life(random() % 120);
    flushed = std::max(flushed, write_and_kill(path(), flushed + 1, life));
    auto journal = Journal::open(path());
    const std::string up_to = " <= '" + std::to_string(flushed) + "'";
    ASSERT_EQ(ask("PRAGMA integrity_check"), "ok");
    ASSERT_EQ(ask("SELECT count(*) FROM utterances WHERE translation = 'dicho' AND clause <= " +
                  std::to_string(flushed)),
              std::to_string(flushed));
    ASSERT_GE(std::stoull(ask("SELECT count(*) FROM metrics_agg_5s")), flushed);
    // A clause past the last flush may have been heard and not yet said when the kill came.
    ASSERT_EQ(ask("SELECT count(*) FROM utterances WHERE target_language = '' AND clause <= " +
                  std::to_string(flushed)),
              "0");
  }
  EXPECT_GT(flushed, 100u) << "the writers hardly wrote, so the kills proved nothing";
}

/// A disk of one megabyte that no other process sees.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  const std::string path_;
  bool mounted_ = false;
};

TEST_F(JournalCrashTest, a_full_disk_loses_nothing_that_fits_in_the_queue) {
  SmallDisk disk(folder());
  if (!disk.mounted()) {
    GTEST_SKIP() << "no small disk can be mounted here: " << std::strerror(errno);
  }
  auto journal = Journal::open(path(), {.queue_limit = 100});
  const std::string filler = folder() + "/filler";
  {
    const int file = ::open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const std::string block(4096, 'x');
    while (::write(file, block.data(), block.size()) > 0) {
    }
    ::close(file);
  }
  journal->append(trace_row());
  for (uint64_t row = 0; row < 120; ++row) journal->append(metric_row(row));
  journal->flush();
  EXPECT_EQ(journal->waiting(), 100u);
  EXPECT_EQ(journal->dropped(), 21u);
  ::unlink(filler.c_str());
  journal->flush();
  EXPECT_EQ(journal->waiting(), 0u);
  EXPECT_EQ(ask("SELECT (SELECT count(*) FROM traces) || '+' || (SELECT count(*) FROM "
                "metrics_agg_5s)"),
            "1+99");
  journal.reset();
}

}  // namespace
}  // namespace dragoman
