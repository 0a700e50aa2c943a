// SPDX-License-Identifier: LGPL-2.1-or-later
// What operators ask of station_snapshots, as the operations guide prints it, byte for byte.
#pragma once

namespace dragoman {

/// "Database Queries for Monitoring".
inline constexpr char kReportQueries[] = R"sql(-- Check recent Station 3 activity
SELECT
    call_id,
    channel,
    created_at,
    (metrics->>'snr_db')::numeric as snr,
    (metrics->>'audio_level_dbfs')::numeric as audio_level
FROM station_snapshots
WHERE station_id = 'STATION_3'
ORDER BY created_at DESC
LIMIT 20;

-- Get call statistics
SELECT
    DATE(created_at) as date,
    COUNT(DISTINCT call_id) as total_calls,
    COUNT(*) as total_records,
    AVG((metrics->>'snr_db')::numeric) as avg_snr
FROM station_snapshots
GROUP BY DATE(created_at)
ORDER BY date DESC;

-- Check knobs effectiveness
SELECT
    knobs_effective,
    COUNT(*) as usage_count,
    AVG((metrics->>'audio_level_dbfs')::numeric) as avg_audio_level
FROM station_snapshots
WHERE knobs_effective IS NOT NULL
GROUP BY knobs_effective
ORDER BY usage_count DESC;)sql";

/// Of the health check.
inline constexpr char kCountQuery[] = R"sql(SELECT COUNT(*) FROM station_snapshots;)sql";
inline constexpr char kRecentQuery[] = R"sql(SELECT station_id, COUNT(*) as calls, MAX(created_at) as last_activity
FROM station_snapshots
WHERE created_at > NOW() - INTERVAL '1 hour'
GROUP BY station_id;)sql";

/// Of the automated call test.
inline constexpr char kLatestQuery[] = R"sql(SELECT * FROM station_snapshots
WHERE call_id LIKE 'CALL-%'
ORDER BY created_at DESC
LIMIT 5;)sql";

/// Of the performance tuning.
inline constexpr char kIndexStatements[] = R"sql(-- Add indexes for better performance
CREATE INDEX idx_station_timestamp ON station_snapshots(station_id, timestamp DESC);
CREATE INDEX idx_call_channel ON station_snapshots(call_id, channel);)sql";
inline constexpr char kTuneQuery[] = R"sql(VACUUM ANALYZE station_snapshots;)sql";

}  // namespace dragoman
