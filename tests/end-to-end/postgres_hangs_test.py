# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher ends, at once or by its own will, while PostgreSQL keeps it waiting: every row is there once all the same."""

import contextlib
import os
import signal
import subprocess
import time
import unittest
import urllib.error

from lab import SOUNDS, Lab, wait_until
from outage import SETTINGS, TABLES, arrived, difference, last_numbers
from postgres import Cluster

HELD = ("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dragoman' AND wait_event_type = 'Lock' "
        "AND query LIKE '%INSERT INTO shipping_marks%COMMIT%'")


class PostgresHangs(unittest.TestCase):
    def test_a_launcher_killed_in_mid_batch_and_one_that_ends_meanwhile_lose_and_double_nothing(self):
        with Lab() as lab, Cluster(**SETTINGS) as cluster:
            cluster.psql("CREATE DATABASE monitoring_v2", database="postgres")
            self.serve(lab, cluster, "first")
            self.call(lab)
            wait_until(lambda: self.count(cluster) > 0, 20, "the first rows")
            wait_until(lambda: lab.rows("SELECT * FROM utterances WHERE translation <> ''"), 30, "a translation")
            self.kill_in_mid_batch(lab, cluster)

            self.serve(lab, cluster, "second")
            self.assert_all_there_once(lab, cluster)
            self.call(lab)
            self.end_while_it_hangs(lab, cluster)

            third = self.serve(lab, cluster, "third")
            self.assert_all_there_once(lab, cluster)
            self.assertEqual(third.end(), 0)

    def serve(self, lab, cluster, name):
        lab.launcher = None
        launcher = lab.serve(name=name, store={"postgresql": cluster.conninfo()})
        wait_until(lambda: "ari: connected" in launcher.output(), 20, "Asterisk to give it the calls")
        return launcher

    def call(self, lab):
        known = self.open_calls(lab)
        for extension in ("3333", "4444"):
            lab.callers(extension, 1, 1, (60, 60), SOUNDS["en"] / "conf-waitforleader.wav")
        wait_until(lambda: self.open_calls(lab) > known, 20, "the call")

    def open_calls(self, lab):
        return len(lab.rows("SELECT * FROM traces WHERE ended_at IS NULL"))

    def count(self, cluster):
        return int(cluster.psql("SELECT CASE WHEN to_regclass('metrics_agg_5s') IS NULL THEN 0 ELSE (SELECT n_tup_ins FROM "
                                "pg_stat_user_tables WHERE relname = 'metrics_agg_5s') END"))

    def kill_in_mid_batch(self, lab, cluster):
        """The batch has been sent and waits to be marked when the launcher dies; PostgreSQL commits it to nobody."""
        [worker] = lab.workers()
        with self.locked(cluster):
            wait_until(lambda: cluster.psql(HELD).strip() == "1", 20, "a batch in the middle")
            lab.launcher.popen.kill()
            lab.launcher.wait(5)
        marked = lab.rows("SELECT sum(seq) AS all_kinds FROM shipping_marks")[0]["all_kinds"]
        wait_until(lambda: int(cluster.psql("SELECT sum(seq) FROM shipping_marks")) > marked, 10, "the batch that nobody knows of")
        wait_until(lambda: not os.path.exists(f"/proc/{worker}"), 10, "the worker to follow its launcher")
        for channel in lab.ari("channels"):  # that nobody has
            with contextlib.suppress(urllib.error.HTTPError):
                lab.ari(f"channels/{channel['id']}", "DELETE")

    @contextlib.contextmanager
    def locked(self, cluster):
        holder = subprocess.Popen(["psql", "-qAtX", "-c", "BEGIN; LOCK TABLE shipping_marks IN EXCLUSIVE MODE; "
                                   "SELECT pg_sleep(60)"], env=cluster.environment | {"PGAPPNAME": "holder"},
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'")
            holder.wait(10)

    def end_while_it_hangs(self, lab, cluster):
        cluster.suspend()
        [marked] = lab.rows("SELECT seq FROM shipping_marks WHERE kind = 'metrics_agg_5s'")
        wait_until(lambda: last_numbers(lab)["metrics_agg_5s"] > marked["seq"], 20, "rows that wait")
        begin = time.monotonic()
        lab.launcher.popen.send_signal(signal.SIGTERM)
        self.assertEqual(lab.launcher.wait(20), 0, lab.launcher.output())
        seconds = time.monotonic() - begin
        print(f"with a call and a server that hangs the launcher ended in {seconds:.1f} s", flush=True)
        self.assertLess(seconds, 12)  # it hopes for 3 s that the server answers, which answers nobody for 35
        cluster.resume()
        self.assertEqual(self.open_calls(lab), 0)

    def assert_all_there_once(self, lab, cluster):
        everything = last_numbers(lab)
        wait_until(lambda: arrived(cluster, everything), 20, lambda: f"all rows:\n{lab.launcher.output()}")
        for table in TABLES:
            ours, theirs, different = difference(lab, cluster, table)
            print(f"{table}: {ours} rows in the journal, {theirs} in PostgreSQL", flush=True)
            self.assertEqual(different, [], table)


if __name__ == "__main__":
    unittest.main(verbosity=2)
