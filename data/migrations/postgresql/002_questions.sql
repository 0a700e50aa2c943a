-- Indexes for what operators ask, and the older view of a station's measurements.

CREATE INDEX traces_by_start ON traces (started_at);
CREATE INDEX utterances_by_start ON utterances (start_at);
CREATE INDEX audio_segments_5s_by_time ON audio_segments_5s (bucket_ts);
CREATE INDEX audio_segments_5s_by_file ON audio_segments_5s (file_path);
CREATE INDEX knob_snapshots_5s_by_time ON knob_snapshots_5s (bucket_ts);
CREATE INDEX knob_events_by_trace ON knob_events (trace_id, created_at);

-- All of a time, what is older than one, all of a bucket. Time first: it decides most comparisons,
-- and rows come in its order, so a row costs least. A bucket's rows share one entry.
CREATE INDEX metrics_agg_5s_by_time ON metrics_agg_5s (bucket_ts, trace_id, station_key, tap);
-- One parameter of a station over time.
CREATE INDEX metrics_agg_5s_by_station ON metrics_agg_5s (station_key, metric_key, bucket_ts);

-- Which buckets there are. A bucket has a row here and as many in metrics_agg_5s as there are
-- parameters: what is asked of buckets (the latest of a station, how many) need not read them all.
-- The triggers keep it true, whoever writes.
CREATE TABLE station_buckets (
    trace_id    VARCHAR(255) NOT NULL,
    station_key VARCHAR(50) NOT NULL,
    tap         VARCHAR(10) NOT NULL,
    bucket_ts   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trace_id, station_key, tap, bucket_ts)
);

CREATE FUNCTION station_buckets_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO station_buckets
    SELECT trace_id, station_key, tap, bucket_ts FROM written GROUP BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION station_buckets_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM station_buckets b
     USING (SELECT DISTINCT trace_id, station_key, tap, bucket_ts FROM gone) g
     WHERE (b.trace_id, b.station_key, b.tap, b.bucket_ts) = (g.trace_id, g.station_key, g.tap, g.bucket_ts)
       AND NOT EXISTS (SELECT FROM metrics_agg_5s m
                        WHERE (m.trace_id, m.station_key, m.tap, m.bucket_ts)
                            = (g.trace_id, g.station_key, g.tap, g.bucket_ts));
    RETURN NULL;
END $$;

-- A key that is changed is no longer the old one.
CREATE FUNCTION station_buckets_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM station_buckets
     WHERE (trace_id, station_key, tap, bucket_ts) = (OLD.trace_id, OLD.station_key, OLD.tap, OLD.bucket_ts)
       AND NOT EXISTS (SELECT FROM metrics_agg_5s m
                        WHERE (m.trace_id, m.station_key, m.tap, m.bucket_ts)
                            = (OLD.trace_id, OLD.station_key, OLD.tap, OLD.bucket_ts));
    INSERT INTO station_buckets VALUES (NEW.trace_id, NEW.station_key, NEW.tap, NEW.bucket_ts) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION station_buckets_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM station_buckets;
    RETURN NULL;
END $$;

CREATE TRIGGER station_buckets_added AFTER INSERT ON metrics_agg_5s
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION station_buckets_added();
CREATE TRIGGER station_buckets_removed AFTER DELETE ON metrics_agg_5s
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION station_buckets_removed();
CREATE TRIGGER station_buckets_moved AFTER UPDATE ON metrics_agg_5s FOR EACH ROW
    -- Written as pg_dump gives it back, so that a restored database's dump is the same.
    WHEN (OLD.trace_id IS DISTINCT FROM NEW.trace_id OR OLD.station_key IS DISTINCT FROM NEW.station_key OR
          OLD.tap IS DISTINCT FROM NEW.tap OR OLD.bucket_ts IS DISTINCT FROM NEW.bucket_ts)
    EXECUTE FUNCTION station_buckets_moved();
CREATE TRIGGER station_buckets_emptied AFTER TRUNCATE ON metrics_agg_5s
    FOR EACH STATEMENT EXECUTE FUNCTION station_buckets_emptied();

INSERT INTO station_buckets SELECT DISTINCT trace_id, station_key, tap, bucket_ts FROM metrics_agg_5s;

CREATE INDEX station_buckets_by_station ON station_buckets
    ((replace(station_key, 'St_', 'STATION_')), bucket_ts);
CREATE INDEX station_buckets_by_time ON station_buckets (bucket_ts);

-- A bucket of a tap as one row: St_3 is STATION_3, the tap is the channel; a metric is its average,
-- of a counted one ('dragoman parameters --json' tells which) its total. What a query does not ask
-- for is not read: without `metrics` only station_buckets, with LIMIT only the rows of its buckets.
CREATE VIEW station_snapshots AS
SELECT replace(b.station_key, 'St_', 'STATION_') AS station_id,
       b.trace_id AS call_id,
       b.tap AS channel,
       b.bucket_ts AS timestamp,
       b.bucket_ts AS created_at,
       m.metrics,
       k.knob_values AS knobs_effective
  FROM station_buckets b
  LEFT JOIN LATERAL (
       SELECT jsonb_object_agg(a.metric_key,
                  CASE WHEN a.metric_key::text IN ('talk_spurt_count', 'packets_received', 'packets_lost', 'packets_late',
                                             'packets_duplicated', 'packets_reordered', 'buffer_underruns',
                                             'buffer_overruns', 'concealed_ms', 'dropped_buffers', 'utterances',
                                             'provider_errors', 'provider_failovers')
                       THEN a.last ELSE a.avg END) AS metrics
         FROM metrics_agg_5s a
        WHERE a.trace_id = b.trace_id AND a.station_key = b.station_key AND a.tap = b.tap
          AND a.bucket_ts = b.bucket_ts) m ON true
  LEFT JOIN knob_snapshots_5s k
    ON k.trace_id = b.trace_id AND k.station_key = b.station_key AND k.bucket_ts = b.bucket_ts;
