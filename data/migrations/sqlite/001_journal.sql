-- The journal's tables: what was called, measured, recorded and said.
-- Times are ISO 8601 text, UTC, with microseconds and 'Z': they sort as time.

CREATE TABLE traces (
    trace_id      TEXT    NOT NULL PRIMARY KEY,
    started_at    TEXT    NOT NULL,
    ended_at      TEXT,
    src_extension TEXT    NOT NULL,
    dst_extension TEXT,
    sample_rate   INTEGER DEFAULT 16000,
    channels      INTEGER DEFAULT 1
);
CREATE INDEX traces_by_start ON traces (started_at);

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
    PRIMARY KEY (trace_id, station_key, tap, metric_key, bucket_ts)
);

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
    PRIMARY KEY (trace_id, station_key, tap, bucket_ts)
);
CREATE INDEX audio_segments_5s_by_file ON audio_segments_5s (file_path);

-- One clause that somebody said, and what was said of it to the other. target_language is empty
-- until the clause is translated; a clause that several languages hear has a row for each.
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
    PRIMARY KEY (trace_id, channel, utterance, clause, target_language)
);
CREATE INDEX utterances_by_start ON utterances (start_at);
