// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/process_meter.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace dragoman {
namespace {

constexpr uint64_t kLeastWallNs = 100'000'000;

uint64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

uint64_t ProcessMeter::wall_ns() { return read_clock(CLOCK_MONOTONIC); }
uint64_t ProcessMeter::cpu_ns() { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

std::optional<double> ProcessMeter::cpu_pct() {
  const uint64_t wall = wall_ns();
  if (wall - wall_ < kLeastWallNs) return std::nullopt;
  const uint64_t cpu = cpu_ns();
  const double pct = 100 * static_cast<double>(cpu - cpu_) / static_cast<double>(wall - wall_);
  wall_ = wall;
  cpu_ = cpu;
  return pct;
}

std::optional<double> ProcessMeter::memory_mb() {
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  std::array<char, 128> text{};
  const ssize_t length = read(file, text.data(), text.size() - 1);
  close(file);
  unsigned long long pages = 0;
  if (length <= 0 || std::sscanf(text.data(), "%*u %llu", &pages) != 1) return std::nullopt;
  return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

}  // namespace dragoman
