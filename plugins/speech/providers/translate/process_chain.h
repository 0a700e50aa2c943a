// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs joined by pipes that answer one request after the other, each ended by NUL.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// A thread that starts children. The kernel kills a child with PR_SET_PDEATHSIG when the *thread*
/// that started it ends, so that must be one that lives as long as they shall.
class Spawner {
 public:
  Spawner();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// Runs `job` on the thread and waits for its end.
  void run(const std::function<void()>& job);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release();
  void reset();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The running programs: one process group, which dies with this process even if that is killed,
/// and holds none of its descriptors. Not for use by several threads at a time.
class ProcessChain {
 public:
  ProcessChain() = default;
  ~ProcessChain() { stop(); }
  ProcessChain(const ProcessChain&) = delete;
  ProcessChain& operator=(const ProcessChain&) = delete;

  /// Starts the programs: each one's arguments, the name first, which is looked up in $PATH. What
  /// ran before is stopped. Returns what went wrong, empty: nothing; then nothing runs.
  std::string start(const std::vector<std::vector<std::string>>& programs, Spawner& spawner);

  struct Answer {
    enum class Status { complete, died, timed_out, interrupted } status;
    std::string text;  ///< complete: without its NUL. died: which program and how
  };
  /// Writes `request` and waits for the answer. `interrupt_fd`: becomes readable to give up. After
  /// anything but `complete` the chain must be started anew.
  Answer exchange(std::string_view request, std::chrono::steady_clock::time_point deadline,
                  int interrupt_fd);

  /// Whether every program runs and nothing unasked was written; does not block.
  bool healthy() const;
  bool started() const { return !children_.empty(); }

  /// Which program died and how; empty: none did. Waits a moment for one that is about to.
  std::string death();

  /// Kills all programs, also stopped ones, and collects them.
  void stop();

  /// The programs' process ids, in order.
  std::vector<pid_t> pids() const;

 private:
  struct Child {
    pid_t pid;
    std::string name;
  };
  void read_errors();

  std::vector<Child> children_;
  Fd in_, out_, errors_;
  std::string error_text_;  // the end of what the programs wrote to stderr
};

}  // namespace dragoman
