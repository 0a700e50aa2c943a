-- What the shipper needs to know which rows are new or changed since it last looked: each row's
-- number, seq. It is the rowid, so it costs neither space nor an index, but by its name VACUUM keeps
-- it; AUTOINCREMENT never gives a number twice, even when the last rows were deleted. Whoever
-- inserts a row gives it the next; whoever updates one has it moved to the next by a trigger (metrics
-- are replaced instead, see below).
-- knob_events has such a number already (event_id), and its rows never change.

DROP VIEW station_snapshots;

ALTER TABLE traces RENAME TO old_traces;
CREATE TABLE traces (
    trace_id      TEXT    NOT NULL UNIQUE,
    started_at    TEXT    NOT NULL,
    ended_at      TEXT,
    src_extension TEXT    NOT NULL,
    dst_extension TEXT,
    sample_rate   INTEGER DEFAULT 16000,
    channels      INTEGER DEFAULT 1,
    seq           INTEGER PRIMARY KEY AUTOINCREMENT
);
INSERT INTO traces SELECT trace_id, started_at, ended_at, src_extension, dst_extension, sample_rate, channels, NULL
  FROM old_traces ORDER BY rowid;
DROP TABLE old_traces;
CREATE INDEX traces_by_start ON traces (started_at);

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
    UNIQUE (trace_id, station_key, tap, metric_key, bucket_ts)
);
INSERT INTO metrics_agg_5s SELECT trace_id, station_key, tap, metric_key, bucket_ts, bucket_ms, count, min, max, avg,
       last, NULL
  FROM old_metrics ORDER BY rowid;
DROP TABLE old_metrics;
CREATE INDEX metrics_agg_5s_by_station ON metrics_agg_5s (station_key, metric_key, bucket_ts);
CREATE INDEX metrics_agg_5s_by_time ON metrics_agg_5s (bucket_ts);

ALTER TABLE audio_segments_5s RENAME TO old_segments;
CREATE TABLE audio_segments_5s (
    trace_id       TEXT    NOT NULL,
    station_key    TEXT    NOT NULL,
    tap            TEXT    NOT NULL,  -- PRE or POST
    bucket_ts      TEXT    NOT NULL,
    bucket_ms      INTEGER DEFAULT 5000,
    sample_rate_hz INTEGER DEFAULT 16000,
    channels       INTEGER DEFAULT 1,
    format         TEXT    DEFAULT 'WAV_PCM_S16LE_MONO',
    file_path      TEXT    NOT NULL,
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (trace_id, station_key, tap, bucket_ts)
);
INSERT INTO audio_segments_5s SELECT trace_id, station_key, tap, bucket_ts, bucket_ms, sample_rate_hz, channels,
       format, file_path, NULL
  FROM old_segments ORDER BY rowid;
DROP TABLE old_segments;
CREATE INDEX audio_segments_5s_by_file ON audio_segments_5s (file_path);
CREATE INDEX audio_segments_5s_by_time ON audio_segments_5s (bucket_ts);

ALTER TABLE knob_snapshots_5s RENAME TO old_snapshots;
CREATE TABLE knob_snapshots_5s (
    trace_id    TEXT    NOT NULL,
    station_key TEXT    NOT NULL,
    bucket_ts   TEXT    NOT NULL,
    knob_values TEXT    NOT NULL,
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (trace_id, station_key, bucket_ts)
);
INSERT INTO knob_snapshots_5s SELECT trace_id, station_key, bucket_ts, knob_values, NULL
  FROM old_snapshots ORDER BY rowid;
DROP TABLE old_snapshots;
CREATE INDEX knob_snapshots_5s_by_time ON knob_snapshots_5s (bucket_ts);

ALTER TABLE utterances RENAME TO old_utterances;
CREATE TABLE utterances (
    trace_id            TEXT    NOT NULL,
    channel             TEXT    NOT NULL,
    extension           TEXT,
    utterance           INTEGER NOT NULL,
    clause              INTEGER NOT NULL,
    language            TEXT,
    text                TEXT,
    stt_provider        TEXT,
    start_at            TEXT,
    end_at              TEXT,
    committed_at        TEXT,
    endpoint_ms         REAL,
    decode_ms           REAL,
    target_language     TEXT    NOT NULL DEFAULT '',
    translation         TEXT,
    translate_provider  TEXT,
    tts_provider        TEXT,
    translated_at       TEXT,
    first_audio_at      TEXT,
    translation_ms      REAL,
    tts_first_audio_ms  REAL,
    delay_ms            REAL,
    speaking_rate       REAL,
    seq                 INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE (trace_id, channel, utterance, clause, target_language)
);
INSERT INTO utterances SELECT trace_id, channel, extension, utterance, clause, language, text, stt_provider, start_at,
       end_at, committed_at, endpoint_ms, decode_ms, target_language, translation, translate_provider, tts_provider,
       translated_at, first_audio_at, translation_ms, tts_first_audio_ms, delay_ms, speaking_rate, NULL
  FROM old_utterances ORDER BY rowid;
DROP TABLE old_utterances;
CREATE INDEX utterances_by_start ON utterances (start_at);

-- A changed row is as a new one. Not of metrics: a trigger would make each of its many inserts cost twice as much
-- (SQLite then keeps a journal for each statement), so who changes a metric deletes its row and inserts it anew.
CREATE TRIGGER traces_changed AFTER UPDATE ON traces WHEN NEW.seq = OLD.seq BEGIN
    UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'traces';
    UPDATE traces SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'traces') WHERE seq = NEW.seq;
END;
CREATE TRIGGER audio_segments_5s_changed AFTER UPDATE ON audio_segments_5s WHEN NEW.seq = OLD.seq BEGIN
    UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'audio_segments_5s';
    UPDATE audio_segments_5s SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'audio_segments_5s')
     WHERE seq = NEW.seq;
END;
CREATE TRIGGER knob_snapshots_5s_changed AFTER UPDATE ON knob_snapshots_5s WHEN NEW.seq = OLD.seq BEGIN
    UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'knob_snapshots_5s';
    UPDATE knob_snapshots_5s SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'knob_snapshots_5s')
     WHERE seq = NEW.seq;
END;
CREATE TRIGGER utterances_changed AFTER UPDATE ON utterances WHEN NEW.seq = OLD.seq BEGIN
    UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'utterances';
    UPDATE utterances SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 'utterances') WHERE seq = NEW.seq;
END;

-- Tells this journal from every other one that ships to the same database.
CREATE TABLE journal_identity (
    origin TEXT NOT NULL
);
INSERT INTO journal_identity VALUES (lower(hex(randomblob(16))));

-- Up to which seq of which table a database has the rows.
CREATE TABLE shipping_marks (
    target TEXT    NOT NULL,  -- the database's store_identity
    kind   TEXT    NOT NULL,  -- the table
    seq    INTEGER NOT NULL,
    PRIMARY KEY (target, kind)
) WITHOUT ROWID;

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
