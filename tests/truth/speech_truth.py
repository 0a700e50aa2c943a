# Speech: activity, levels, noise floor, signal to noise, pitch, and what processing does between PRE and POST.
import csv
import pathlib

import numpy as np

import p56
import spectra
from truth import ENGLISH, SOUNDS, SPANISH, Measured, dbfs, gain, noise, read_wav, write_wav

RATE = 8000


def speech():
    """Recorded speech of some 16 s, 8 kHz, with its own pauses."""
    prompts = [read_wav(path)[0][:, 0] for path in (ENGLISH, SPANISH)]
    pause = np.zeros(RATE // 2)
    return np.concatenate([pause] + [part for _ in range(3) for prompt in prompts for part in (prompt, pause)])


def noise_floors(table, folder):
    for level in (-65, -50, -35):
        path = write_wav(folder / "noise.wav", noise(10, level, RATE), RATE)
        table.add("noise_floor_dbfs", f"white noise of {level} dBFS", Measured(path).get("noise_floor_dbfs"), level, 1, "construction")
    transform = np.fft.rfft(noise(10, -40, RATE))
    pink = np.fft.irfft(transform / np.sqrt(np.maximum(np.arange(len(transform)), 500)))  # from 50 Hz on
    path = write_wav(folder / "pink.wav", pink * gain(-45 - dbfs(pink)), RATE)
    table.add("noise_floor_dbfs", "pink noise of -45 dBFS", Measured(path).get("noise_floor_dbfs"), -45, 1, "construction")


def signal_to_noise(table, folder):
    clean = speech()
    level = p56.active_level(clean, RATE)
    for snr in (0, 10, 20, 30, 40):
        mix = clean + noise(len(clean) / RATE, level - snr, RATE)
        ours = Measured(write_wav(folder / "mix.wav", mix * gain(-3), RATE))
        table.add("snr_db", f"speech and noise, {snr} dB", ours.get("snr_db"), snr, 1.5, "construction")


def active_levels(table, folder):
    for on, off in (1, 2), (2, 2), (3, 1):
        gate = (np.arange(30 * RATE) % ((on + off) * RATE)) < on * RATE
        # Digital silence would be an outage of noise (plugins/station/voice_detector.h).
        burst = noise(30, -26, RATE) * gate + noise(30, -80, RATE, seed=2)
        ours = Measured(write_wav(folder / "gated.wav", burst, RATE)).get("active_speech_level_dbfs")
        table.add("active_speech_level_dbfs", f"noise {on} s on, {off} s off", ours, p56.active_level(burst, RATE), 0.5, "P.56 by numpy")
        # What the standard's hangover of 0.2 s counts as active is silence here.
        table.add("active_speech_level_dbfs", f"noise {on} s on, {off} s off", ours, -26 + 10 * np.log10(on / (on + 0.2)), 0.5, "construction")
    for name, path in ("English prompt", ENGLISH), ("Spanish prompt", SPANISH):
        samples, rate = read_wav(path)
        table.add("active_speech_level_dbfs", name, Measured(path).get("active_speech_level_dbfs"),
                  p56.active_level(samples[:, 0], rate), 0.5, "P.56 by numpy")


def nearest(count, fewest, most):
    """The count from `fewest` to `most` that is nearest to `count`; `fewest` if there is none to compare."""
    return fewest if count is None else min(max(count, fewest), most)


def voice_activity(table, folder):
    """Against prompts labelled by hand; a pause counts as such from 200 ms on (plugins/station/talk_spurts.h)."""
    labels = {}
    lines = (pathlib.Path(__file__).parents[1] / "plugins/station/speech_labels.csv").read_text().splitlines()
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        labels.setdefault(row["file"], []).append((int(row["begin_ms"]) * RATE // 1000, int(row["end_ms"]) * RATE // 1000))
    for name, stretches in labels.items():
        samples, rate = read_wav(SOUNDS / name)
        silence = np.zeros(rate)
        ours = Measured(write_wav(folder / "labelled.wav", np.concatenate((silence, samples[:, 0], silence)), rate))
        spoken = sum(end - begin for begin, end in stretches) / (len(samples) + 2 * rate)
        pauses = [after[0] - before[1] for before, after in zip(stretches, stretches[1:])]
        # A pause of 150 to 250 ms may be one or not: labels and frames are that fine.
        fewest, most = (1 + sum(pause >= least * rate for pause in pauses) for least in (0.25, 0.15))
        count = ours.get("talk_spurt_count")
        table.add("voice_activity_ratio", name, ours.get("voice_activity_ratio"), spoken, 0.1, "labels by hand")
        table.add("talk_spurt_count", name, count, nearest(count, fewest, most), 0, "labels by hand")


def vowel(seconds, pitch, rate=16000):
    """A pulse train through the resonances of an open vowel."""
    samples = np.zeros(int(seconds * rate))
    samples[(np.arange(0, seconds, 1 / pitch) * rate).astype(int)] = 1
    for frequency, bandwidth in (700, 90), (1200, 110), (2600, 160):
        radius = np.exp(-np.pi * bandwidth / rate)
        a1, a2 = -2 * radius * np.cos(2 * np.pi * frequency / rate), radius ** 2
        out = np.zeros_like(samples)
        for i in range(len(samples)):
            out[i] = samples[i] - a1 * out[i - 1] - a2 * out[i - 2]
        samples = out
    return samples * gain(-20 - dbfs(samples))


def pitches(table, folder):
    for pitch in (85, 120, 200, 320):
        said = np.concatenate([np.concatenate((vowel(0.5, pitch), np.zeros(4800))) for _ in range(5)])
        ours = Measured(write_wav(folder / "vowel.wav", said + noise(len(said) / 16000, -70))).get("pitch_hz")
        table.add("pitch_hz", f"vowel of {pitch} Hz", ours, pitch, "2%", "construction")


def pre_and_post(table, folder):
    clean = speech()
    pre = clean + noise(len(clean) / RATE, -50, RATE)
    pre_path = write_wav(folder / "pre.wav", pre * gain(-6), RATE)
    louder = Measured(pre_path, write_wav(folder / "louder.wav", pre, RATE))
    table.add("agc_gain_db", "6 dB louder", louder.get("agc_gain_db", tap="POST"), 6, 0.2, "construction")
    quieter = clean + noise(len(clean) / RATE, -62, RATE)
    cleaner = Measured(pre_path, write_wav(folder / "cleaner.wav", quieter * gain(-6), RATE))
    table.add("noise_reduction_db", "12 dB less noise", cleaner.get("noise_reduction_db", tap="POST"), 12, 1, "construction")
    for delay_ms in (0, 5, 37, 120):
        late = np.concatenate((np.zeros(delay_ms * RATE // 1000), pre))[:len(pre)]
        ours = Measured(pre_path, write_wav(folder / "late.wav", late * gain(-6), RATE))
        table.add("processing_latency_ms", f"content {delay_ms} ms later", ours.delay_ms, delay_ms, 1, "construction")
    filtered = np.convolve(pre, [1, 0.6, -0.3])[:len(pre)] * gain(-6)
    ours = Measured(pre_path, write_wav(folder / "filtered.wav", filtered, RATE))
    table.add("log_spectral_distance_db", "known filter", ours.get("log_spectral_distance_db", tap="POST"),
              spectra.distance(pre * gain(-6), filtered, RATE), 0.1, "numpy")
