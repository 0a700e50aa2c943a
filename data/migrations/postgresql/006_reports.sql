-- What reports have means of, whatever the time: few rows of many.

CREATE INDEX metrics_agg_5s_reported ON metrics_agg_5s (metric_key, bucket_ts, trace_id, station_key, tap, avg)
 WHERE metric_key IN ('snr_db', 'audio_level_dbfs', 'mos');
