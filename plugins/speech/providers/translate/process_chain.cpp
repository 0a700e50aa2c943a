// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/process_chain.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

extern char** environ;

namespace dragoman {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxAnswerBytes = 1 << 20;
constexpr size_t kErrorTailBytes = 300;
constexpr auto kDeathNotice = std::chrono::milliseconds(200);

// Where the shell would find `program`; empty: nowhere.
std::string find_program(const std::string& program) {
  if (program.find('/') != std::string::npos)
    return access(program.c_str(), X_OK) == 0 ? program : "";
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "/usr/bin:/bin";
  while (!folders.empty()) {
    auto colon = folders.find(':');
    std::string file = std::string(folders.substr(0, colon)) + "/" + program;
    if (access(file.c_str(), X_OK) == 0) return file;
    if (colon == std::string_view::npos) break;
    folders.remove_prefix(colon + 1);
  }
  return {};
}

// Not 0, 1 or 2, so that a child can put its own there.
Fd above_stdio(int fd) {
  if (fd < 0 || fd > 2) return Fd(fd);
  Fd low(fd);
  return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

struct Ends {
  Fd read, write;
};

Ends make_pipe() {
  int fds[2] = {-1, -1};
  if (pipe2(fds, O_CLOEXEC) != 0) return {};
  return {above_stdio(fds[0]), above_stdio(fds[1])};
}

// The first program reads from a socket: writing to one can be told not to raise SIGPIPE.
Ends make_socket() {
  int fds[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return {};
  return {above_stdio(fds[0]), above_stdio(fds[1])};
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

// What a child needs, made before it exists: it may not allocate.
struct ChildPlan {
  const char* file;
  char* const* arguments;
  char* const* environment;
  int in, out, errors;
  pid_t group;  // 0: the child leads a new one
  pid_t parent;
};

[[noreturn]] void become_program(const ChildPlan& plan) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(127);  // it died before the line above
  setpgid(0, plan.group);
  dup2(plan.in, STDIN_FILENO);
  dup2(plan.out, STDOUT_FILENO);
  dup2(plan.errors, STDERR_FILENO);
  close_range(3, ~0U, 0);  // also what others in this process opened to be inherited
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.file, plan.arguments, plan.environment);
  _exit(127);
}

// vfork: the process may hold a gigabyte of models, whose page tables fork would copy while audio
// threads wait for their next page. All signals are blocked, so that no handler of ours runs in the
// child, which shares our memory until it becomes the program.
[[gnu::noinline]] pid_t start_child(const ChildPlan& plan) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) become_program(plan);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

// Ours, with a locale in which the programs read and write UTF-8.
std::vector<std::string> child_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable; ++variable)
    if (strncmp(*variable, "LC_", 3) != 0 && strncmp(*variable, "LANG", 4) != 0)
      variables.emplace_back(*variable);
  variables.emplace_back("LC_ALL=C.UTF-8");
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (auto& string : strings) out.push_back(string.data());
  out.push_back(nullptr);
  return out;
}

int milliseconds_until(steady_clock::time_point deadline) {
  auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left + 1, 0, 60000));
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

struct Spawner::State {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  const std::function<void()>* job = nullptr;
  bool stopping = false;
  std::mutex one_at_a_time;
  std::thread thread;

  void loop() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stopping || job; });
      if (stopping) return;
      lock.unlock();
      (*job)();
      lock.lock();
      job = nullptr;
      changed.notify_all();
    }
  }
};

Spawner::Spawner() : state_(std::make_unique<State>()) {
  state_->thread = std::thread([this] { state_->loop(); });
}

Spawner::~Spawner() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

void Spawner::run(const std::function<void()>& job) {
  std::lock_guard turn(state_->one_at_a_time);
  std::unique_lock lock(state_->mutex);
  state_->job = &job;
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] { return !state_->job; });
}

std::string ProcessChain::start(const std::vector<std::vector<std::string>>& programs,
                                Spawner& spawner) {
  stop();
  std::vector<std::string> files;
  for (const auto& program : programs) {
    files.push_back(find_program(program.front()));
    if (files.back().empty()) return program.front() + " is not installed";
  }
  auto variables = child_environment();
  auto environment = pointers(variables);
  Ends input = make_socket(), messages = make_pipe();
  if (!input.read || !messages.read) return std::string("no pipe: ") + std::strerror(errno);
  set_nonblocking(messages.read.get());
  set_nonblocking(messages.write.get());  // a program that complains much does not block on it
  std::string error;
  Fd upstream = std::move(input.read);
  spawner.run([&] {
    for (size_t i = 0; i < programs.size() && error.empty(); ++i) {
      Ends output = make_pipe();
      auto arguments = programs[i];
      auto argument_pointers = pointers(arguments);
      pid_t group = children_.empty() ? 0 : children_.front().pid;
      pid_t pid = output.read ? start_child({files[i].c_str(), argument_pointers.data(),
                                             environment.data(), upstream.get(), output.write.get(),
                                             messages.write.get(), group, getpid()})
                              : -1;
      if (pid < 0) error = programs[i].front() + " could not be started: " + std::strerror(errno);
      if (pid > 0) children_.push_back({pid, programs[i].front()});
      upstream = std::move(output.read);
    }
  });
  in_ = std::move(input.write);
  out_ = std::move(upstream);
  errors_ = std::move(messages.read);
  if (error.empty()) {
    set_nonblocking(in_.get());
    set_nonblocking(out_.get());
  } else {
    stop();
  }
  return error;
}

ProcessChain::Answer ProcessChain::exchange(std::string_view request,
                                            steady_clock::time_point deadline, int interrupt_fd) {
  using Status = Answer::Status;
  std::string answer;
  while (true) {
    pollfd fds[3] = {{out_.get(), POLLIN, 0},
                     {interrupt_fd, POLLIN, 0},
                     {request.empty() ? -1 : in_.get(), POLLOUT, 0}};
    int ready = poll(fds, 3, milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) return {Status::died, std::strerror(errno)};
    if (fds[1].revents) return {Status::interrupted, {}};
    if (fds[2].revents) {
      ssize_t sent = send(in_.get(), request.data(), request.size(), MSG_NOSIGNAL);
      if (sent > 0) request.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return {Status::died, death()};
    }
    if (fds[0].revents) {
      char buffer[4096];
      ssize_t got = read(out_.get(), buffer, sizeof buffer);
      if (got == 0) return {Status::died, death()};
      if (got > 0) answer.append(buffer, static_cast<size_t>(got));
      if (got > 0 && answer.back() == '\0') {
        answer.pop_back();
        return {Status::complete, std::move(answer)};
      }
      if (answer.size() > kMaxAnswerBytes) return {Status::died, "the answer has no end"};
    }
    if (steady_clock::now() >= deadline) return {Status::timed_out, {}};
    read_errors();
  }
}

bool ProcessChain::healthy() const {
  if (children_.empty()) return false;
  pollfd output = {out_.get(), POLLIN, 0};
  if (poll(&output, 1, 0) != 0) return false;
  return std::all_of(children_.begin(), children_.end(), [](const Child& child) {
    siginfo_t info = {};
    return waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
  });
}

// Keeps the last of what the programs said.
void ProcessChain::read_errors() {
  char buffer[512];
  ssize_t got;
  while ((got = read(errors_.get(), buffer, sizeof buffer)) > 0) {
    error_text_.append(buffer, static_cast<size_t>(got));
    if (error_text_.size() > kErrorTailBytes)
      error_text_.erase(0, error_text_.size() - kErrorTailBytes);
  }
}

// The programs after a dead one end in good order, those before it by SIGPIPE: the one to name is
// that which ended in another way. The end of its output may be seen before its death is.
std::string ProcessChain::death() {
  auto deadline = steady_clock::now() + kDeathNotice;
  std::string how;
  bool ended = false;
  while (how.empty() && steady_clock::now() < deadline) {
    for (const auto& child : children_) {
      siginfo_t info = {};
      if (waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
          info.si_pid == 0)
        continue;
      ended = true;
      bool killed = info.si_code != CLD_EXITED && info.si_status != SIGPIPE;
      bool failed = info.si_code == CLD_EXITED && info.si_status != 0;
      if (killed) how = child.name + " was killed by signal " + std::to_string(info.si_status);
      if (failed) how = child.name + " ended with status " + std::to_string(info.si_status);
      if (!how.empty()) break;
    }
    if (how.empty()) poll(nullptr, 0, 5);
  }
  if (how.empty() && ended) how = "a program of the chain ended";
  if (how.empty()) return {};
  read_errors();
  while (error_text_.ends_with('\n')) error_text_.pop_back();
  return error_text_.empty() ? how : how + " (" + error_text_ + ")";
}

void ProcessChain::stop() {
  // No child has been waited for, so no process id is another's by now.
  if (!children_.empty()) kill(-children_.front().pid, SIGKILL);
  for (const auto& child : children_) kill(child.pid, SIGKILL);
  for (const auto& child : children_)
    while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  children_.clear();
  in_.reset();
  out_.reset();
  errors_.reset();
  error_text_.clear();
}

std::vector<pid_t> ProcessChain::pids() const {
  std::vector<pid_t> out;
  for (const auto& child : children_) out.push_back(child.pid);
  return out;
}

}  // namespace dragoman
