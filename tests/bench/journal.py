# What the journal costs: rows a second on one core, the share of a core for the rows of 100 calls, and a second's commit as
# durable as a power cut needs (FULL) beside less durable ones; and the reports over 10 million rows (STORE_QUERY_ROWS) in it.
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time

from reports import BUCKETS, SECONDS, measure_reports

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DRAGOMAN_BUILD", SOURCE / "build"))
FILL = """
WITH RECURSIVE c (c) AS (SELECT 0 UNION ALL SELECT c + 1 FROM c WHERE c < 99),
  b (b) AS (SELECT 0 UNION ALL SELECT b + 1 FROM b WHERE b < {buckets} - 1),
  s (s) AS (SELECT 3 UNION ALL SELECT s + 1 FROM s WHERE s < 8), t (t) AS (VALUES ('POST'), ('PRE')),
  p (p, k) AS (SELECT 0, 'snr_db' UNION ALL
               SELECT p + 1, iif(p = 0, 'audio_level_dbfs', 'parameter_' || (p + 1)) FROM p WHERE p < 69)
INSERT INTO metrics_agg_5s (trace_id, station_key, tap, metric_key, bucket_ts, count, min, max, avg, last)
SELECT 'call-' || c, 'St_' || s, t, k, strftime('%Y-%m-%dT%H:%M:%f000Z', {start} + 5 * ({buckets} * c + b), 'unixepoch'),
  250, p, p + 2, p + 1, p FROM c CROSS JOIN b CROSS JOIN s CROSS JOIN t CROSS JOIN p;
INSERT INTO knob_snapshots_5s (trace_id, station_key, bucket_ts, knob_values)
SELECT DISTINCT trace_id, station_key, bucket_ts, '{{"agc.enabled": ' || (substr(trace_id, 6) % 2) || ', "gain_db": ' ||
  (substr(trace_id, 6) % 5) || '}}' FROM metrics_agg_5s WHERE metric_key = 'snr_db';
"""


def load(what):
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-") as folder:
        run = subprocess.run([BUILD / "tests/bench/journal-load", what, folder], check=True, capture_output=True, text=True,
                             timeout=600)
        return json.loads(run.stdout)


def fill(folder):
    """An index is made when all rows are there: sorted, and many times as fast."""
    database = sqlite3.connect(folder + "/dragoman.db", isolation_level=None)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;")
    [index] = database.execute("SELECT sql FROM sqlite_master WHERE name = 'metrics_agg_5s_by_station'").fetchone()
    database.executescript("BEGIN; DROP INDEX metrics_agg_5s_by_station;" +
                           FILL.format(buckets=BUCKETS, start=int(time.time()) - SECONDS) + index +
                           "; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def measure_journal():
    result = {"as fast as it can": load("rows"), "100 calls, 22 parameters at 4 taps": load("calls"),
              "commit of a second's rows of 100 calls, by synchronous": load("commits")}
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-") as folder:
        subprocess.run([BUILD / "tests/bench/journal-load", "empty", folder], check=True)
        fill(folder)
        return result | {"reports over 10 million rows": measure_reports("--data", folder)}
