// SPDX-License-Identifier: LGPL-2.1-or-later
// UTC times as the database holds them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dragoman {

/// `utc_ns` (ns since 1970) as ISO 8601 with microseconds, "2026-03-01T12:00:05.000000Z": 27
/// characters, so text order is time order. What is finer than a microsecond is cut off.
std::string iso_time(uint64_t utc_ns);

/// The ns since 1970 of a time written as above; fewer or no decimals, or a date alone, are taken
/// too. Nothing for any other text and for times before 1970.
std::optional<uint64_t> parse_iso_time(std::string_view text);

}  // namespace dragoman
