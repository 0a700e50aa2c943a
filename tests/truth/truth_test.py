# Every parameter of a recording against reference programs and known signals, in one run. Prints the table; exit status 1 if a row fails.
import pathlib
import sys
import tempfile

import numpy as np

import pipeline_truth
import spectra
import speech_truth
from truth import ENGLISH, SPANISH, Measured, Table, dbfs, ffmpeg_ebur128, gain, noise, read_wav, sine, sox_stats, write_wav


def levels(table, name, path):
    ours, sox, loudness = Measured(path), sox_stats(path), ffmpeg_ebur128(path)
    samples, rate = read_wav(path)
    table.add("audio_level_dbfs", name, ours.get("audio_level_dbfs"), sox["RMS lev dB"], 0.1, "sox stats")
    table.add("peak_dbfs", name, ours.get("peak_dbfs"), sox["Pk lev dB"], 0.1, "sox stats")
    table.add("true_peak_dbtp", name, ours.get("true_peak_dbtp"), loudness["true_peak"], 0.2, "ffmpeg ebur128")
    table.add("crest_factor_db", name, ours.get("crest_factor_db"), sox["Pk lev dB"] - sox["RMS lev dB"], 0.1, "sox stats")
    table.add("dc_offset", name, ours.get("dc_offset"), sox["DC offset"], 1e-5, "sox stats")
    for key, figure in ("loudness_momentary_lufs", "momentary"), ("loudness_short_term_lufs", "short_term"):
        if len(loudness[figure]):
            table.add(key, name, ours.get(key, "max"), np.max(loudness[figure]), 0.1, "ffmpeg ebur128")
    table.add("loudness_integrated_lufs", name, ours.get("loudness_integrated_lufs"), loudness["integrated"], 0.1, "ffmpeg ebur128")
    hop = rate // 50
    frames = samples[:len(samples) // hop * hop].reshape(-1, hop * samples.shape[1])
    rms = np.array([dbfs(frame) for frame in frames] + ([dbfs(samples[len(frames) * hop:])] if len(samples) % hop else []))
    table.add("silence_ratio", name, ours.get("silence_ratio"), np.mean(rms < -60), 0, "numpy")
    table.add("dynamic_range_db", name, ours.get("dynamic_range_db"), np.percentile(rms, 95) - np.percentile(rms, 10), 0.1, "numpy")


def clipping(table, folder):
    samples = np.clip(sine(5, 440, -3) * gain(6), -1, 32767 / 32768)
    full = np.abs(np.round(samples * 32768)) >= 32767
    edges = np.flatnonzero(np.diff(np.concatenate(([0], full, [0]))))
    runs = edges[1::2] - edges[::2]
    ours = Measured(write_wav(folder / "clipped.wav", samples)).get("clipping_ratio")
    table.add("clipping_ratio", "sine clipped by 6 dB", ours, runs[runs >= 3].sum() / len(samples), 0, "numpy")


def spectrum(table, name, path):
    ours = Measured(path)
    samples, rate = read_wav(path)
    reference = spectra.measures(samples.mean(axis=1), rate)
    for key in ("spectral_centroid_hz", "spectral_bandwidth_hz", "spectral_flatness", "spectral_flux"):
        table.add(key, name, ours.get(key), reference[key], "1%", "numpy")
    table.add("spectral_rolloff_hz", name, ours.get("spectral_rolloff_hz"), reference["spectral_rolloff_hz"], reference["bin_hz"], "numpy")
    table.add("spectral_tilt_db_per_octave", name, ours.get("spectral_tilt_db_per_octave"), reference["spectral_tilt_db_per_octave"],
              0.5, "numpy")
    for key in ("band_low_dbfs", "band_voice_dbfs", "band_high_dbfs"):
        table.add(key, name, ours.get(key), reference[key], 0.5, "numpy")
    signs = np.sign(samples.mean(axis=1))
    crossings = np.count_nonzero(np.diff(signs[signs != 0])) / (len(signs) / rate)
    table.add("zero_crossing_rate", name, ours.get("zero_crossing_rate"), crossings, "0.001%", "numpy")


def slopes(table, folder):
    """Noise whose spectrum falls by so many dB an octave."""
    for slope in (-12, -6, 0):
        transform = np.fft.rfft(noise(10, -20))
        frequency = np.maximum(np.arange(len(transform)) * 16000 / 160000, 20)
        transform *= gain(slope * np.log2(frequency / 1000))
        samples = np.fft.irfft(transform)
        path = write_wav(folder / "slope.wav", samples / np.sqrt(np.mean(samples ** 2)) * gain(-20))
        table.add("spectral_tilt_db_per_octave", f"noise of {slope} dB/octave", Measured(path).get("spectral_tilt_db_per_octave"), slope,
                  0.5, "construction")


def hum(table, folder):
    """Three harmonics of the mains in noise: their power over the noise's in the 25 Hz that the meter takes (hum_meter.h)."""
    power, noise_per_hz = 3 * gain(-50) ** 2, gain(-50) ** 2 / 4000
    for mains in (50, 60):
        path = write_wav(folder / "hum.wav", sum(sine(6, mains * n, -50, 8000) for n in (1, 2, 3)) + noise(6, -50, 8000), 8000)
        table.add("hum_db", f"{mains} Hz and two harmonics", Measured(path).get("hum_db"),
                  10 * np.log10(1 + power / (25 * noise_per_hz)), 1, "construction")


def main():
    table = Table()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        stereo = np.stack([sine(8, 997, -23) + noise(8, -40), sine(8, 440, -30)], axis=1)
        files = {"English prompt, 8 kHz": ENGLISH, "Spanish prompt, 8 kHz": SPANISH,
                 "sine and noise, stereo, 48 kHz": write_wav(folder / "stereo.wav", np.repeat(stereo, 3, axis=0), 48000),
                 "white noise, 16 kHz": write_wav(folder / "noise.wav", noise(8, -30))}
        for label, path in files.items():
            levels(table, label, path)
            spectrum(table, label, path)
        clipping(table, folder)
        slopes(table, folder)
        for compare in (speech_truth.noise_floors, speech_truth.signal_to_noise, speech_truth.active_levels, speech_truth.voice_activity,
                        speech_truth.pitches, speech_truth.pre_and_post, hum, pipeline_truth.delays_and_echoes):
            compare(table, folder)
    print(table)
    failures = table.failures()
    print(f"\n{len(table.rows)} rows, {len({row[0] for row in table.rows})} parameters, {len(failures)} fail")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
