# What stations measure against what reference programs and known signals say: the table of rows, and the means to make them.
import json
import os
import pathlib
import re
import subprocess
import wave

import numpy as np

SOUNDS = pathlib.Path("/usr/share/asterisk/sounds")
ENGLISH = SOUNDS / "en_US_f_Allison/vm-nobodyavail.wav"
SPANISH = SOUNDS / "es_MX_f_Allison/vm-nobodyavail.wav"
DRAGOMAN = os.environ.get("DRAGOMAN", "dragoman")


class Table:
    """Rows of parameter, signal, ours, reference, difference, tolerance; relative tolerances end with %."""

    def __init__(self):
        self.rows = []

    def add(self, parameter, signal, ours, reference, tolerance, by):
        relative = isinstance(tolerance, str)
        limit = float(tolerance.rstrip("%")) if relative else tolerance
        difference = None if ours is None or reference is None else ours - reference
        if difference is not None and relative:
            difference = 100 * difference / reference
        # A hair more than the tolerance, for what is exact but for the last bit.
        passed = difference is not None and abs(difference) <= limit + 1e-9
        self.rows.append((parameter, signal, ours, reference, difference, tolerance, by, passed))

    def __str__(self):
        number = lambda value: "-" if value is None else f"{value:.4g}" if abs(value) < 1e5 else f"{value:.0f}"
        lines = [f"{'parameter':<32}{'signal':<34}{'ours':>10}{'reference':>11}{'difference':>12}{'tolerance':>11}  {'by':<24}"]
        for parameter, signal, ours, reference, difference, tolerance, by, passed in self.rows:
            unit = "%" if isinstance(tolerance, str) else ""
            lines.append(f"{parameter:<32}{signal:<34}{number(ours):>10}{number(reference):>11}{number(difference) + unit:>12}"
                         f"{str(tolerance):>11}  {by:<24}{'pass' if passed else 'FAIL'}")
        return "\n".join(lines)

    def failures(self):
        return [row for row in self.rows if not row[-1]]


class Measured:
    """`dragoman measure` of one file, or of two (PRE and POST)."""

    def __init__(self, *files):
        run = subprocess.run([DRAGOMAN, "measure", *map(str, files), "--format", "json"], capture_output=True, text=True, timeout=120)
        if run.returncode:
            raise RuntimeError(run.stderr)
        measured = json.loads(run.stdout)
        self.parameters = measured["buckets"][0]["parameters"]
        self.delay_ms = measured.get("delay_ms")

    def get(self, key, field="figure", tap="PRE"):
        return self.parameters.get(key, {}).get(tap, {}).get(field)


def sox_stats(path):
    text = subprocess.run(["sox", str(path), "-n", "stats"], capture_output=True, text=True, check=True).stderr
    found = {}
    for line in text.splitlines():
        match = re.match(r"(\S.*?\S)\s+(-?[\d.]+|-inf|-)(?:\s|$)", line)
        if match and match.group(2) != "-":
            found[match.group(1)] = float(match.group(2))
    return found


def ffmpeg_ebur128(path):
    """Momentary loudness each 100 ms from 0.4 s on, short-term each second from 3 s on, integrated loudness and true peak."""
    run = subprocess.run(["ffmpeg", "-hide_banner", "-nostats", "-i", str(path), "-f", "null", "-af",
                          "ebur128=peak=true:metadata=1,ametadata=print:file=-", "-"], capture_output=True, text=True, check=True)
    frames = re.split(r"^frame:", run.stdout, flags=re.MULTILINE)[1:]
    figures = [dict(re.findall(r"lavfi\.r128\.(\w+)=(\S+)", frame)) for frame in frames]
    numbers = lambda key: np.array([float(figure[key]) for figure in figures])
    # One frame of metadata a 100 ms, the first when these have passed.
    summary = run.stderr[run.stderr.rindex("Summary:"):]
    return {"momentary": numbers("M")[3:], "short_term": numbers("S")[29::10], "integrated": numbers("I")[-1],
            "true_peak": float(re.search(r"Peak:\s*(-?[\d.]+) dBFS", summary).group(1))}


def read_wav(path):
    """Samples as floats, full scale 1, and the rate."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32768
        return samples.reshape(-1, file.getnchannels()), file.getframerate()


def write_wav(path, samples, rate=16000):
    """16-bit; `samples` one- or two-dimensional floats, rounded and clipped at full scale."""
    samples = np.atleast_2d(np.asarray(samples, float).T).T
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(np.round(samples * 32768), -32768, 32767).astype("<i2").tobytes())
    return path


def dbfs(samples):
    power = np.mean(np.square(samples))
    return max(-100.0, 10 * np.log10(power)) if power > 0 else -100.0


def gain(db):
    return 10 ** (db / 20)


def noise(seconds, level, rate=16000, seed=1):
    """White noise of `level` dBFS RMS."""
    samples = np.random.default_rng(seed).standard_normal(int(seconds * rate))
    return samples / np.sqrt(np.mean(samples ** 2)) * gain(level)


def sine(seconds, frequency, level, rate=16000):
    """A sine of `level` dBFS RMS."""
    return np.sqrt(2) * gain(level) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)
