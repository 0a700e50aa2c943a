// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/process_meter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace dragoman {
namespace {

/// User and system time of this process, s, as /proc says.
double proc_seconds() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double proc_resident_mb() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

TEST(ProcessMeter, agrees_with_proc_on_the_cpu_time) {
  using Clock = std::chrono::steady_clock;
  ProcessMeter meter;
  EXPECT_FALSE(meter.cpu_pct()) << "no time has gone";
  const double before = proc_seconds();
  const auto start = Clock::now();
  volatile double sink = 1;
  while (Clock::now() - start < std::chrono::milliseconds(600)) sink = sink * 1.0000001;
  const std::chrono::duration<double> wall = Clock::now() - start;
  const auto pct = meter.cpu_pct();
  ASSERT_TRUE(pct);
  EXPECT_GT(*pct, 5);
  EXPECT_NEAR(*pct, 100 * (proc_seconds() - before) / wall.count(), 6);  // /proc counts in 10 ms
}

TEST(ProcessMeter, agrees_with_proc_on_the_memory) {
  const std::vector<char> held(64 << 20, 1);
  EXPECT_GT(proc_resident_mb(), 64);
  ASSERT_TRUE(ProcessMeter::memory_mb());
  EXPECT_NEAR(*ProcessMeter::memory_mb(), proc_resident_mb(), 2);
  EXPECT_EQ(held.back(), 1);
}

}  // namespace
}  // namespace dragoman
