#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A simulated call whose knobs are turned through 'dragoman knob', with a worker that is killed.

Usage: knob_call_test.py DRAGOMAN. A launcher, a stand-in for Asterisk, real RTP; call-tap needs no
speech engines.
"""
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
import wave
from pathlib import Path

DRAGOMAN = sys.argv.pop(1) if len(sys.argv) > 1 else "dragoman"
CONFIG = """[knobs]
gain_db = -1
[knobs St_4]
gain_db = -2
[extension 3333]
language = en
partner = 4444
pipeline = call-tap.pipeline
knob.agc.target_level_dbfs = -18
[extension 4444]
language = es
partner = 3333
pipeline = call-tap.pipeline
"""


def until(call, condition, seconds=60):
    """The first true answer of `condition` while the process `call` runs; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        left = end - time.monotonic()
        if left <= 0:
            raise AssertionError("not within %d s" % seconds)
        try:
            call.wait(min(left, 0.1))
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError("the call ended with %d" % call.returncode)
    return answer


def dragoman(*arguments):
    return subprocess.run([DRAGOMAN, *arguments], capture_output=True, text=True, timeout=30)


class KnobsOfACall(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dragoman-knobs-")
        self.data = Path(self.folder.name, "data")
        config = Path(self.folder.name, "dragoman.conf")
        config.write_text(CONFIG)
        speech = Path(self.folder.name, "speech.wav")
        with wave.open(str(speech), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\x00\x10\x00\xf0" * 4 * 8000 * 30)  # two minutes
        self.call = subprocess.Popen(
            [DRAGOMAN, "simulate-call", "3333", "--speech", str(speech), "--config", str(config),
             "--keep", str(self.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def tearDown(self):
        self.call.send_signal(signal.SIGINT)
        try:
            self.call.wait(30)
        except subprocess.TimeoutExpired:
            self.call.kill()
            self.call.wait()
        self.folder.cleanup()

    def knob(self, *arguments):
        return dragoman("knob", *arguments, "--data", str(self.data))

    def standing(self, name):
        """{extension: (value, from)} of the running call."""
        listed = self.knob("list", "--json")
        knobs = json.loads(listed.stdout) if listed.returncode == 0 else []
        return {k["extension"]: (k["value"], k["from"]) for k in knobs
                if k["call"] and k["name"] == name}

    def ask(self, sql):
        with sqlite3.connect("file:%s?mode=ro" % (self.data / "dragoman.db"), uri=True) as journal:
            return journal.execute(sql).fetchall()

    def workers(self):
        launcher = int((self.data / "launcher.lock").read_text())
        children = Path("/proc/%d/task/%d/children" % (launcher, launcher)).read_text().split()
        return [int(pid) for pid in children
                if b"worker" in Path("/proc/%s/cmdline" % pid).read_bytes()]

    def test_knobs_are_resolved_turned_recorded_and_restored(self):
        until(self.call, lambda: len(self.standing("gain_db")) == 2)
        self.assertEqual(self.standing("gain_db"), {"3333": (-1, "default"), "4444": (-2, "station")})
        self.assertEqual(self.standing("agc.target_level_dbfs"),
                         {"3333": (-18, "extension"), "4444": (-3, "pipeline")})
        mode = (self.data / "control").stat().st_mode & 0o777
        self.assertEqual(mode, 0o600)
        trace = json.loads(self.knob("list", "--json", "--station", "St_3").stdout)[-1]["call"]

        turned = self.knob("set", "gain_db", "-40", "--call", trace, "--station", "St_3", "--by", "ana")
        self.assertEqual((turned.returncode, turned.stderr), (0, ""))
        self.assertIn("gain_db -1 → -40", turned.stdout)
        self.assertEqual(self.standing("gain_db"), {"3333": (-40, "call"), "4444": (-2, "station")})
        rows = until(self.call, lambda: self.ask("SELECT trace_id, station_key, knob_key, old_value, new_value,"
                                                 " changed_by FROM knob_events"))
        self.assertEqual(rows, [(trace, "St_3", "gain_db", "-1", "-40", "ana")])

        def recorded(first=""):
            return [row for row in self.ask(
                "SELECT k.bucket_ts, json_extract(k.knob_values, '$.gain_db'),"
                " (SELECT m.avg FROM metrics_agg_5s m WHERE m.trace_id = k.trace_id AND m.tap = 'POST'"
                "  AND m.station_key = k.station_key AND m.bucket_ts = k.bucket_ts"
                "  AND m.metric_key = 'audio_level_dbfs')"
                " FROM knob_snapshots_5s k WHERE k.station_key = 'St_3' ORDER BY 1")
                    if row[0] > first and row[1] == -40]
        last = until(self.call, lambda: recorded())[-1][0]

        workers = self.workers()
        self.assertEqual(len(workers), 1)
        os.kill(workers[0], signal.SIGKILL)
        until(self.call, lambda: self.workers() and self.workers() != workers)
        again = until(self.call, lambda: (rows := recorded(last)) and len(rows) >= 3 and rows)
        self.assertLess(again[-1][2], -50, "the audio of the new worker has the gain, too")
        self.assertEqual(self.standing("gain_db")["3333"], (-40, "call"))

        self.assertEqual(self.knob("unset", "gain_db", "--call", trace, "--station", "St_3").returncode, 0)
        self.assertEqual(self.standing("gain_db")["3333"], (-1, "default"))
        for arguments, said in ((("set", "gain", "1"), "there are:"), (("set", "gain_db", "99"), "-100 to 20"),
                                (("list", "--call", "x"), "no call 'x'"),
                                (("unset", "agc.enabled"), "is not set there")):
            refused = self.knob(*arguments)
            self.assertEqual(refused.returncode, 1, arguments)
            self.assertIn(said, refused.stderr)


class WithoutALauncher(unittest.TestCase):
    def test_it_is_said_that_none_runs(self):
        with tempfile.TemporaryDirectory() as folder:
            asked = dragoman("knob", "list", "--data", folder)
            self.assertEqual(asked.returncode, 1)
            self.assertIn("no launcher is running", asked.stderr)
            deep = folder + "/" + "d" * 120
            os.mkdir(deep)
            self.assertIn("no launcher is running", dragoman("knob", "list", "--data", deep).stderr)
        for wrong in ((), ("turn",), ("set", "gain_db"), ("list", "x"), ("list", "--nonsense")):
            self.assertEqual(dragoman("knob", *wrong).returncode, 2, wrong)

    def test_a_bad_knob_in_the_configuration_stops_the_start(self):
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder, "x.conf")
            environment = {**os.environ, "DRAGOMAN_ARI_PASSWORD": "x"}
            for text, said in (("[knobs]\nagc.enable = no\n", "x.conf:2: no knob 'agc.enable'; did you mean"),
                               ("[knobs St_3]\ngain_db = 90\n", "x.conf:2: '90' is not a value of gain_db"),
                               ("[knobs St_7]\ngain_db = 1\n", "x.conf:2: no station with knobs 'St_7'")):
                config.write_text(text)
                started = subprocess.run([DRAGOMAN, "serve", "--config", config, "--data", folder],
                                         capture_output=True, text=True, timeout=30, env=environment)
                self.assertEqual(started.returncode, 1)
                self.assertIn(said, started.stderr)


if __name__ == "__main__":
    unittest.main()
