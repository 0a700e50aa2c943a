-- What launchers that ship to this database keep in it.

-- Tells this database from every other one.
CREATE TABLE store_identity (
    id     UUID NOT NULL DEFAULT gen_random_uuid(),
    single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single)
);
INSERT INTO store_identity DEFAULT VALUES;

-- Up to which number of which table a journal has been shipped; written with the rows themselves, so
-- a database that is set back to an older state asks for what it lacks.
CREATE TABLE shipping_marks (
    origin     VARCHAR(64) NOT NULL,  -- the journal's identity
    kind       VARCHAR(50) NOT NULL,  -- the table
    seq        BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (origin, kind)
);

-- Whose knob event a row of knob_events is. event_id counts all launchers' events; each journal
-- counts its own from 1. created_at tells apart two events of a journal that was set back to a
-- backup and counted on from there.
CREATE TABLE knob_event_origins (
    event_id   INTEGER PRIMARY KEY REFERENCES knob_events ON DELETE CASCADE,
    origin     VARCHAR(64) NOT NULL,
    local_id   BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (origin, local_id, created_at)
);
