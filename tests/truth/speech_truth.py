# Speech: levels, noise floor, signal to noise, pitch, and what processing does between PRE and POST.
import numpy as np

import p56
import spectra
from truth import ENGLISH, SPANISH, Measured, dbfs, gain, noise, read_wav, sine, write_wav

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
    pink = np.fft.irfft(transform / np.sqrt(np.maximum(np.arange(len(transform)), 10)))
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
    for duty in (0.3, 0.5, 1.0):
        period, seconds = 3 * RATE, 30
        gate = (np.arange(seconds * RATE) % period) < duty * period
        burst = noise(seconds, -26, RATE) * gate
        ours = Measured(write_wav(folder / "gated.wav", burst, RATE)).get("active_speech_level_dbfs")
        table.add("active_speech_level_dbfs", f"noise gated {duty:.0%} of the time", ours, dbfs(burst[gate]), 0.5, "construction")
    for name, path in ("English prompt", ENGLISH), ("Spanish prompt", SPANISH):
        samples, rate = read_wav(path)
        table.add("active_speech_level_dbfs", name, Measured(path).get("active_speech_level_dbfs"),
                  p56.active_level(samples[:, 0], rate), 0.5, "P.56 by numpy")


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
        table.add("processing_latency_ms", f"content {delay_ms} ms later", ours.get("processing_latency_ms", tap="POST"), delay_ms, 1,
                  "construction")
