// SPDX-License-Identifier: LGPL-2.1-or-later
// Traces that a launcher which was killed left without an end.
#pragma once

#include <cstddef>
#include <string>

namespace dragoman {

/// Ends every trace of `database` (the journal's file, its schema up to date) that has no end, at
/// the last that is known of it: a bucket, an utterance, or its start. For the start of the only
/// launcher, before its first call; of `started_before` (ISO 8601), if given, only those that began
/// before it. Returns how many. Blocks on the disk. Throws DatabaseError.
size_t end_open_traces(const std::string& database, const std::string& started_before = {});

}  // namespace dragoman
