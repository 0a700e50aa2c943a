-- A knob event is known by what it says: who turned what, from what to what, at which microsecond.
-- Its number in a journal tells nothing: a journal that was damaged or set back to a backup numbers anew.
DROP TABLE knob_event_origins;
