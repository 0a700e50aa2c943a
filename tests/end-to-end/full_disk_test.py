# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two phones talk while the disk of journal and WAV files fills up, and gets room again."""

import array
import datetime
import json
import os
import subprocess
import unittest
import wave

from lab import DRAGOMAN, SOUNDS, Lab, concatenate, wait_until

DISK = 24  # MiB
BLOCK = bytes(65536)
BUCKET_S = 5
WELL, TROUBLE, LOSS = 0, 3, 4  # exit statuses of 'dragoman status'


def fill(path):
    """Until not a byte is free."""
    with open(path, "wb", buffering=0) as file:
        for block in (BLOCK, BLOCK[:4096]):
            try:
                while file.write(block):
                    pass
            except OSError:
                pass


def silences(path):
    """The silences between the spoken parts of a recording: (second it begins at, seconds)."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = array.array("h", file.readframes(file.getnframes()))
    window = rate // 50
    loud = [i for i in range(0, len(samples) - window, window) if max(map(abs, samples[i:i + window])) > 300]
    return [(a / rate, (b - a - window) / rate) for a, b in zip(loud, loud[1:])]


def seconds_of(timestamp):
    return datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


@unittest.skipIf(os.geteuid() != 0, "only root may mount a small disk")
class FullDisk(unittest.TestCase):
    def test_calls_go_on_what_is_lost_is_told_and_rows_come_again_without_a_restart(self):
        with Lab() as lab:
            self.disk = lab.folder / "data"
            self.disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", self.disk], check=True)
            try:
                self.talk(lab)
            finally:
                lab.launcher and lab.launcher.end()
                subprocess.run(["umount", "-l", self.disk], check=True)

    def status(self):
        """(exit status, what is told)."""
        asked = subprocess.run([DRAGOMAN, "status", "--json", "--data", self.disk], capture_output=True, text=True, timeout=20)
        self.assertEqual(asked.stderr, "")
        return asked.returncode, json.loads(asked.stdout)

    def talk(self, lab):
        # Nothing is removed for want of room here, so that the disk stays full.
        lab.serve(paths={"audio": self.disk / "audio"}, monitoring={"min-free-mb": 0},
                  media={"first-port": 32100, "last-port": 32198},
                  **{f"extension_{e}": {"pipeline": "call-tap.pipeline"} for e in ("3333", "4444")})
        self.assertEqual(self.status()[0], WELL)
        speech = concatenate([SOUNDS["en"] / "conf-waitforleader.wav"] * 12, lab.folder / "speech.wav", 0.3)
        phones = [lab.phone(e, speech, 42) for e in ("3333", "4444")]
        rows = wait_until(lambda: lab.rows("SELECT count(*) AS n FROM metrics_agg_5s GROUP BY bucket_ts HAVING "
                                           "count(DISTINCT station_key || tap) = 4 AND min(bucket_ms) = 5000"), 30,
                          "the first whole bucket of all four taps")[0]["n"]
        fill(self.disk / "filler")
        full = self.full(rows)
        (self.disk / "filler").unlink()
        again = self.recovered(lab, full)
        for phone in phones:
            self.assertEqual(phone.wait(80), 0, phone.output())
        wait_until(lambda: not lab.leftovers(), 10, "the end of the calls")
        code, told = self.status()
        self.assertEqual((code, told["calls"], told["journal"]["rows_dropped"]["total"]), (LOSS, [], 0), told)
        self.assertEqual(lab.launcher.end(), 0, lab.launcher.output())
        self.assert_nothing_is_missing(lab, again)
        for phone in phones:
            self.assert_no_hole(phone.heard)

    def full(self, rows):
        """Waits until the rows of two buckets and a WAV file could not be written; what is told then."""
        def is_full():
            code, told = self.status()
            journal, lost = told["journal"], told["recording"]
            return journal["rows_waiting"] >= 2 * rows and lost["files_lost"] >= 4 and (code, told)
        code, told = wait_until(is_full, 25, "what the full disk costs to be told")
        self.assertEqual(code, TROUBLE)
        self.assertIn("free some space", told["journal"]["last_error"])
        self.assertGreater(told["recording"]["audio_lost_ms"], 0)
        problems = {(p["kind"], p["part"]) for p in told["problems"]}
        self.assertEqual(problems, {("now", "journal"), ("loss", "recording")} | problems & {("now", "retention")})
        self.assertEqual([p["state"] for call in told["calls"] for p in call["parties"]], ["up", "up"])
        return told

    def recovered(self, lab, full):
        """Waits until rows and files come again; the time from which on files are whole."""
        def is_well():
            code, told = self.status()
            return told["journal"]["last_error"] is None and told["journal"]["rows_waiting"] == 0 and (code, told)
        code, told = wait_until(is_well, 15, "the waiting rows to be written")
        self.assertGreaterEqual(told["recording"]["audio_lost_ms"], full["recording"]["audio_lost_ms"])
        wait_until(lambda: self.status()[0] == LOSS, 15, "everything but the loss to be well")
        [last] = lab.rows("SELECT max(bucket_ts) AS ts FROM metrics_agg_5s")
        return seconds_of(last["ts"]) + 2 * BUCKET_S

    def assert_nothing_is_missing(self, lab, again):
        self.assertIn("lost meanwhile: no rows", lab.launcher.output())
        self.assertEqual(lab.rows("PRAGMA integrity_check")[0]["integrity_check"], "ok")
        whole = 0
        for station, tap in (("St_3", "PRE"), ("St_3", "POST"), ("St_4", "PRE"), ("St_4", "POST")):
            starts = [int(r["s"]) for r in lab.rows("SELECT DISTINCT strftime('%s', bucket_ts) AS s FROM metrics_agg_5s "
                                                    "WHERE station_key = ? AND tap = ? ORDER BY 1", station, tap)]
            self.assertGreater(len(starts), 6)
            self.assertEqual([b - a for a, b in zip(starts, starts[1:])], [BUCKET_S] * (len(starts) - 1),
                             f"a bucket of {station} {tap} is missing")
            files = {seconds_of(r["bucket_ts"]) for r in lab.rows(
                "SELECT bucket_ts FROM audio_segments_5s WHERE station_key = ? AND tap = ?", station, tap)}
            expected = [s for s in starts if s >= again]
            self.assertLessEqual(set(expected), files, f"WAV files of {station} {tap} after the disk had room again")
            whole += len(expected)
        self.assertGreater(whole, 0, "the call went on after the disk had room again")

    def assert_no_hole(self, heard):
        """The speech repeats itself: what it pauses in the beginning is what it may pause later."""
        pauses = silences(heard)
        first = pauses[0][0]
        before = max(length for at, length in pauses if at < first + 5)
        after = max(length for at, length in pauses if at >= first + 5)
        print(f"longest silence heard: {before:.2f} s before the disk was full, {after:.2f} s from then on")
        self.assertLess(after, before + 0.25)


if __name__ == "__main__":
    unittest.main(verbosity=2)
