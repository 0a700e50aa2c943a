-- The key of a metric in the order of time: the same key, but a second's rows of many calls touch a
-- few pages of its index instead of one each, and all of a time is found by it. Rows keep their seq.

DROP VIEW station_snapshots;

ALTER TABLE metrics_agg_5s RENAME TO old_metrics;
CREATE TABLE metrics_agg_5s (
    trace_id    TEXT    NOT NULL,
    station_key TEXT    NOT NULL,
    tap         TEXT    NOT NULL,  -- PRE or POST
    metric_key  TEXT    NOT NULL,
    bucket_ts   TEXT    NOT NULL,
    bucket_ms   INTEGER DEFAULT 5000,
    count       INTEGER NOT NULL,
    min         REAL,
    max         REAL,
    avg         REAL,
    last        REAL,
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (bucket_ts, trace_id, station_key, tap, metric_key)
);
INSERT INTO metrics_agg_5s SELECT trace_id, station_key, tap, metric_key, bucket_ts, bucket_ms, count, min, max, avg,
       last, seq
  FROM old_metrics ORDER BY seq;
-- No number is given twice, even if the newest rows were deleted.
DELETE FROM sqlite_sequence WHERE name = 'metrics_agg_5s';
INSERT INTO sqlite_sequence (name, seq) SELECT 'metrics_agg_5s', seq FROM sqlite_sequence WHERE name = 'old_metrics';
DROP TABLE old_metrics;
CREATE INDEX metrics_agg_5s_by_station ON metrics_agg_5s (station_key, metric_key, bucket_ts);
CREATE INDEX metrics_agg_5s_by_trace ON metrics_agg_5s (trace_id, bucket_ts);
-- What reports have means of, whatever the time: few rows of many.
CREATE INDEX metrics_agg_5s_reported ON metrics_agg_5s (metric_key, bucket_ts, trace_id, station_key, tap, avg)
 WHERE metric_key IN ('snr_db', 'audio_level_dbfs', 'mos');

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
