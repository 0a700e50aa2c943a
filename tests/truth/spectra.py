# The spectral parameters by numpy, from their definitions (plugins/station/spectrum_meter.h, frame_spectrum.h).
import numpy as np

FRAMES_PER_SECOND = 50
FLOOR = 1e-10


def windows(samples, rate):
    """Windows of 32 ms that end where 20 ms frames do, as rows."""
    length, hop = {8000: 256, 16000: 512, 32000: 1024, 48000: 1536}[rate], rate // FRAMES_PER_SECOND
    ends = np.arange(hop, len(samples) + 1, hop)
    return np.array([samples[end - length:end] for end in ends if end >= length]), length


def power_spectra(samples, rate):
    rows, length = windows(samples, rate)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    power = np.abs(np.fft.rfft(rows * window)) ** 2 * 2 / (length * np.sum(window ** 2))
    power[:, [0, -1]] /= 2
    return power, np.arange(length // 2 + 1) * rate / length


def tilt(power, frequencies):
    levels, middles, low = [], [], 125.0
    mean = np.mean(power[2:])
    while 2 * low <= frequencies[-1] + 1e-9:
        inside = (frequencies >= low) & (frequencies < 2 * low)
        levels.append(10 * np.log10(max(np.mean(power[inside]), FLOOR * mean)))
        middles.append(np.mean(np.log2(frequencies[inside])))
        low *= 2
    return np.polyfit(middles, levels, 1)[0]


def measures(samples, rate):
    """Means over the frames, by parameter; of the bands the level of the mean power."""
    power, frequencies = power_spectra(samples, rate)
    shape, f = power[:, 2:], frequencies[2:]
    loud = 10 * np.log10(np.maximum(shape.sum(axis=1), 1e-30)) >= -60
    total = shape.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = shape / total
        centroid = weights @ f
        cumulated = np.cumsum(weights, axis=1)
        flatness = np.exp(np.mean(np.log(np.maximum(shape / shape.mean(axis=1, keepdims=True), FLOOR)), axis=1))
        amplitude = np.sqrt(weights)
        flux = np.sqrt(np.sum((amplitude[1:] - amplitude[:-1]) ** 2, axis=1) / 2)
    bandwidth = np.sqrt(np.sum(weights * (f - centroid[:, None]) ** 2, axis=1))
    rolloff = f[np.argmax(cumulated >= 0.85 - 1e-12, axis=1)]
    band = lambda inside: 10 * np.log10(max(np.mean(np.maximum(power[:, inside].sum(axis=1), FLOOR)), FLOOR))
    return {
        "spectral_centroid_hz": np.mean(centroid[loud]),
        "spectral_rolloff_hz": np.mean(rolloff[loud]),
        "spectral_bandwidth_hz": np.mean(bandwidth[loud]),
        "spectral_flatness": np.mean(flatness[loud]),
        "spectral_flux": np.mean(flux[loud[1:] & loud[:-1]]),
        "spectral_tilt_db_per_octave": np.mean([tilt(row, frequencies) for row in power[loud]]),
        "band_low_dbfs": band(frequencies < 300),
        "band_voice_dbfs": band((frequencies >= 300) & (frequencies <= 3400)),
        "band_high_dbfs": band(frequencies > 3400),
        "bin_hz": frequencies[1],
    }


def distance(before, after, rate):
    """RMS log spectral distance, 100 to 3400 Hz, mean over 32 ms frames of speech (plugins/station/spectral_distance.h)."""
    length = rate * 32 // 1000
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    frequencies = np.arange(length // 2 + 1) * rate / length
    band = (frequencies >= 100) & (frequencies <= 3400)
    power = lambda frame: np.maximum(FLOOR, np.abs(np.fft.rfft(frame * window)) ** 2 / np.sum(window ** 2))[band]
    distances = []
    for start in range(0, len(before) - length + 1, length):
        frame = before[start:start + length]
        if np.mean(frame ** 2) > 10 ** -4:
            difference = 10 * np.log10(power(after[start:start + length]) / power(frame))
            distances.append(np.sqrt(np.mean(difference ** 2)))
    return np.mean(distances)
