// SPDX-License-Identifier: LGPL-2.1-or-later
// The reports of `dragoman query`: what each row is, is said by its columns.
#pragma once

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

}  // namespace dragoman
