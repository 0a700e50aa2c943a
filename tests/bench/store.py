# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py store: shipping and the operators' queries, with a PostgreSQL of its own in a temporary folder.

STORE_ROWS rows are shipped (500 000), STORE_QUERY_ROWS are asked (10 000 000)."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from postgres import Cluster
from reports import BUCKETS, SECONDS, measure_reports

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DRAGOMAN_BUILD", SOURCE / "build"))
FILL = """INSERT INTO metrics_agg_5s SELECT 'call-' || c, 'St_' || s, t, CASE p WHEN 0 THEN 'snr_db' WHEN 1 THEN 'audio_level_dbfs'
ELSE 'parameter_' || p END, to_timestamp({start} + 5 * ({buckets} * c + b)), 5000, 250, p, p + 2, p + 1, p
FROM generate_series(0, 99) c, generate_series(0, {buckets} - 1) b, generate_series(3, 8) s, (VALUES ('PRE'), ('POST')) x (t),
generate_series(0, 69) p"""
# Indexes are made, and triggers heeded, when all rows are there: many times as fast.
REST = """INSERT INTO station_buckets SELECT DISTINCT trace_id, station_key, tap, bucket_ts FROM metrics_agg_5s;
INSERT INTO knob_snapshots_5s SELECT DISTINCT trace_id, station_key, bucket_ts, jsonb_build_object('agc.enabled',
substr(trace_id, 6)::int % 2 = 0, 'gain_db', substr(trace_id, 6)::int % 5) FROM station_buckets"""


def fill(cluster):
    key = cluster.psql("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'metrics_agg_5s_pkey'").strip()
    indexes = "SELECT {} FROM pg_indexes WHERE tablename = 'metrics_agg_5s' AND indexname <> 'metrics_agg_5s_pkey'"
    definitions = cluster.psql(indexes.format("string_agg(indexdef, ';')"))
    cluster.psql("TRUNCATE metrics_agg_5s; DROP INDEX " + cluster.psql(indexes.format("string_agg(indexname, ',')")),
                 "ALTER TABLE metrics_agg_5s DROP CONSTRAINT metrics_agg_5s_pkey", "ALTER TABLE metrics_agg_5s DISABLE TRIGGER ALL",
                 FILL.format(buckets=BUCKETS, start=int(time.time()) - SECONDS), "SET maintenance_work_mem = '256MB'",
                 f"ALTER TABLE metrics_agg_5s ADD CONSTRAINT metrics_agg_5s_pkey {key}", definitions,
                 "ALTER TABLE metrics_agg_5s ENABLE TRIGGER ALL", REST, "VACUUM ANALYZE")


def load(cluster, *arguments):
    output = subprocess.run([BUILD / "tests/bench/store-load", *arguments], env=cluster.environment, capture_output=True,
                            text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def queries():
    """The guide's queries, as the test of the schema has them."""
    text = (SOURCE / "tests/launcher/store/seed_queries.h").read_text()
    blocks = re.findall(r'R"sql\((.*?)\)sql"', text, re.S)
    return [q.strip() for block in blocks for q in re.findall(r"SELECT.*?;", block, re.S)]


def ask(cluster, query):
    """Milliseconds, the better of two; one that takes seconds is asked once."""
    times = []
    while len(times) < 2 and sum(times) < 2000:
        times += map(float, re.findall(r"Time: ([\d.]+)", cluster.psql("\\timing on", query)))
    return min(times)


def measure_store():
    rows = int(os.environ.get("STORE_ROWS", 500_000))
    with Cluster(shared_buffers="512MB", max_wal_size="4GB") as cluster, tempfile.TemporaryDirectory() as journal:
        load(cluster, "journal", journal, str(rows))
        cluster.psql("CREATE DATABASE monitoring_v2", database="postgres")
        shipped = load(cluster, "ship", journal, "dbname=monitoring_v2")
        file = f"{journal}/rows"
        cluster.psql(f"\\copy metrics_agg_5s TO '{file}'")
        cluster.psql("TRUNCATE metrics_agg_5s")
        begin = time.monotonic()
        cluster.psql(f"\\copy metrics_agg_5s FROM '{file}'")
        copied = time.monotonic() - begin
        fill(cluster)
        return {"shipped_rows_per_second": round(rows / shipped["seconds"]),
                "copied_rows_per_second": round(rows / copied),
                "shipping_to_copy_ratio": round(shipped["seconds"] / copied, 2),
                "shipper_cpu_seconds": shipped["cpu_seconds"],
                "query_rows": int(cluster.psql("SELECT count(*) FROM metrics_agg_5s")),
                "query_ms": {" ".join(query.split())[:60]: ask(cluster, query) for query in queries()},
                "reports": measure_reports("--postgresql", f"host={cluster.folder} user=dragoman dbname=monitoring_v2")}
