# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py store: the journal, shipping and the operators' queries, with a PostgreSQL of its own in a temporary folder.

STORE_ROWS rows are journaled and shipped (500 000), STORE_QUERY_ROWS are asked (10 000 000)."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

from postgres import Cluster

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DRAGOMAN_BUILD", SOURCE / "build"))
FILL = """INSERT INTO metrics_agg_5s SELECT 'call-' || c, 'St_' || s, t, CASE p WHEN 0 THEN 'snr_db' WHEN 1 THEN 'audio_level_dbfs'
ELSE 'parameter_' || p END, '2026-03-01Z'::timestamptz + c * interval '595 s' + b * interval '5 s', 5000, 250, p, p + 2, p + 1, p
FROM generate_series(0, 99) c, generate_series(0, {buckets} - 1) b, generate_series(3, 8) s, (VALUES ('PRE'), ('POST')) x (t),
generate_series(0, 69) p"""


def load(cluster, *arguments):
    output = subprocess.run([BUILD / "tests/bench/store-load", *arguments], env=cluster.environment, capture_output=True,
                            text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def queries():
    """The guide's queries, as the test of the schema has them."""
    text = (SOURCE / "tests/launcher/store/seed_queries.h").read_text()
    blocks = re.findall(r'R"sql\((.*?)\)sql"', text, re.S)
    return [q.strip() for block in blocks for q in re.findall(r"SELECT.*?;", block, re.S)]


def measure_store():
    rows = int(os.environ.get("STORE_ROWS", 500_000))
    buckets = max(1, int(os.environ.get("STORE_QUERY_ROWS", 10_000_000)) // 84_000)
    with Cluster(shared_buffers="512MB", max_wal_size="4GB") as cluster, tempfile.TemporaryDirectory() as journal:
        written = load(cluster, "journal", journal, str(rows))
        cluster.psql("CREATE DATABASE monitoring_v2", database="postgres")
        shipped = load(cluster, "ship", journal, "dbname=monitoring_v2")
        file = f"{journal}/rows"
        cluster.psql(f"\\copy metrics_agg_5s TO '{file}'")
        cluster.psql("TRUNCATE metrics_agg_5s")
        begin = time.monotonic()
        cluster.psql(f"\\copy metrics_agg_5s FROM '{file}'")
        copied = time.monotonic() - begin
        cluster.psql("TRUNCATE metrics_agg_5s", FILL.format(buckets=buckets))
        cluster.psql("VACUUM ANALYZE")
        took = {}
        for query in queries():
            cluster.psql(query)
            times = re.findall(r"Time: ([\d.]+)", cluster.psql("\\timing on", query))
            took[" ".join(query.split())[:60]] = float(times[-1])
        return {"journal_rows_per_core_second": round(rows / written["cpu_seconds"]),
                "shipped_rows_per_second": round(rows / shipped["seconds"]),
                "shipping_to_copy_ratio": round(shipped["seconds"] / copied, 2),
                "query_rows": buckets * 84_000, "query_ms": took}
