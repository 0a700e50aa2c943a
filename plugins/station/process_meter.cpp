// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/process_meter.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "plugins/station/clocks.h"

namespace dragoman {
namespace {

constexpr uint64_t kLeastWallNs = 100'000'000;

}  // namespace

ProcessMeter::ProcessMeter() : wall_(monotonic_ns()), cpu_(process_cpu_ns()) {}

std::optional<double> ProcessMeter::cpu_pct() {
  const uint64_t wall = monotonic_ns();
  if (wall - wall_ < kLeastWallNs) return std::nullopt;
  const uint64_t cpu = process_cpu_ns();
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
