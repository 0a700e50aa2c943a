// SPDX-License-Identifier: LGPL-2.1-or-later
// A program that is killed at a chosen one of its changes to the disk.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace dragoman {

/// Runs `arguments` and kills it (SIGKILL) as its main thread is about to do the `last`th system
/// call, from 0, that changes files; what it had told the kernel before stays. Returns the calls'
/// numbers up to then; empty if this system lets nobody trace.
inline std::vector<uint64_t> run_until_change(const std::vector<std::string>& arguments,
                                              size_t last) {
  static const std::set<uint64_t> changes = {
#ifdef SYS_rename
      SYS_rename,    SYS_unlink,   SYS_rmdir,  SYS_link,    SYS_mkdir,
#endif
      SYS_renameat2, SYS_unlinkat, SYS_linkat, SYS_mkdirat, SYS_fsync, SYS_syncfs, SYS_ftruncate};
  std::vector<uint64_t> seen;
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.data()));
    argv.push_back(nullptr);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(null, STDERR_FILENO);
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(127);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return seen;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  for (int pass_on = 0; ::ptrace(PTRACE_SYSCALL, child, nullptr, pass_on) == 0;) {
    if (::waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status)) return seen;
    const bool is_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    pass_on = is_call || WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    __ptrace_syscall_info info{};
    if (!is_call ||
        ::ptrace(PTRACE_GET_SYSCALL_INFO, child, reinterpret_cast<void*>(sizeof info), &info) <= 0)
      continue;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes.contains(info.entry.nr)) continue;
    seen.push_back(info.entry.nr);
    if (seen.size() <= last) continue;
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, __WALL);
    return seen;
  }
  return seen;
}

}  // namespace dragoman
