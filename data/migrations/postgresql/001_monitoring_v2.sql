-- The tables of monitoring_v2, and what was said.
--
-- Times are TIMESTAMPTZ: NOW() has a time zone, so a comparison with it is right in whatever zone
-- the session stands, and no query needs other words for it. A plain TIMESTAMP holding UTC would be
-- off by the zone.
--
-- A database that was made with the plain tables, and may hold rows, is taken over: its times are
-- read as UTC.

CREATE TABLE IF NOT EXISTS traces (
    trace_id      VARCHAR(255) PRIMARY KEY,
    started_at    TIMESTAMPTZ NOT NULL,
    ended_at      TIMESTAMPTZ,
    src_extension VARCHAR(50) NOT NULL,
    dst_extension VARCHAR(50),
    sample_rate   INTEGER DEFAULT 16000,
    channels      INTEGER DEFAULT 1
);

CREATE TABLE IF NOT EXISTS metrics_agg_5s (
    trace_id    VARCHAR(255) NOT NULL,
    station_key VARCHAR(50) NOT NULL,
    tap         VARCHAR(10) NOT NULL,  -- PRE or POST
    metric_key  VARCHAR(100) NOT NULL,
    bucket_ts   TIMESTAMPTZ NOT NULL,
    bucket_ms   INTEGER DEFAULT 5000,
    count       INTEGER NOT NULL,
    min         DOUBLE PRECISION,
    max         DOUBLE PRECISION,
    avg         DOUBLE PRECISION,
    last        DOUBLE PRECISION,
    PRIMARY KEY (trace_id, station_key, tap, metric_key, bucket_ts)
);

CREATE TABLE IF NOT EXISTS audio_segments_5s (
    trace_id       VARCHAR(255) NOT NULL,
    station_key    VARCHAR(50) NOT NULL,
    tap            VARCHAR(10) NOT NULL,  -- PRE or POST
    bucket_ts      TIMESTAMPTZ NOT NULL,
    bucket_ms      INTEGER DEFAULT 5000,
    sample_rate_hz INTEGER DEFAULT 16000,
    channels       INTEGER DEFAULT 1,
    format         VARCHAR(50) DEFAULT 'WAV_PCM_S16LE_MONO',
    file_path      TEXT NOT NULL,
    PRIMARY KEY (trace_id, station_key, tap, bucket_ts)
);

CREATE TABLE IF NOT EXISTS knob_snapshots_5s (
    trace_id    VARCHAR(255) NOT NULL,
    station_key VARCHAR(50) NOT NULL,
    bucket_ts   TIMESTAMPTZ NOT NULL,
    knob_values JSONB NOT NULL,
    PRIMARY KEY (trace_id, station_key, bucket_ts)
);

CREATE TABLE IF NOT EXISTS knob_events (
    event_id    SERIAL PRIMARY KEY,
    trace_id    VARCHAR(255),
    station_key VARCHAR(50),
    knob_key    VARCHAR(100) NOT NULL,
    old_value   JSONB,
    new_value   JSONB,
    changed_by  VARCHAR(100),
    created_at  TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

DO $$
DECLARE
    plain record;
BEGIN
    FOR plain IN
        SELECT table_name, column_name FROM information_schema.columns
         WHERE table_schema = current_schema() AND data_type = 'timestamp without time zone'
           AND table_name IN ('traces', 'metrics_agg_5s', 'audio_segments_5s', 'knob_snapshots_5s', 'knob_events')
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE TIMESTAMPTZ USING %I AT TIME ZONE ''UTC''',
                       plain.table_name, plain.column_name, plain.column_name);
    END LOOP;
END $$;

-- One clause that somebody said, and what was said of it to the other. target_language is empty
-- until the clause is translated; a clause that several languages hear has a row for each.
CREATE TABLE utterances (
    trace_id            VARCHAR(255) NOT NULL,
    channel             VARCHAR(255) NOT NULL,
    extension           VARCHAR(50),
    utterance           BIGINT NOT NULL,
    clause              INTEGER NOT NULL,
    language            VARCHAR(50),
    text                TEXT,
    stt_provider        VARCHAR(100),
    start_at            TIMESTAMPTZ,
    end_at              TIMESTAMPTZ,
    committed_at        TIMESTAMPTZ,
    endpoint_ms         DOUBLE PRECISION,
    decode_ms           DOUBLE PRECISION,
    target_language     VARCHAR(50) NOT NULL DEFAULT '',
    translation         TEXT,
    translate_provider  VARCHAR(100),
    tts_provider        VARCHAR(100),
    translated_at       TIMESTAMPTZ,
    first_audio_at      TIMESTAMPTZ,
    translation_ms      DOUBLE PRECISION,
    tts_first_audio_ms  DOUBLE PRECISION,
    delay_ms            DOUBLE PRECISION,
    speaking_rate       DOUBLE PRECISION,
    PRIMARY KEY (trace_id, channel, utterance, clause, target_language)
);
