# SPDX-License-Identifier: LGPL-2.1-or-later
"""The media worker is killed in mid-call: the call goes on."""

import os
import pathlib
import signal
import time
import unittest

from capture import Capture
from lab import SOUNDS, Lab, concatenate, wait_until

MEDIA = (30000, 31998)


class WorkerKilled(unittest.TestCase):
    def test_the_call_goes_on_and_nothing_is_lost(self):
        with Lab() as lab, Capture(lab.folder / "rtp.pcap", MEDIA) as capture:
            lab.serve()
            before = SOUNDS["en"] / "conf-waitforleader.wav"
            after = SOUNDS["en"] / "check-number-dial-again.wav"
            # The second sentence begins some 2 s after the kill.
            speech = concatenate([before], lab.folder / "one.wav", 6.0)
            speech = concatenate([speech, after], lab.folder / "speech.wav", 3.0)
            phones = [lab.phone("3333", speech, 24), lab.phone("4444", lab.silence(), 24)]
            wait_until(lambda: lab.rows("SELECT * FROM utterances WHERE first_audio_at IS NOT NULL"), 20, "the first translation")
            [worker] = lab.workers()
            rows = {t: lab.rows(f"SELECT * FROM {t}") for t in ("utterances", "metrics_agg_5s", "audio_segments_5s")}
            files = set(lab.segments())
            killed = time.time()
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda: lab.workers() not in ([], [worker]), 10, "another worker")
            for phone in phones:
                self.assertEqual(phone.wait(60), 0, phone.output())
            wait_until(lambda: not lab.leftovers(), 10, "Asterisk to be empty")
            self.assertEqual(lab.launcher.end(), 0)

            said = [u["text"].lower() for u in lab.rows("SELECT * FROM utterances WHERE first_audio_at IS NOT NULL ORDER BY start_at")]
            self.assertTrue(any("check the number" in text for text in said), said)
            self.assertEqual(len(lab.rows("SELECT * FROM traces")), 1)
            for table, old in rows.items():
                now = {tuple(sorted((k, v) for k, v in r.items())) for r in lab.rows(f"SELECT * FROM {table}")}
                for row in old:
                    self.assertIn(tuple(sorted(row.items())), now, table)
            self.assertLessEqual(files, set(lab.segments()))
            with_rows = {pathlib.Path(r["file_path"]) for r in lab.rows("SELECT file_path FROM audio_segments_5s")}
            self.assertEqual(with_rows, set(lab.segments()), "files and rows agree")
        for ours in (lambda p: p.source, lambda p: p.destination):
            times = [p.time for p in capture.packets if MEDIA[0] <= ours(p) <= MEDIA[1] and p.time > killed - 1]
            gap = max(b - a for a, b in zip(times, times[1:]))
            print(f"RTP gap {1000 * gap:.0f} ms")
            self.assertTrue(times[-1] > killed + 5)
        # Towards the phones, by stream: before the kill from each port, and after it again.
        self.assert_gaps(capture, killed)

    def assert_gaps(self, capture, killed):
        ports = {p.source for p in capture.packets if MEDIA[0] <= p.source <= MEDIA[1]}
        self.assertEqual(len(ports), 2)
        for port in ports:
            times = [p.time for p in capture.packets if p.source == port]
            back = min(t for t in times if t > killed + 0.02) - max(t for t in times if t <= killed + 0.02)
            print(f"port {port}: silent for {1000 * back:.0f} ms")
            self.assertLess(back, 1.0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
