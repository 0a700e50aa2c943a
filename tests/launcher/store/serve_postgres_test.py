#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""'dragoman serve' with a real PostgreSQL and no Asterisk: what is old goes there by itself.

Usage: serve_postgres_test.py DRAGOMAN. call-tap needs no speech engines.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "end-to-end"))
from postgres import Cluster  # noqa: E402

DRAGOMAN = sys.argv.pop(1) if len(sys.argv) > 1 else "dragoman"
CONFIG = """[ari]
url = http://127.0.0.1:1/ari
[monitoring]
min-free-mb = 0
[extension 3333]
pipeline = call-tap.pipeline
[extension 4444]
pipeline = call-tap.pipeline
[store]
"""
CALL = """INSERT INTO traces VALUES ('%(name)s', %(at)s, %(at)s, '3333');
INSERT INTO metrics_agg_5s VALUES ('%(name)s', 'St_3', 'PRE', 'snr_db', %(at)s, 5000, 1, 1, 1, 1, 1)"""


def until(condition, seconds=30):
    """The first true answer of `condition`; fails after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.1)  # between two looks, not instead of one
    raise AssertionError("not within %d s" % seconds)


class ServeWithPostgres(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dragoman-serve-")
        self.addCleanup(self.folder.cleanup)
        self.data = Path(self.folder.name, "data")

    def serve(self, store, **environment):
        path = Path(self.folder.name, "dragoman.conf")
        path.write_text(CONFIG + store)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MONITORING_")}
        process = subprocess.Popen([DRAGOMAN, "serve", "--config", path, "--data", self.data], stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True,
                                   env=inherited | {"DRAGOMAN_ARI_PASSWORD": "x"} | environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def retention(self):
        answer = subprocess.run([DRAGOMAN, "status", "--json", "--data", self.data], capture_output=True, text=True,
                                timeout=30)
        return json.loads(answer.stdout)["postgresql_retention"] if answer.stdout else None

    def fill(self, cluster):
        cluster.psql("DROP DATABASE IF EXISTS monitoring_v2", "CREATE DATABASE monitoring_v2", database="postgres")
        process = self.serve("postgresql = %s\n" % cluster.conninfo())
        until(lambda: cluster.psql("SELECT to_regclass('store_identity')").strip())
        self.end(process)
        for name, at in (("old", "now() - interval '73 h'"), ("young", "now() - interval '71 h'")):
            cluster.psql(CALL % {"name": name, "at": at})

    def traces(self, cluster):
        return cluster.psql("SELECT trace_id FROM traces ORDER BY 1").split()

    def test_what_is_old_goes_at_the_start_as_long_as_it_is_told_to_be_kept(self):
        with Cluster(lc_messages="C") as cluster:
            self.fill(cluster)
            store = "postgresql = %s\n" % cluster.conninfo()
            for more, environment, left, hours in (
                    ("postgresql-retention-hours = 100\n", {"MONITORING_RETENTION_HOURS": "1"}, ["old", "young"], 100),
                    ("", {"MONITORING_RETENTION_HOURS": "0"}, ["old", "young"], 0),
                    ("", {}, ["young"], 72),
                    ("", {"MONITORING_RETENTION_HOURS": "71"}, [], 71)):
                process = self.serve(store + more, **environment)
                told = until(lambda: (told := self.retention()) and (told["runs"] or not hours) and told)
                self.assertEqual((told["keep_hours"], told["last_error"]), (hours, None))
                self.assertEqual(self.traces(cluster), left, more)
                self.end(process)
            self.assertEqual(cluster.psql("SELECT count(*) FROM station_snapshots").strip(), "0")

    def test_a_connection_string_that_is_none_stops_the_start_with_the_cure(self):
        output, _ = self.serve("postgresql = nonsense\n").communicate(timeout=30)
        self.assertIn("[store] postgresql: not a connection string; write dbname=", output)


if __name__ == "__main__":
    unittest.main()
