# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls come and go in random order: nothing of them is left."""

import os
import pathlib
import random
import re
import subprocess
import time
import unittest
import urllib.error

from lab import SOUNDS, Lab, wait_until


def resources(pid):
    """Open file descriptors and threads of a process."""
    return {"descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": len(os.listdir(f"/proc/{pid}/task"))}


class ManyCalls(unittest.TestCase):
    def test_after_50_calls_no_channel_bridge_port_descriptor_or_thread_is_left(self):
        chance = random.Random(50)
        with Lab() as lab:
            lab.serve()
            speech = SOUNDS["en"] / "conf-waitforleader.wav"
            # The first calls load the models and start the translators, which stay.
            for extension in ("3333", "4444"):
                lab.callers(extension, 2, 2, (4, 6), speech)
            self.wait_for_silence(lab)
            [worker] = lab.workers()
            before = {"launcher": resources(lab.launcher.pid), "worker": resources(worker)}

            callers = [lab.callers(e, 25, 8, (0.2, 6), speech) for e in ("3333", "4444")]
            while any(c.popen.poll() is None for c in callers):
                # Some are hung up by the telephone system, in any phase.
                for channel in lab.ari("channels"):
                    if chance.random() < 0.03 and channel["name"].startswith("PJSIP"):
                        try:
                            lab.ari(f"channels/{channel['id']}", "DELETE")
                        except urllib.error.HTTPError:
                            pass  # it was faster
                time.sleep(0.3)
            self.wait_for_silence(lab)
            # The 50 and the 4 before; one that is hung up in its first milliseconds may never reach the launcher.
            taken = len(re.findall(r"^\S+  (?:call|paired) ", lab.launcher.output(), re.M))
            print(f"{taken} calls were taken")
            self.assertGreaterEqual(taken, 50)
            self.assertEqual(lab.workers(), [worker], "the worker lived through it")
            self.assertEqual(len(lab.rows("SELECT * FROM traces WHERE ended_at IS NULL")), 0)
            wait_until(lambda: not self.media_ports(), 5, "the media ports to be free")
            after = {"launcher": resources(lab.launcher.pid), "worker": resources(worker)}
            print("before", before, "after", after)
            for process in before:
                for kind, count in before[process].items():
                    # The decoding pool and the HTTP connections kept alive may differ by a few, not by a call's worth.
                    self.assertLessEqual(after[process][kind], count + 4, (process, kind))
            self.assertEqual(lab.launcher.end(), 0)
            self.assertFalse(pathlib.Path(f"/proc/{worker}").exists())

    def wait_for_silence(self, lab):
        wait_until(lambda: all(p.popen.poll() is not None for p in lab.processes if "callers" in p.log.name), 120, "the callers")
        wait_until(lambda: not lab.leftovers(), 20, lambda: lab.leftovers())
        wait_until(lambda: not lab.rows("SELECT * FROM traces WHERE ended_at IS NULL"), 20, "the traces to end")

    def media_ports(self):
        listing = subprocess.run(["ss", "-Hlnu"], capture_output=True, text=True, check=True).stdout
        return [p for p in map(int, re.findall(r"127\.0\.0\.1:(\d+)", listing)) if 30000 <= p <= 31998]


if __name__ == "__main__":
    unittest.main(verbosity=2)
