# What needs more than one tap at work: known delays and echoes put into a running pipeline.
import concurrent.futures
import json
import subprocess

import numpy as np

from truth import DRAGOMAN, gain, noise, write_wav
from speech_truth import RATE, speech

SOURCE = "filesrc location={file} ! wavparse ! audiobuffersplit output-buffer-duration=1/25 ! identity sync=true !"


def run(file, launch, field="avg"):
    """The figures of all buckets of a pipeline: {(station, tap, parameter): last bucket's}."""
    file.write_text(f"[pipeline]\ndescription = truth\n\n[launch]\n{launch}\n")
    run = subprocess.run([DRAGOMAN, "run", str(file), "--json"], capture_output=True, text=True, timeout=120)
    if run.returncode:
        raise RuntimeError(run.stderr)
    figures = {}
    for line in run.stdout.splitlines():
        message = json.loads(line)
        if message.get("type") != "bucket":
            continue
        for key, figure in message["metrics"].items():
            figures[message["station"], message["tap"], key] = figure[field]
    return figures


def delay(folder, hold_ms):
    """Rows of buffers that are held for a known time between the taps: the least, as a busy machine holds some of them longer."""
    path = write_wav(folder / f"held-{hold_ms}.wav", (speech() + noise(len(speech()) / RATE, -50, RATE))[:11 * RATE], RATE)
    figures = run(path.with_suffix(".pipeline"), f"{SOURCE.format(file=path)} stationprobe station=near tap=PRE trace=t ! "
                  f"identity sleep-time={hold_ms * 1000} ! stationprobe station=near tap=POST trace=t ! fakesink sync=false", field="min")
    return [("processing_latency_ms", f"buffers held {hold_ms} ms, the least", figures.get(("near", "POST", "processing_latency_ms")), hold_ms, 1)]


def echo(folder, loss):
    """Rows of a far end that comes back 120 ms later and quieter, in a little noise; after PRE it is 20 dB less."""
    far = speech()[:16 * RATE]
    back = np.concatenate((np.zeros(120 * RATE // 1000), far))[:len(far)] * gain(-loss)
    far_path = write_wav(folder / f"far-{loss}.wav", far, RATE)
    near_path = write_wav(folder / f"near-{loss}.wav", back + noise(len(back) / RATE, -75, RATE), RATE)
    figures = run(near_path.with_suffix(".pipeline"),
                  f"{SOURCE.format(file=far_path)} stationprobe station=far tap=PRE trace=t ! fakesink sync=false\n"
                  f"{SOURCE.format(file=near_path)} stationprobe station=near tap=PRE trace=t ! volume volume=0.1 ! "
                  "stationprobe station=near tap=POST trace=t far-station=far ! fakesink sync=false")
    found = lambda key: figures.get(("near", "POST", key))
    return [("echo_return_loss_db", f"echo {loss} dB under the far end", found("echo_return_loss_db"), loss, 1),
            ("echo_return_loss_enhancement_db", f"20 dB off an echo of {loss} dB", found("echo_return_loss_enhancement_db"), 20, 1)]


def delays_and_echoes(table, folder):
    """In real time, several at once; the delays, which must be true to a millisecond, not beside the echoes' work."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for make, values in ((delay, (5, 30)), (echo, (10, 25))):
            for rows in list(pool.map(lambda value: make(folder, value), values)):
                for parameter, signal, ours, reference, tolerance in rows:
                    table.add(parameter, signal, ours, reference, tolerance, "construction")
