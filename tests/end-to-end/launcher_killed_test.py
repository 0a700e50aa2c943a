# SPDX-License-Identifier: LGPL-2.1-or-later
"""The launcher is killed in mid-call, again and again (KILLS times, 4): what was in the journal stays, nothing doubles."""

import contextlib
import os
import random
import subprocess
import time
import unittest
import urllib.error

from lab import DRAGOMAN, SOUNDS, Lab, wait_until
from outage import TAPPED, contents

KILLS = int(os.environ.get("KILLS", 4))
KEPT = ("metrics_agg_5s", "audio_segments_5s", "knob_snapshots_5s", "knob_events")


class LauncherKilled(unittest.TestCase):
    def test_what_the_journal_had_is_there_once_after_each_kill(self):
        chance, acknowledged = random.Random(KILLS), {}
        with Lab() as lab:
            for kill in range(KILLS):
                self.serve(lab, f"serve-{kill}")
                self.assert_nothing_lost(lab, acknowledged)
                self.call(lab, kill)
                time.sleep(chance.uniform(0, 8))  # any moment: before, in and after a bucket's transaction
                acknowledged = self.kill(lab)
            last = self.serve(lab, "last")
            self.assert_nothing_lost(lab, acknowledged)
            wait_until(lambda: not self.without_row(lab), 20, lambda: f"rows of {self.without_row(lab)}")
            self.assertEqual(lab.rows("SELECT * FROM traces WHERE ended_at IS NULL"), [], "calls that nobody has")
            self.assertEqual(lab.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])
            counts = {table: lab.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in KEPT}
            print(f"{KILLS} kills, {counts}, {len(lab.segments())} files", flush=True)
            self.assertGreater(counts["metrics_agg_5s"], 0)
            self.assertEqual(last.end(), 0)

    def serve(self, lab, name):
        lab.launcher = None
        launcher = lab.serve(name=name, **TAPPED)
        wait_until(lambda: "ari: connected" in launcher.output(), 20, "Asterisk to give it the calls")
        return launcher

    def call(self, lab, kill):
        for extension in ("3333", "4444"):
            lab.callers(extension, 1, 1, (60, 60), SOUNDS["en"] / "conf-waitforleader.wav")
        wait_until(lambda: lab.rows("SELECT * FROM traces WHERE ended_at IS NULL AND dst_extension <> ''"), 20, "the call")
        subprocess.run([DRAGOMAN, "knob", "set", "gain_db", str(kill % 7 - 3.5), "--data", lab.folder / "data"],
                       check=True, stdout=subprocess.DEVNULL)

    def kill(self, lab):
        [worker] = lab.workers()
        acknowledged = {table: self.rows(lab, table) for table in KEPT}
        lab.launcher.popen.kill()
        lab.launcher.wait(5)
        wait_until(lambda: not os.path.exists(f"/proc/{worker}"), 10, "the worker to follow its launcher")
        for channel in lab.ari("channels"):  # that nobody has
            with contextlib.suppress(urllib.error.HTTPError):
                lab.ari(f"channels/{channel['id']}", "DELETE")
        return acknowledged

    def assert_nothing_lost(self, lab, acknowledged):
        for table, before in acknowledged.items():
            now = self.rows(lab, table)
            self.assertEqual(list((before - now).elements())[:5], [], f"lost of {table}")
            self.assertEqual([row for row, times in now.items() if times > 1][:5], [], f"twice in {table}")

    def rows(self, lab, table):
        return contents(lab.rows(f"SELECT * FROM {table}"))

    def without_row(self, lab):
        known = {row["file_path"] for row in lab.rows("SELECT file_path FROM audio_segments_5s")}
        return [str(file) for file in lab.segments() if not any(str(file).endswith(path) for path in known)][:3]


if __name__ == "__main__":
    unittest.main(verbosity=2)
