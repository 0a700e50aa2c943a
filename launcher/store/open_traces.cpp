// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/open_traces.h"

#include "launcher/store/database.h"

namespace dragoman {
namespace {

// Each table has an index that begins with the trace.
constexpr char kEndOpen[] = R"sql(
UPDATE traces SET ended_at = max(started_at,
  coalesce((SELECT max(bucket_ts) FROM metrics_agg_5s m WHERE m.trace_id = traces.trace_id), ''),
  coalesce((SELECT max(bucket_ts) FROM audio_segments_5s a WHERE a.trace_id = traces.trace_id), ''),
  coalesce((SELECT max(end_at) FROM utterances u WHERE u.trace_id = traces.trace_id), ''),
  coalesce((SELECT max(first_audio_at) FROM utterances u WHERE u.trace_id = traces.trace_id), ''))
WHERE ended_at IS NULL AND (?1 = '' OR started_at < ?1))sql";

}  // namespace

size_t end_open_traces(const std::string& database, const std::string& started_before) {
  Database connection(database, DatabaseAccess::kReadWrite);
  Statement end_open = connection.prepare(kEndOpen);
  end_open.bind(1, started_before);
  end_open.run();
  return static_cast<size_t>(connection.changes());
}

}  // namespace dragoman
