// SPDX-License-Identifier: LGPL-2.1-or-later
// Stations by file: which parameters a station has, within which limits, in buckets how long.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "plugins/common/buckets.h"
#include "plugins/common/parameters.h"

namespace dragoman {

/// What one station measures. Without a file: every parameter, the table's limits, 5 s.
struct Station {
  std::string description;
  std::vector<bool> wanted;    ///< in the order of parameters()
  std::vector<Limits> limits;  ///< likewise
  uint64_t interval_ns = kBucketNs;

  Station();
};

/// Reads station files:
///
///     [station]
///     description = What the caller says
///     like = St_3                    another station's file, changed by what follows
///     parameters = snr_db; mos       of the table, or the one word: all
///     interval = 5                   seconds, 0.1 to 86400
///
///     [limits snr_db]                low and high end; - where there is none
///     normal = 20 40
///     warning = 15 -
///     critical = 6 -
///
/// Throws std::runtime_error with file, group, key and cure if one cannot be used; a file that is
/// missing is an error here.
Station read_station(const std::filesystem::path& file);

/// The station `name` of `folder`: its file NAME.conf, or the generic station if there is none.
Station find_station(const std::filesystem::path& folder, const std::string& name);

/// How a figure lies in its limits.
enum class FigureState { kNormal, kUnusual, kWarning, kCritical };
FigureState state_of(const Limits& limits, double figure);
/// "normal", "unusual" (outside normal, within warning), "warning", "critical".
const char* name_of(FigureState state);

}  // namespace dragoman
