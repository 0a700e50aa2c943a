#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""spectral_distance.py BEFORE AFTER RATE LAG: the mean log spectral distance in dB of two files of mono float32 samples, as
plugins/station/spectral_distance.h defines it, by numpy at the full rate; LAG samples of AFTER are skipped. Frames of BEFORE
under -45 dBFS do not count: pauses.
"""

import sys

import numpy as np


def main():
    before, after = (np.fromfile(name, np.float32).astype(float) for name in sys.argv[1:3])
    rate, lag = int(sys.argv[3]), int(sys.argv[4])
    after = after[lag:]
    length = rate * 32 // 1000
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    frequency = np.arange(length // 2 + 1) * rate / length
    band = (frequency >= 100) & (frequency <= 3400)

    def powers(x):
        return np.maximum(1e-10, np.abs(np.fft.rfft(x * window)) ** 2 / np.sum(window ** 2))[band]

    distances = []
    for start in range(0, min(len(before), len(after)) - length + 1, length):
        frame = before[start:start + length]
        if np.mean(frame ** 2) > 10 ** -4.5:
            difference = 10 * np.log10(powers(after[start:start + length]) / powers(frame))
            distances.append(np.sqrt(np.mean(difference ** 2)))
    print(np.mean(distances))


if __name__ == "__main__":
    main()
