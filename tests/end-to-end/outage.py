# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls while PostgreSQL is killed, stays away and hangs: what the phones get, what the launcher takes, what arrives.

    with Lab() as lab, Cluster(**SETTINGS) as cluster:
        figures = Outage(lab, cluster, calls=20, away=600).run()
"""

import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import time
from datetime import datetime

from capture import Capture
from lab import DRAGOMAN, SOUNDS, concatenate, wait_until

SETTINGS = {"shared_buffers": "32MB", "track_commit_timestamp": "on", "lc_messages": "C",
            "track_activity_query_size": "16kB"}
PHONES, MEDIA = (24000, 29199), (30000, 31998)
TAPPED = {f"extension_{extension}": {"pipeline": "call-tap.pipeline", "language": language, "partner": partner}
          for extension, language, partner in (("3333", "en", "4444"), ("4444", "es", "3333"))}
TABLES = ("traces", "utterances", "knob_events", "knob_snapshots_5s", "audio_segments_5s", "metrics_agg_5s")
TIMES = {"started_at", "ended_at", "bucket_ts", "start_at", "end_at", "committed_at", "translated_at", "first_audio_at",
         "created_at"}
DOCUMENTS = {"knob_values", "old_value", "new_value"}


# -- rows -------------------------------------------------------------------------------------------------------------
def value_of(name, value):
    """A value as both databases mean it."""
    if value is None:
        return None
    if name in TIMES:
        return datetime.fromisoformat(value)
    if name in DOCUMENTS:
        return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)
    return value


def contents(rows):
    """How often each row is there. Numbers that a database gives itself are no content."""
    return collections.Counter(tuple((name, value_of(name, value)) for name, value in sorted(row.items())
                                     if name not in ("seq", "event_id")) for row in rows)


def difference(lab, cluster, table):
    """(rows of the journal, rows of PostgreSQL, those of either that the other has not as often)."""
    ours = contents(lab.rows(f"SELECT * FROM {table}"))
    text = cluster.psql(f"SELECT row_to_json(t) FROM {table} t")
    theirs = contents(json.loads(line) for line in text.splitlines())
    return ours.total(), theirs.total(), list(((ours - theirs) + (theirs - ours)).elements())[:5]


def last_numbers(lab):
    """The number of the newest row of each table of the journal."""
    return {table: lab.rows(f"SELECT max({'event_id' if table == 'knob_events' else 'seq'}) AS n FROM {table}")[0]["n"] or 0
            for table in TABLES}


def arrived(cluster, numbers):
    """Whether all rows up to these are in PostgreSQL, by its own marks."""
    marks = dict(line.split("|") for line in cluster.psql("SELECT kind, seq FROM shipping_marks").splitlines())
    return all(int(marks.get(table, 0)) >= number for table, number in numbers.items())


def holes(lab):
    """Where a station's rows leave out a bucket between their first and their last."""
    found = []
    for table, condition in (("audio_segments_5s", ""), ("metrics_agg_5s", "WHERE metric_key = 'audio_level_dbfs'")):
        last = {}
        for row in lab.rows(f"SELECT trace_id, station_key, tap, bucket_ts FROM {table} {condition} ORDER BY bucket_ts"):
            key, bucket = (row["trace_id"], row["station_key"], row["tap"]), value_of("bucket_ts", row["bucket_ts"])
            if key in last and (bucket - last[key]).total_seconds() != 5:
                found.append((table, *key, str(last[key]), str(bucket)))
            last[key] = bucket
    return found


# -- a process --------------------------------------------------------------------------------------------------------
def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return round(int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024, 1)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quarters(values):
    size = max(1, len(values) // 4)
    return [statistics.median(values[at:at + size]) for at in range(0, 4 * size, size) if values[at:at + size]]


# -- audio ------------------------------------------------------------------------------------------------------------
def account(headers, phases, end):
    """For each phase: streams, packets a second of each, the greatest gap, the latest packet and how many are missing.

    How late a packet is: its time less its RTP timestamp's, and less the least that was of the stream. `phases`: (name,
    time it begins), in order, the last to `end`; a gap belongs to the phase in which it ends. Only streams that the first
    phase finds count: others are not of this load.
    """
    found = {name: {"streams": set(), "packets": 0, "gap_ms": 0.0, "gaps_over_60_ms": 0, "late_ms": 0.0, "missing": 0}
             for name, _ in phases}
    last, early, phase = {}, {}, 0
    for packet in headers:
        if packet.time > end:
            break
        while phase + 1 < len(phases) and packet.time >= phases[phase + 1][1]:
            phase += 1
        key = (packet.source, packet.destination, packet.ssrc)
        before = last.get(key)
        if before is None and packet.time >= phases[0][1]:
            continue
        last[key] = packet
        lateness = packet.time - packet.timestamp / 8000
        early[key] = min(lateness, early.get(key, lateness))
        if before is None or packet.time < phases[0][1]:
            continue
        one = found[phases[phase][0]]
        gap = 1000 * (packet.time - before.time)
        one["streams"].add(key)
        one["packets"] += 1
        one["gap_ms"] = max(one["gap_ms"], gap)
        one["gaps_over_60_ms"] += gap > 60
        one["late_ms"] = max(one["late_ms"], 1000 * (lateness - early[key]))
        one["missing"] += max(0, (packet.sequence - before.sequence - 1 + 0x8000) % 0x10000 - 0x8000)
    for (name, begin), (_, stop) in zip(phases, [*phases[1:], ("", end)]):
        one = found[name]
        streams = len(one["streams"])
        one.update(streams=streams, gap_ms=round(one["gap_ms"], 1), late_ms=round(one["late_ms"], 1),
                   packets=round(one["packets"] / (stop - begin) / max(1, streams), 2))
    return found


# -- the load ---------------------------------------------------------------------------------------------------------
class Outage:
    """`calls` callers in pairs; PostgreSQL is away for `away` seconds, later it hangs for `hangs`."""

    def __init__(self, lab, cluster, calls, away, hangs=8):
        self.lab, self.cluster, self.calls = lab, cluster, calls
        # The launcher looks for it at growing intervals, up to a minute. A long time meets more of what else the machine does.
        self.seconds = {"before": max(10, away // 5), "away": away, "back": min(90, away + 5), "hangs": hangs, "after": 6}
        self.phases, self.samples, self.result = [], collections.defaultdict(list), {}

    def run(self):
        self.cluster.psql("CREATE DATABASE monitoring_v2", database="postgres")
        self.lab.serve(store={"postgresql": self.cluster.conninfo()}, **TAPPED)
        with Capture(self.lab.folder / "rtp.pcap", PHONES, MEDIA) as capture:
            callers = self._call()
            self._watch("before")
            self.cluster.kill()
            self._watch("away")
            self.cluster.start()
            self._watch("back", "backlog_shipped_after_s")
            self.cluster.suspend()
            self._watch("hangs")
            self.cluster.resume()
            self._watch("after", "hang_made_up_for_after_s")
            ended = time.time()
            for caller in callers:
                caller.wait(60)
        self._finish(capture, ended)
        return self.result

    def _call(self):
        seconds = sum(self.seconds.values()) + 14 + self.calls / 5
        speech = concatenate([SOUNDS["en"] / "conf-waitforleader.wav"], self.lab.folder / "speech.wav", 1.0)
        callers = [self.lab.callers(extension, self.calls // 2, self.calls // 2, (seconds, seconds), speech)
                   for extension in ("3333", "4444")]
        wait_until(lambda: len(self.lab.rows("SELECT * FROM traces")) == self.calls // 2, 30, "the calls to be in pairs")
        # The pipelines have begun by then, and all threads have the memory they need.
        wait_until(lambda: len(self.lab.rows("SELECT DISTINCT trace_id, station_key, tap FROM metrics_agg_5s"))
                   == 2 * self.calls, 30, "the first rows of all stations")
        return callers

    def _watch(self, phase, made_up=None):
        """Lets time pass and takes samples; `made_up` names the time until all that waits now is in PostgreSQL."""
        pid, begin, cpu = self.lab.launcher.pid, time.monotonic(), cpu_seconds(self.lab.launcher.pid)
        end = begin + self.seconds[phase]
        self.phases.append((phase, time.time()))
        self._dragoman("knob", "set", "gain_db", f"{-1 - len(self.phases)}")  # a row of the calls' own
        waiting = last_numbers(self.lab) if made_up else None
        while (left := end - time.monotonic()) > 0:
            self.samples[phase].append(resident_mb(pid))
            if waiting and arrived(self.cluster, waiting):
                self.result[made_up] = round(time.monotonic() - begin, 1)
                waiting = None
            time.sleep(min(0.5, left))
        self.result.setdefault("launcher_cpu_pct_of_a_core", {})[phase] = round(
            100 * (cpu_seconds(pid) - cpu) / (time.monotonic() - begin), 2)
        self.result.setdefault("status", {})[phase] = self._status()
        if waiting:
            raise AssertionError(f"{phase}: not all rows are in PostgreSQL:\n{self.lab.launcher.output()[-2000:]}")

    def _dragoman(self, *arguments):
        return subprocess.run([DRAGOMAN, *arguments, "--data", self.lab.folder / "data"], capture_output=True, text=True,
                              timeout=20)

    def _status(self):
        """What the launcher says of itself to operators. Exit status 0: nothing is wrong and nothing was lost."""
        answer = self._dragoman("status", "--json")
        told = json.loads(answer.stdout)
        return {"exit_status": answer.returncode, "calls": len(told["calls"]), "rows_dropped": told["journal"]["rows_dropped"],
                "shipper": {key: told["shipper"][key] for key in ("state", "rows_waiting", "rows_refused", "last_error")}}

    def _finish(self, capture, ended):
        wait_until(lambda: not self.lab.rows("SELECT * FROM traces WHERE ended_at IS NULL"), 30, "the calls to end")
        everything = last_numbers(self.lab)
        wait_until(lambda: arrived(self.cluster, everything), 30, "the last rows to arrive")
        self.result["exit_status"] = self.lab.launcher.end()
        headers = list(capture.headers())
        inside = lambda packet: MEDIA[0] <= packet.source <= MEDIA[1]  # noqa: E731
        self.result["to_the_phones"] = account((p for p in headers if not inside(p)), self.phases, ended)
        self.result["from_the_worker"] = account((p for p in headers if inside(p)), self.phases, ended)
        self.result["launcher_mb"] = {phase: {"first": values[0], "most": max(values), "last": values[-1],
                                              "median_of_each_quarter": quarters(values)}
                                      for phase, values in self.samples.items()}
        self.result["launcher_mb_by_half_minute"] = sum(self.samples.values(), [])[::60]
        self.result["rows"], self.result["different"] = {}, []
        for table in TABLES:
            ours, theirs, different = difference(self.lab, self.cluster, table)
            self.result["rows"][table] = {"journal": ours, "postgresql": theirs}
            self.result["different"] += [(table, row) for row in different]
        self.result["holes"] = holes(self.lab)
        self.result["seconds_from_bucket_to_postgresql"] = self._lag()
        self.result["said"] = [line for line in self.lab.launcher.output().splitlines()
                               if re.search("notice|warning|error", line)]

    def _lag(self):
        """From the end of a bucket to the commit of its rows, while PostgreSQL was there."""
        begin, end = self.phases[0][1], self.phases[1][1]
        lag = "extract(epoch FROM pg_xact_commit_timestamp(xmin) - bucket_ts) - 5"
        text = self.cluster.psql(
            f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {lag}), max({lag}) FROM metrics_agg_5s WHERE "
            f"pg_xact_commit_timestamp(xmin) BETWEEN to_timestamp({begin}) AND to_timestamp({end})")
        return dict(zip(("median", "most"), (round(float(v), 2) for v in text.strip().split("|"))))
