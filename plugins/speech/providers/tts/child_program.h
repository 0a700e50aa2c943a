// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that gets a text and answers with a stream of bytes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// Closes its descriptor.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) : descriptor_(descriptor) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void reset(int descriptor = -1);
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

/// Path of the executable `program` (a path, or a name in PATH); empty: there is none.
std::string find_executable(const std::string& program);

/// A child process that reads a text and writes bytes to a pipe. It dies with the thread that
/// started it, and at the latest with this object, which leaves neither a zombie nor a descriptor.
/// To be used by one thread; the stop token may be triggered by any.
class ChildProgram {
 public:
  enum class Got { kBytes, kEnd, kTimeout, kStopped, kFailed };

  explicit ChildProgram(std::stop_token stop);
  ~ChildProgram();
  ChildProgram(const ChildProgram&) = delete;
  ChildProgram& operator=(const ChildProgram&) = delete;

  /// Starts `arguments` (the first is the program's path) with `input` as its standard input. What
  /// went wrong; nothing if it runs.
  std::optional<std::string> start(const std::vector<std::string>& arguments,
                                   std::string_view input);

  /// Waits for output, at most `timeout`; `bytes`: how much of `space` was filled.
  Got read(std::span<std::byte> space, size_t& bytes, std::chrono::milliseconds timeout);

  /// Waits at most `timeout` for its end. What went wrong, with the last it wrote to stderr;
  /// nothing if it exited with status 0.
  std::optional<std::string> finish(std::chrono::milliseconds timeout);

 private:
  void take_errors();
  void kill();

  Descriptor stopped_;
  std::stop_callback<std::function<void()>> on_stop_;
  Descriptor output_, errors_;
  pid_t pid_ = -1;
  std::string error_text_;
};

}  // namespace dragoman
