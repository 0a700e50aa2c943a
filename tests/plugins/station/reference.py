#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""reference.py FILE RATE: what numpy makes of mono float32 samples by the definitions of the meters' headers.

One bucket. Prints a line for each parameter that has a reading: key, count, min, max, mean (of levels: the level of the mean power).
"""

import sys

import numpy as np

FLOOR_DB = -100.0


def level(power):
    return max(FLOOR_DB, 10 * np.log10(power)) if power > 0 else FLOOR_DB


def frames(x, rate):
    ends = [n * rate // 50 for n in range(len(x) * 50 // rate + 2)]
    pieces = [(a, min(b, len(x))) for a, b in zip(ends, ends[1:]) if a < len(x)]
    return [(a, b) for a, b in pieces if b > a]


def fast_length(n):
    """The least even length not under n whose half has no prime factor but 2, 3 and 5."""
    half = (n + 1) // 2
    while True:
        rest = half
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return 2 * half
        half += 1


def zero_crossings(x, rate):
    signs = np.sign(x[x != 0])
    return np.count_nonzero(signs[1:] != signs[:-1]) * rate / len(x)


def octaves(f, rate):
    low = 125.0
    while 2 * low <= rate / 2:
        yield np.flatnonzero((f >= low) & (f < 2 * low))
        low *= 2


def power_spectrum(x):
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(x)) / len(x))
    power = np.abs(np.fft.rfft(window * x)) ** 2 / (len(x) * np.sum(window ** 2))
    power[1:-1] *= 2
    return power


def spectra(x, rate):
    """(power of the bins or None) of each frame."""
    n = fast_length(-(-rate * 32 // 1000))
    for begin, end in frames(x, rate):
        if end < n or end - begin < rate // 50:
            yield n, None
            continue
        yield n, power_spectrum(x[end - n:end])


def spectral(x, rate):
    before = None
    for n, power in spectra(x, rate):
        last, before = before, None
        if power is None:
            continue
        f = np.arange(len(power)) * rate / n
        yield "band_low_dbfs", level(power[f < 300].sum())
        yield "band_voice_dbfs", level(power[(f >= 300) & (f <= 3400)].sum())
        yield "band_high_dbfs", level(power[f > 3400].sum())
        p, f = power[2:], f[2:]
        if p.sum() < 1e-6:
            continue
        centroid = (f * p).sum() / p.sum()
        yield "spectral_centroid_hz", centroid
        yield "spectral_bandwidth_hz", np.sqrt(((f - centroid) ** 2 * p).sum() / p.sum())
        yield "spectral_rolloff_hz", f[np.searchsorted(np.cumsum(p), 0.85 * p.sum())]
        yield "spectral_flatness", np.exp(np.log(np.maximum(p / p.mean(), 1e-10)).mean())
        before = np.sqrt(p / p.sum())
        if last is not None:
            yield "spectral_flux", np.sqrt(((before - last) ** 2).sum() / 2)
        points = [(np.log2(f[bins]).mean(), 10 * np.log10(max(p[bins].mean(), 1e-10 * p.mean()))) for bins in octaves(f, rate)]
        yield "spectral_tilt_db_per_octave", np.polyfit(*zip(*points), 1)[0]


def hum(x, rate):
    factor = rate // 1000
    count = 14 * factor
    taps = np.sinc((np.arange(count) - (count - 1) / 2) / factor)
    place = 2 * np.pi * (np.arange(count) + 0.5) / count
    taps *= 0.42 - 0.5 * np.cos(place) + 0.08 * np.cos(2 * place)
    slow = np.convolve(x, taps / taps.sum())[factor - 1:len(x):factor]
    for begin in range(0, len(slow) - 999, 1000):
        power = power_spectrum(slow[begin:begin + 1000])
        ratios = []
        for mains in (50, 60):
            lines = [round(h * mains * 1000 * factor / rate) for h in range(1, 6)]
            near = np.mean([power[c - 2:c + 3] for c in lines])
            beside = np.mean([[power[c + s * away] for away in (4, 5, 6, 7) for s in (-1, 1)] for c in lines])
            if near + beside >= 1e-12:
                ratios.append(min(100, 10 * np.log10(near / beside)))
        if ratios:
            yield "hum_db", max(ratios)


def readings(x, rate):
    yield from spectral(x, rate)
    yield from hum(x, rate)
    yield "zero_crossing_rate", zero_crossings(x, rate)
    levels = [level(np.mean(x[a:b] ** 2)) for a, b in frames(x, rate)]
    yield "dynamic_range_db", np.percentile(levels, 95) - np.percentile(levels, 10)


def main():
    x = np.fromfile(sys.argv[1], dtype="<f4").astype(float)
    found = {}
    for key, value in readings(x, int(sys.argv[2])):
        found.setdefault(key, []).append(value)
    for key, values in found.items():
        mean = 10 * np.log10(np.mean(10 ** (np.array(values) / 10))) if key.startswith("band_") else np.mean(values)
        print(key, len(values), min(values), max(values), mean)


main()
