// SPDX-License-Identifier: LGPL-2.1-or-later
// A time that somebody wrote on a command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dragoman {

inline constexpr char kTimeHelp[] =
    "write it as 2026-03-01 or 2026-03-01T12:00:00Z (UTC), or as 30m, 24h or 7d (ago)";

/// UTC now, ns since 1970.
uint64_t utc_now();

/// UTC ns of ISO 8601 text (iso_time.h), or of a number and m, h or d: that long before `now`.
std::optional<uint64_t> parse_time_argument(std::string_view text, uint64_t now);

}  // namespace dragoman
