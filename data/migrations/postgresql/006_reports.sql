-- What reports have means of, whatever the time: few rows of many. As text, for otherwise a restored dump
-- writes the same condition in other words.

CREATE INDEX metrics_agg_5s_reported ON metrics_agg_5s (metric_key, bucket_ts, trace_id, station_key, tap, avg)
 WHERE metric_key::text IN ('snr_db', 'audio_level_dbfs', 'mos');
