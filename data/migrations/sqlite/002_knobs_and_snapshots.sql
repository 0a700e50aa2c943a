-- What the knobs stood at and who turned them, and the older view of a station's measurements.
-- Values are JSON.

CREATE TABLE knob_snapshots_5s (
    trace_id    TEXT    NOT NULL,
    station_key TEXT    NOT NULL,
    bucket_ts   TEXT    NOT NULL,
    knob_values TEXT    NOT NULL,
    PRIMARY KEY (trace_id, station_key, bucket_ts)
);

CREATE TABLE knob_events (
    event_id    INTEGER PRIMARY KEY AUTOINCREMENT,
    trace_id    TEXT,
    station_key TEXT,
    knob_key    TEXT    NOT NULL,
    old_value   TEXT,
    new_value   TEXT,
    changed_by  TEXT,
    created_at  TEXT    DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
);
CREATE INDEX knob_events_by_trace ON knob_events (trace_id, created_at);

-- What operators ask: one parameter of a station over time; all of a time.
CREATE INDEX metrics_agg_5s_by_station ON metrics_agg_5s (station_key, metric_key, bucket_ts);
CREATE INDEX metrics_agg_5s_by_time ON metrics_agg_5s (bucket_ts);
CREATE INDEX audio_segments_5s_by_time ON audio_segments_5s (bucket_ts);
CREATE INDEX knob_snapshots_5s_by_time ON knob_snapshots_5s (bucket_ts);

-- A bucket of a tap as one row: St_3 is STATION_3, the tap is the channel; a metric is its average,
-- of a counted one ('dragoman parameters --json' tells which) its total.
CREATE VIEW station_snapshots AS
SELECT replace(m.station_key, 'St_', 'STATION_') AS station_id,
       m.trace_id AS call_id,
       m.tap AS channel,
       m.bucket_ts AS timestamp,
       m.bucket_ts AS created_at,
       json_group_object(m.metric_key,
           CASE WHEN m.metric_key IN ('talk_spurt_count', 'packets_received', 'packets_lost', 'packets_late',
                                      'packets_duplicated', 'packets_reordered', 'buffer_underruns', 'buffer_overruns',
                                      'concealed_ms', 'dropped_buffers', 'utterances', 'provider_errors',
                                      'provider_failovers') THEN m.last ELSE m.avg END) AS metrics,
       (SELECT k.knob_values FROM knob_snapshots_5s k
         WHERE k.trace_id = m.trace_id AND k.station_key = m.station_key
           AND k.bucket_ts = m.bucket_ts) AS knobs_effective
  FROM metrics_agg_5s m
 GROUP BY m.trace_id, m.station_key, m.tap, m.bucket_ts;
