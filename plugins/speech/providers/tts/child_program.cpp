// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/tts/child_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dragoman {
namespace {

constexpr size_t kMaxErrorText = 400;

std::string with_errno(const std::string& what, int error) {
  return what + ": " + std::strerror(error);
}

// A file in memory as standard input: the child may read it when it likes, or never, and nobody
// waits.
int input_file(std::string_view input) {
  const int file = memfd_create("text", MFD_CLOEXEC);
  if (file < 0) return -1;
  size_t written = 0;
  while (written < input.size()) {
    const ssize_t n = write(file, input.data() + written, input.size() - written);
    if (n <= 0) {
      close(file);
      return -1;
    }
    written += static_cast<size_t>(n);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

// In the child, which shares the parent's memory until it executes: system calls only.
[[noreturn]] void become(char* const* arguments, int input, int output, int errors, pid_t parent,
                         volatile int& failure) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    execv(arguments[0], arguments);
    failure = errno;
  }
  _exit(127);
}

// vfork: the worker holds models of hundreds of megabytes, whose page tables fork would copy, and
// whose pages every audio thread would then fault in again.
pid_t spawn(char* const* arguments, int input, int output, int errors, int& failure) {
  const pid_t parent = getpid();
  volatile int exec_failure = 0;
  const pid_t pid = vfork();
  if (pid == 0) become(arguments, input, output, errors, parent, exec_failure);
  failure = pid < 0 ? errno : exec_failure;
  return pid;
}

bool is_executable_file(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

void Descriptor::reset(int descriptor) {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = descriptor;
}

std::string find_executable(const std::string& program) {
  if (program.find('/') != std::string::npos) return is_executable_file(program) ? program : "";
  const char* variable = std::getenv("PATH");
  std::string_view path = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!path.empty()) {
    const size_t colon = path.find(':');
    const std::string candidate = std::string(path.substr(0, colon)) + "/" + program;
    if (is_executable_file(candidate)) return candidate;
    path = colon == path.npos ? std::string_view() : path.substr(colon + 1);
  }
  return "";
}

ChildProgram::ChildProgram(std::stop_token stop)
    : stopped_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      on_stop_(std::move(stop), [this] { eventfd_write(stopped_.get(), 1); }) {}

ChildProgram::~ChildProgram() { kill(); }

std::optional<std::string> ChildProgram::start(const std::vector<std::string>& arguments,
                                               std::string_view input) {
  int output[2], errors[2];
  Descriptor in(input_file(input));
  if (!in || !stopped_ || pipe2(output, O_CLOEXEC) != 0) return with_errno("no descriptor", errno);
  output_.reset(output[0]);
  Descriptor out(output[1]);
  if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0) return with_errno("no descriptor", errno);
  errors_.reset(errors[0]);
  Descriptor err(errors[1]);

  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  int failure = 0;
  pid_ = spawn(pointers.data(), in.get(), out.get(), err.get(), failure);
  if (failure != 0) return with_errno("cannot run " + arguments[0], failure);
  return std::nullopt;
}

ChildProgram::Got ChildProgram::read(std::span<std::byte> space, size_t& bytes,
                                     std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> events{{{output_.get(), POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
  int ready;
  do {
    ready = poll(events.data(), events.size(), static_cast<int>(timeout.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return Got::kFailed;
  if (ready == 0) return Got::kTimeout;
  if (events[1].revents != 0) return Got::kStopped;
  const ssize_t n = ::read(output_.get(), space.data(), space.size());
  if (n < 0) return Got::kFailed;
  bytes = static_cast<size_t>(n);
  return n == 0 ? Got::kEnd : Got::kBytes;
}

std::optional<std::string> ChildProgram::finish(std::chrono::milliseconds timeout) {
  Descriptor child(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  std::array<pollfd, 2> events{{{child.get(), POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
  const bool ended = child && poll(events.data(), 2, static_cast<int>(timeout.count())) > 0 &&
                     events[0].revents != 0;
  take_errors();
  if (!ended) {
    kill();
    return "it did not end";
  }
  const int status = wait_for(pid_);
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  std::string why = WIFSIGNALED(status)
                        ? "it was ended by signal " + std::to_string(WTERMSIG(status))
                        : "it ended with status " + std::to_string(WEXITSTATUS(status));
  if (!error_text_.empty()) why += ": " + error_text_;
  return why;
}

void ChildProgram::take_errors() {
  std::array<char, kMaxErrorText> text;
  const ssize_t n = ::read(errors_.get(), text.data(), text.size());
  if (n > 0) error_text_.assign(text.data(), static_cast<size_t>(n));
  while (!error_text_.empty() && error_text_.back() == '\n') error_text_.pop_back();
}

void ChildProgram::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  wait_for(pid_);
  pid_ = -1;
}

}  // namespace dragoman
