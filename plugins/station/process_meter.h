// SPDX-License-Identifier: LGPL-2.1-or-later
// What the process takes of the machine.
#pragma once

#include <cstdint>
#include <optional>

namespace dragoman {

/// Reads the kernel's account of this process, proc(5). One thread.
class ProcessMeter {
 public:
  ProcessMeter();

  /// CPU time of the process since the last reading (or since this was made) over the wall clock's,
  /// 100 is one core: what utime and stime of /proc/self/stat count, finer. Nothing if less than
  /// 100 ms have gone: too short to say.
  std::optional<double> cpu_pct();

  /// Resident memory in MiB: VmRSS of /proc/self/status.
  static std::optional<double> memory_mb();

 private:
  uint64_t wall_, cpu_;  ///< ns
};

}  // namespace dragoman
