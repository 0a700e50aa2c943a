// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/station/process_meter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "plugins/station/clocks.h"

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

struct Moment {
  double cpu = proc_seconds(), wall = 1e-9 * static_cast<double>(monotonic_ns());  ///< s
};

double proc_resident_mb() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

TEST(ProcessMeter, agrees_with_proc_on_the_cpu_time) {
  // What a busy machine takes between two lines is in one of the brackets, not in the other.
  const Moment outer;
  ProcessMeter meter;
  const Moment inner;
  volatile double sink = 1;
  while (proc_seconds() - inner.cpu < 0.5) sink = sink * 1.0000001;
  const Moment inner_end;
  const auto pct = meter.cpu_pct();
  const Moment outer_end;
  ASSERT_TRUE(pct);
  constexpr double kCounted = 0.02;  // /proc counts user and system time in 10 ms each
  EXPECT_GE(*pct, 100 * (inner_end.cpu - inner.cpu - kCounted) / (outer_end.wall - outer.wall));
  EXPECT_LE(*pct, 100 * (outer_end.cpu - outer.cpu + kCounted) / (inner_end.wall - inner.wall));
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
