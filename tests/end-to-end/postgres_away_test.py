# SPDX-License-Identifier: LGPL-2.1-or-later
"""PostgreSQL is killed under calls, stays away, comes back, hangs: no call notices, and no row is lost or doubled.

The whole load is AWAY_CALLS=20 AWAY_SECONDS=600 (15 minutes), or bench.py away, which asserts nothing.
"""

import json
import os
import unittest

from lab import Lab
from outage import SETTINGS, Outage
from postgres import Cluster

CALLS = int(os.environ.get("AWAY_CALLS", 4))
AWAY = int(os.environ.get("AWAY_SECONDS", 10))
# The journal's page cache fills to its 8 MB, which the shipper's marks else empty again and again; other connections have
# 2 MB each; the backlog goes in batches, two copies of 4 MB. When that is full nothing more comes.
MEMORY_MB, CREEP_MB = 8 if AWAY < 60 else 24, 2
# What a busy machine may do to a packet without PostgreSQL's help; Asterisk mixes with a timer of its own.
LATER_MS = {"from_the_worker": 60, "to_the_phones": 150}


class PostgresAway(unittest.TestCase):
    def test_the_calls_go_on_and_every_row_is_there_once(self):
        with Lab() as lab, Cluster(**SETTINGS) as cluster:
            found = Outage(lab, cluster, CALLS, AWAY).run()
            print(json.dumps(found, indent=1, default=str), flush=True)

            self.assertEqual(found["different"], [], "rows of one database that the other has not, or not as often")
            for table in ("traces", "knob_events", "knob_snapshots_5s", "audio_segments_5s", "metrics_agg_5s"):
                self.assertGreaterEqual(found["rows"][table]["journal"], CALLS // 2, table)
            self.assertEqual(found["holes"], [], "buckets without a row")
            self.assertEqual(found["exit_status"], 0)
            self.assert_status(found["status"])
            self.assertLess(found["seconds_from_bucket_to_postgresql"]["most"], 5)

            before = found["launcher_mb"]["before"]["most"]
            for phase in ("away", "back", "hangs", "after"):
                self.assertLess(found["launcher_mb"][phase]["most"], before + MEMORY_MB, phase)
            away = found["launcher_mb"]["away"]["median_of_each_quarter"]
            if AWAY >= 600:
                self.assertLess(away[-1], away[1] + CREEP_MB)
            for way in LATER_MS:
                self.assert_audio(found[way], way)

    def assert_status(self, told):
        """Operators are told of the outage, and that nothing was lost by it."""
        self.assertEqual({phase: one["exit_status"] for phase, one in told.items() if phase != "hangs"},
                         {"before": 0, "away": 3, "back": 0, "after": 0})
        self.assertIn("pg_isready", told["away"]["shipper"]["last_error"])
        self.assertGreater(told["away"]["shipper"]["rows_waiting"], 0)
        for phase, one in told.items():
            self.assertEqual(one["calls"], CALLS // 2, phase)
            self.assertEqual(one["rows_dropped"]["total"], 0, phase)
            self.assertEqual(one["shipper"]["rows_refused"], 0, phase)

    def assert_audio(self, phases, way):
        before = phases["before"]
        for phase, now in phases.items():
            with self.subTest(way=way, phase=phase):
                self.assertEqual(now["streams"], CALLS)
                self.assertEqual(now["missing"], 0)
                self.assertAlmostEqual(now["packets"], 50, delta=1)
                self.assertLess(now["gap_ms"], before["gap_ms"] + LATER_MS[way])
                self.assertLess(now["late_ms"], before["late_ms"] + LATER_MS[way])


if __name__ == "__main__":
    unittest.main(verbosity=2)
