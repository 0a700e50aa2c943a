# What the journal costs: rows a second on one core, the share of a core for the rows of 100 calls, and a second's commit as
# durable as a power cut needs (FULL) beside less durable ones.
import json
import os
import pathlib
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DRAGOMAN_BUILD", SOURCE / "build"))


def load(what):
    with tempfile.TemporaryDirectory(prefix="dragoman-bench-") as folder:
        run = subprocess.run([BUILD / "tests/bench/journal-load", what, folder], check=True, capture_output=True, text=True,
                             timeout=600)
        return json.loads(run.stdout)


def measure_journal():
    return {"as fast as it can": load("rows"), "100 calls, 22 parameters at 4 taps": load("calls"),
            "commit of a second's rows of 100 calls, by synchronous": load("commits")}
