-- What is removed when it is old is found by its time.
CREATE INDEX knob_events_by_time ON knob_events (created_at);
