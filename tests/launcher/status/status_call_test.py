#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""'dragoman status' of a running launcher with a simulated call.

Usage: status_call_test.py DRAGOMAN. call-tap needs no speech engines.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import wave
from pathlib import Path

DRAGOMAN = sys.argv.pop(1) if len(sys.argv) > 1 else "dragoman"
CONFIG = """[monitoring]
min-free-mb = 0
[extension 3333]
language = en
partner = 4444
pipeline = call-tap.pipeline
[extension 4444]
language = es
partner = 3333
pipeline = call-tap.pipeline
"""
TROUBLE, LOSS = 3, 4


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


def status(data, *arguments):
    return subprocess.run([DRAGOMAN, "status", "--data", str(data), *arguments], capture_output=True, text=True,
                          timeout=30)


class StatusOfALauncher(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dragoman-status-")
        self.data = Path(self.folder.name, "data")

    def tearDown(self):
        self.folder.cleanup()

    def configure(self, more=""):
        path = Path(self.folder.name, "dragoman.conf")
        path.write_text(CONFIG + more)
        return path

    def start_call(self, more=""):
        speech = Path(self.folder.name, "speech.wav")
        with wave.open(str(speech), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\x00\x10\x00\xf0" * 4 * 8000 * 30)  # two minutes
        process = subprocess.Popen(
            [DRAGOMAN, "simulate-call", "3333", "--speech", str(speech), "--config", str(self.configure(more)),
             "--keep", str(self.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.call = process
        self.addCleanup(self.end, process)

    @staticmethod
    def end(process):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def asked(self):
        answer = status(self.data, "--json")
        return json.loads(answer.stdout) if answer.stdout else None

    def test_a_call_is_shown_with_its_parties_and_worker_and_all_is_well(self):
        self.start_call()
        told = until(self.call, lambda: (told := self.asked()) and told["calls"] and told["disk"] and
                     all(party["is_heard"] for party in told["calls"][0]["parties"]) and
                     len(told["calls"][0]["parties"]) == 2 and told)
        self.assertEqual(told["problems"], [])
        self.assertTrue(told["ok"] and told["asterisk"]["connected"])
        self.assertEqual(Path(self.data, "launcher.lock").read_text().strip(), str(told["pid"]))
        [worker] = told["workers"]
        self.assertIn(b"worker", Path("/proc/%d/cmdline" % worker["pid"]).read_bytes())
        [call] = told["calls"]
        self.assertEqual({(p["extension"], p["language"], p["state"], p["pipeline"], p["worker_pid"])
                          for p in call["parties"]},
                         {("3333", "en", "up", "call-tap.pipeline", worker["pid"]),
                          ("4444", "es", "up", "call-tap.pipeline", worker["pid"])})
        self.assertEqual(told["journal"]["path"], str(self.data / "dragoman.db"))
        self.assertEqual(told["journal"]["rows_dropped"]["total"], 0)
        self.assertGreater(told["disk"]["journal_free_bytes"], 0)
        self.assertIsNone(told["shipper"])
        self.assertEqual(told["recording"], {"enabled": True, "files_lost": 0, "audio_lost_ms": 0})

        text = status(self.data)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertIn(call["trace_id"], text.stdout)
        self.assertIn("all is well", text.stdout)

        os.kill(worker["pid"], signal.SIGKILL)
        after = until(self.call, lambda: (told := self.asked()) and told["workers"][0]["restarts"] and
                      told["workers"][0]["ready"] and told)
        self.assertNotEqual(after["workers"][0]["pid"], worker["pid"])
        self.assertEqual(len(after["workers"][0]["pipelines"]), 2)

    def test_a_database_that_is_away_is_told_and_is_the_exit_status(self):
        nowhere = Path(self.folder.name, "nowhere")
        self.start_call("[store]\npostgresql = host=%s user=nobody\n" % nowhere)
        told = until(self.call, lambda: (told := self.asked()) and told["shipper"]["state"] == "waiting" and told)
        self.assertEqual([(p["kind"], p["part"]) for p in told["problems"] if p["part"] != "asterisk"],
                         [("now", "postgresql")])
        text = status(self.data)
        self.assertEqual((text.returncode, text.stderr), (TROUBLE, ""))
        self.assertIn(str(nowhere), text.stdout)
        self.assertIn("WRONG  postgresql", text.stdout)


    def test_a_journal_that_was_damaged_is_told_with_what_it_cost(self):
        self.data.mkdir()
        (self.data / "dragoman.db").write_bytes(b"this is not a database" * 1000)
        self.start_call()
        told = until(self.call, lambda: (told := self.asked()) and told["asterisk"]["connected"] and
                     told["salvage"]["files"] and told)
        self.assertEqual([(p["kind"], p["part"]) for p in told["problems"]], [("loss", "salvage")])
        self.assertIn("dragoman.db.damaged-", told["salvage"]["last"])
        text = status(self.data)
        self.assertEqual((text.returncode, text.stderr), (LOSS, ""))
        self.assertIn("LOST   salvage: the journal was damaged", text.stdout)


class WithoutALauncher(unittest.TestCase):
    def test_it_is_said_that_none_runs_and_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            for arguments in ((), ("--json",)):
                asked = status(folder, *arguments)
                self.assertEqual((asked.returncode, asked.stdout), (1, ""))
                self.assertIn("no launcher is running with the data folder", asked.stderr)
                self.assertIn("start 'dragoman serve'", asked.stderr)
            for wrong in ("--nonsense", "more"):
                asked = status(folder, wrong)
                self.assertEqual((asked.returncode, asked.stdout), (2, ""))
                self.assertIn(wrong.strip("-"), asked.stderr)


if __name__ == "__main__":
    unittest.main()
