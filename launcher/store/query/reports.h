// SPDX-License-Identifier: LGPL-2.1-or-later
// The reports of `dragoman query`: what each row is, is said by its columns.
#pragma once

#include <filesystem>
#include <string>

#include "launcher/store/query/query_filter.h"
#include "launcher/store/query/query_source.h"
#include "launcher/store/query/result_table.h"

namespace dragoman {

/// The latest buckets of a tap (a channel), the last one first: level, SNR, network, MOS.
ResultTable recent_report(QuerySource& source, const QueryFilter& filter);

/// By day (UTC), the last one first: calls that were measured, their buckets of all taps (records),
/// mean SNR and MOS, the minutes that calls lasted within the day (calls that go on count up to
/// `now`, UTC ns), clauses said, of them heard in translation, the delay's nearest-rank p50 and
/// p95. A station chooses what is measured, not what was said.
ResultTable calls_report(QuerySource& source, const QueryFilter& filter, uint64_t now);

/// For each setting of the knobs, the most used first: in how many buckets it stood, and the mean
/// level and SNR of these, of all, and before (PRE) and after (POST) processing.
ResultTable knobs_report(QuerySource& source, const QueryFilter& filter);

/// For each station, tap and parameter: its mean, the least and the greatest reading (of a counted
/// one: total), and how much of its buckets lies outside its limits; outside `critical` is outside
/// `warning`, too. `stations`: the folder of the stations' files, which may set limits of their
/// own. Throws std::runtime_error if one cannot be used.
ResultTable stations_report(QuerySource& source, const QueryFilter& filter,
                            const std::filesystem::path& stations);

/// One parameter, bucket by bucket, in the order of time, the latest if there are too many. State
/// as in stationprobe's messages: normal, unusual, warning or critical.
ResultTable parameter_report(QuerySource& source, const QueryFilter& filter, const std::string& key,
                             const std::filesystem::path& stations);

/// What was said and what was said of it to the other, in the order spoken, the latest if there are
/// too many. The delay is from the end of a clause's speech to the first sample of its translation.
ResultTable utterances_report(QuerySource& source, const QueryFilter& filter);

}  // namespace dragoman
