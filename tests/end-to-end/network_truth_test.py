# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the station says of a packet stream through a bad network, against tshark's account of the same packets.

A recorded prompt is sent as RTP by GStreamer's own payloader into one network namespace and received by ariudpsrc and
stationprobe in another; twice at a time, 5 % lost at random and 5 % lost in bursts. Prints a table of parameter, ours,
reference, difference, tolerance.
"""

import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from bad_network import PORT, RECEIVER, BadNetwork, Badness, entering
from lab import DRAGOMAN, SOUNDS, concatenate, wait_until

SECONDS = 34
LATENCY_MS = 200  # above all delay there is, so that nothing comes late unless this machine stalls
PACKET_MS = 20
PIPELINE = """[pipeline]
description = One tap of a stream of packets

[launch]
ariudpsrc address={address} port={port} format=ulaw latency={latency} !
  stationprobe station=St_5 tap=PRE trace=network ! fakesink sync=false
"""


def tshark(file, *arguments):
    return subprocess.run(["tshark", "-r", str(file), "-d", f"udp.port=={PORT},rtp", *arguments], capture_output=True,
                          text=True, check=True).stdout


def rtp_streams(file):
    """tshark's figures of the one stream in `file`."""
    lines = [line.split() for line in tshark(file, "-q", "-z", "rtp,streams").splitlines() if "0x" in line]
    assert len(lines) == 1, lines
    fields = lines[0]
    # Start, end, address, port, address, port, SSRC, payload, packets, lost, (lost %), least, mean and greatest delta,
    # least, mean and greatest jitter.
    return {"packets": int(fields[8]), "lost": int(fields[9]), "loss_pct": float(fields[10].strip("(%)")),
            "max_delta": float(fields[13]), "mean_jitter": float(fields[15]), "max_jitter": float(fields[16])}


def packets_of(file):
    """(time, sequence number without wraps, bytes of payload) of each packet in `file`."""
    packets, highest = [], None
    for line in tshark(file, "-Y", "rtp", "-T", "fields", "-e", "frame.time_epoch", "-e", "rtp.seq", "-e",
                       "udp.length").splitlines():
        at, number, size = line.split()
        number = int(number)
        if highest is None:
            highest = number + 0x10000
        number = highest + (number - highest + 0x8000) % 0x10000 - 0x8000
        highest = max(highest, number)
        packets.append((float(at), number, int(size) - 20))
    return packets


def densities(fates, gmin=16):
    """RFC 3611 section 4.7.2: percent missing (False) within and between bursts; None where there is none."""
    missing = [i for i, there in enumerate(fates) if not there]
    burst = [False] * len(fates)
    for before, after in zip(missing, missing[1:]):
        if after - before - 1 < gmin:
            burst[before:after + 1] = [True] * (after + 1 - before)

    def density(of):
        inside = [there for there, within in zip(fates, burst) if within == of]
        return 100 * inside.count(False) / len(inside) if inside else None
    return density(True), density(False)


def loss_and_ratio(fates):
    lost = fates.count(False) / len(fates)
    runs = sum(1 for i, there in enumerate(fates) if not there and (i == 0 or fates[i - 1]))
    return 100 * lost, (lost * len(fates) / runs * (1 - lost) if runs else 1)


def rating(fates):
    """R by ITU-T G.107 of G.711 with concealment, its delay one way that of the jitter buffer and a packet."""
    reference = pathlib.Path(__file__).resolve().parents[1] / "plugins/common/e_model_reference.py"
    delay = LATENCY_MS + PACKET_MS
    loss, ratio = loss_and_ratio(fates)
    line = f"8 2 15 3 3 65 110 {delay} {2 * delay} {delay} 1 0 25.1 {loss} {ratio} -70 -64 35 35 0 1 100\n"
    result = subprocess.run([sys.executable, str(reference)], input=line, capture_output=True, text=True, check=True)
    return tuple(map(float, result.stdout.split()))


def ratings_of(packets, fates):
    """R and MOS of the five seconds before each end of a second of UTC but the first, and before the stream's end.

    What exactly was decided at the end of a second only the jitter buffer knows: a few packets more or less.
    """
    first = min(number for _, number, _ in packets)
    ends = [max(number for at, number, _ in packets if at < second) - first + 1
            for second in range(math.ceil(packets[0][0]) + 1, math.ceil(packets[-1][0]) + 1)]
    return [rating(fates[([0] * 5 + ends)[i]:end]) for i, end in enumerate(ends)]


class Stream:
    """One stream through one bad network."""

    def __init__(self, name, badness, folder, speech):
        self.name, self.folder = name, folder
        self.network = BadNetwork(badness)
        self.speech = speech
        self.capture = folder / f"{name}.pcapng"

    def start(self):
        self.network.__enter__()
        self.recorder = self.network.start_receiver(
            ["tshark", "-q", "-i", self.network.device, "-f", f"udp portrange {PORT}-{PORT + 1}", "-w", self.capture],
            self.folder / f"{self.name}-tshark.log")
        wait_until(lambda: self.captures(b"begin"), 20, "tshark to capture")
        pipeline = self.folder / f"{self.name}.pipeline"
        pipeline.write_text(PIPELINE.format(address=RECEIVER, port=PORT, latency=LATENCY_MS))
        environment = {"GST_REGISTRY": str(self.folder / f"{self.name}-registry.bin")}
        self.receiver = self.network.start_receiver([DRAGOMAN, "run", pipeline, "--json"],
                                                    self.folder / f"{self.name}.log", environment)
        wait_until(self.listens, 20, lambda: "the receiver to listen: " + self.receiver.output())
        self.sender = self.network.start_sender(
            ["gst-launch-1.0", "-q", "filesrc", f"location={self.speech}", "!", "wavparse", "!", "audioconvert", "!",
             "audioresample", "!", "mulawenc", "!", "rtppcmupay", "min-ptime=20000000", "max-ptime=20000000", "!", "udpsink",
             f"host={self.network.target}", f"port={PORT}"], self.folder / f"{self.name}-sender.log", environment)

    def captures(self, text):
        self.network.mark(text)
        return self.capture.exists() and text in self.capture.read_bytes()

    def listens(self):
        sockets = subprocess.run([*entering(self.network.receiver), "ss", "-uln"], capture_output=True,
                                 text=True).stdout
        return f":{PORT}" in sockets

    def finish(self):
        """When the sender has ended: all that was told of it, and the capture."""
        if self.sender.wait(SECONDS + 20):
            raise AssertionError(self.sender.output())
        # What is known once a second is told when the next one has begun, and what waits for a lost packet was played.
        told = math.ceil(time.time() + 1) + LATENCY_MS / 1000 + 0.5
        wait_until(lambda: time.time() > told, 10, "the clock")
        os.killpg(self.receiver.pid, signal.SIGINT)
        self.receiver.wait(20)
        wait_until(lambda: self.captures(b"end of capture"), 20, "tshark to write")
        self.recorder.end()
        lines = [line for line in self.receiver.output().splitlines() if line.startswith("{")]
        messages = [json.loads(line) for line in lines]
        self.buckets = [m["metrics"] for m in messages if "metrics" in m]
        assert self.buckets, self.receiver.output()[-3000:]

    def end(self):
        self.network.__exit__(None, None, None)

    def figures(self, key):
        return [bucket[key] for bucket in self.buckets if key in bucket]

    def total(self, key):
        return sum(f["last"] for f in self.figures(key))

    def mean(self, key):
        return sum(f["avg"] * f["count"] for f in self.figures(key)) / sum(f["count"] for f in self.figures(key))

    def greatest(self, key):
        return max(f["max"] for f in self.figures(key))

    def loss(self):
        """Of all buckets together: each has its own, of the packets that it expected."""
        buckets = zip(self.figures("packet_loss_pct"), self.figures("packets_received"), self.figures("packets_lost"))
        parts = [(loss["avg"], received["last"] + lost["last"]) for loss, received, lost in buckets]
        return sum(loss * expected for loss, expected in parts) / sum(expected for _, expected in parts)

    def last(self, key):
        return self.figures(key)[-1]["last"]

    def compare(self):
        """Rows of (parameter, ours, reference, tolerance)."""
        reference = rtp_streams(self.capture)
        packets = packets_of(self.capture)
        numbers = [number for _, number, _ in packets]
        seen = set(numbers)
        first, last = min(seen), max(seen)
        fates = [number in seen for number in range(first, last + 1)]
        duplicates = len(numbers) - len(seen)
        reordered = sum(1 for i, n in enumerate(numbers) if n not in numbers[:i] and i and n < max(numbers[:i]))
        burst, gap = densities(fates)
        # The rate is told of each second but the one in which the stream began, up to some without packets.
        bits = sum(8 * size for at, _, size in packets if at >= math.ceil(packets[0][0]))
        seconds_told = sum(f["count"] for f in self.figures("bitrate_kbps"))
        ratings = ratings_of(packets, fates)
        rows = [
            ("packets_received", self.total("packets_received"), reference["packets"], 0),
            ("packets_lost", self.total("packets_lost"), reference["lost"], 0),
            ("packet_loss_pct", self.loss(), reference["loss_pct"], 0.06),
            ("packets_duplicated", self.total("packets_duplicated"), duplicates, 0),
            ("packets_reordered", self.total("packets_reordered"), reordered, 0),
            ("jitter_ms, mean", self.mean("jitter_ms"), reference["mean_jitter"], 0.1),
            ("jitter_ms, greatest", self.greatest("jitter_ms"), reference["max_jitter"], 0.1),
            ("jitter_max_ms", self.greatest("jitter_max_ms"), reference["max_jitter"], 0.1),
            ("interarrival_max_ms", self.greatest("interarrival_max_ms"), reference["max_delta"], 0.1),
            ("bitrate_kbps, mean", self.mean("bitrate_kbps"), bits / 1000 / seconds_told, 0.5),
            # One machine, one clock. 5 ppm after 60 s of 20 ms jitter is the aim; the error goes with the jitter (here
            # 30 ms) and falls with the square of the time.
            ("clock_skew_ppm", self.last("clock_skew_ppm"), 0, 30),
        ]
        if self.total("packets_late") == 0:
            rows += [
                ("burst_density_pct", self.last("burst_density_pct"), burst, 0.01),
                ("gap_density_pct", self.last("gap_density_pct"), gap, 0.01),
                ("r_factor, mean", self.mean("r_factor"), sum(r for r, _ in ratings) / len(ratings), 1),
                ("mos, mean", self.mean("mos"), sum(m for _, m in ratings) / len(ratings), 0.05),
            ]
        whole = rating(fates)
        print("\n%s: 5 %% lost, through %s; %.2f %% lost, burst ratio %.2f: R %.2f and MOS %.3f by G.107 of it all; "
              "%d late, %d ms made up" % (self.name, self.network.by, *loss_and_ratio(fates), *whole,
                                          self.total("packets_late"), self.total("concealed_ms")))
        return rows


class NetworkTruth(unittest.TestCase):
    def test_a_bad_network_is_measured_as_tshark_measures_it(self):
        with tempfile.TemporaryDirectory(prefix="dragoman-network-") as name:
            folder = pathlib.Path(name)
            prompts = [SOUNDS["en"] / f"{prompt}.wav" for prompt in ("demo-congrats", "vm-intro")]
            speech = concatenate(prompts, folder / "all.wav")
            cut = folder / "speech.wav"
            subprocess.run(["sox", str(speech), str(cut), "repeat", "3", "trim", "0", str(SECONDS)], check=True)
            streams = [Stream("random", Badness(loss=0.05, seed=13), folder, cut),
                       Stream("bursty", Badness(loss=0.05, burst=4, seed=20), folder, cut)]
            for stream in streams:
                self.addCleanup(stream.end)
            for stream in streams:
                stream.start()
            for stream in streams:
                stream.finish()
            wrong = []
            for stream in streams:
                wrong += self.table(stream)
            self.assertFalse(wrong)
            random, bursty = streams
            self.assertGreater(bursty.last("burst_density_pct"), random.last("burst_density_pct") + 10)
            if random.network.forwarder:  # its seeds give the same mean, netem only about
                self.assertLess(bursty.mean("mos"), random.mean("mos") - 0.02)

    def table(self, stream):
        """Prints the rows; those that are out of tolerance."""
        wrong = []
        rows = stream.compare()
        print(f"{'parameter':24}{'ours':>12}{'reference':>12}{'difference':>12}{'tolerance':>12}")
        for name, ours, reference, tolerance in rows:
            difference = ours - reference
            right = abs(difference) <= tolerance
            print(f"{name:24}{ours:12.3f}{reference:12.3f}{difference:12.3f}{tolerance:12.2f}  "
                  f"{'pass' if right else 'FAIL'}")
            if not right:
                wrong.append(f"{stream.name}: {name} is {ours}, not {reference}")
        return wrong


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # as meson ends a test: the namespaces go
    result = unittest.main(verbosity=2, exit=False).result
    if result.wasSuccessful() and result.skipped:
        sys.exit(77)  # what meson takes for skipped
    sys.exit(not result.wasSuccessful())
