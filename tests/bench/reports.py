# What `dragoman query` takes for its reports over 10 million rows that end now: 100 calls after each other, six stations with
# two taps, 70 parameters each.
import os
import pathlib
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("DRAGOMAN_BUILD", SOURCE / "build"))
ROWS_PER_BUCKET = 100 * 12 * 70  # of all calls
BUCKETS = max(1, int(os.environ.get("STORE_QUERY_ROWS", 10_000_000)) // ROWS_PER_BUCKET)
SECONDS = 100 * BUCKETS * 5
REPORTS = ["recent", "recent --station St_3", "recent --since 1h", "calls --since 1h", "calls", "knobs --since 1h", "knobs",
           "parameters snr_db --station St_3", "parameters snr_db --since 1h", "stations --since 15m", "stations --since 1h"]


def report(words):
    """Milliseconds, the better of two, and CPU milliseconds of the program itself."""
    best = None
    for _ in range(2):
        begin, before = time.monotonic(), os.times()
        subprocess.run([BUILD / "launcher/dragoman", "query", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True, timeout=120)
        after = os.times()
        took = {"ms": round(1000 * (time.monotonic() - begin)),
                "own_cpu_ms": round(1000 * (after[2] + after[3] - before[2] - before[3]))}
        best = min(best or took, took, key=lambda each: each["ms"])
    return best


def measure_reports(*source):
    """`source`: the words that name the database."""
    return {"only the program's start (--help)": report(["--help"])} | {r: report([*r.split(), *source]) for r in REPORTS}
