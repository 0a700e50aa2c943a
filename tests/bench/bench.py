#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py [delay|long|tap|probe|journal|store …] [--json FILE]: what a translated call takes, measured through a real Asterisk.

delay   two phones talk at once, at least 20 utterances each way; from the packets at the phones: the time from the last
        packet of an utterance's speech to the first packet of its translation at the listening phone, p50 and p95, and
        the parts of it that the journal knows. Also pick-up to first media, and the memory of launcher and worker.
long    ten minutes of speech without a pause, both ways: the median delay of the clauses, minute by minute.
tap     ten calls that are only tapped: CPU of the worker per call.
probe   stationprobe on ten minutes of 16 kHz speech: CPU time, and the ratio to GStreamer's level and spectrum elements.
journal the journal: metric rows a second on one core, CPU for the rows of 100 calls, the cost of a durable commit; the
        reports of `dragoman query` over 10 million rows.
store   shipping to a PostgreSQL of its own, and the ratio to psql copying the same rows; the operators' queries and the
        reports over 10 million rows there.
away    20 calls (AWAY_CALLS), PostgreSQL killed under them and away for ten minutes (AWAY_SECONDS), then hanging: rows in
        both databases, the launcher's memory and CPU, the packets to the phones, how long it takes to make up for it.

Nothing is asserted: the machine may be busy. Without arguments: delay and tap.
"""

import argparse
import audioop
import json
import os
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end-to-end"))
from capture import Capture  # noqa: E402
from journal import measure_journal  # noqa: E402
from lab import SOUNDS, Lab, concatenate, transcripts, wait_until  # noqa: E402
from outage import SETTINGS, Outage, cpu_seconds, resident_mb  # noqa: E402
from postgres import Cluster  # noqa: E402
from probe import measure_probe  # noqa: E402
from store import measure_store  # noqa: E402

PHONES = (24000, 25999)
SPEECH_RMS = 200  # of a 16-bit packet; under it is silence


def percentile(values, share):
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def prompts(language, count):
    """Whole one-clause sentences of 1.2 to 4.5 s."""
    found = []
    for name, text in sorted(transcripts(language).items()):
        file = SOUNDS[language] / f"{name}.wav"
        if not file.exists() or not re.fullmatch(r"[A-ZÁÉÍÓÚÑ][^.,;:?!]*[.]?", text) or len(text.split()) < 4:
            continue
        if 1.2 <= (file.stat().st_size - 44) / 16000 <= 4.5:
            found.append(file)
    step = max(1, len(found) // count)
    return found[::step][:count] if len(found) >= count else found


def spurts(packets, pause):
    """(first, last) packet time of each stretch of speech; stretches less than `pause` seconds apart are one."""
    found = []
    for packet in packets:
        level = audioop.rms(audioop.ulaw2lin(packet.payload, 2), 2) if packet.payload_type == 0 and packet.payload else 0
        if level > SPEECH_RMS:
            if found and packet.time - found[-1][1] < pause:
                found[-1][1] = packet.time
            else:
                found.append([packet.time, packet.time])
    return [s for s in found if s[1] - s[0] > 0.1]


def delays(capture, speaker, listener):
    """Seconds from the end of each utterance of `speaker` to the start of its translation at `listener`."""
    inside = lambda port, phone: phone.ports[0] <= port <= phone.ports[1]  # noqa: E731
    said = spurts([p for p in capture.packets if inside(p.source, speaker)], 1.2)
    heard = spurts([p for p in capture.packets if inside(p.destination, listener)], 0.7)
    found = []
    for i, (start, end) in enumerate(said):
        following = said[i + 1][0] if i + 1 < len(said) else end + 6
        onset = next((h[0] for h in heard if start < h[0] < following), None)
        if onset is not None:
            found.append(onset - end)
    return found, len(said)


def direction(lab, capture, speaker, extension, listener):
    """The figures of one direction: those of the packets, and what the journal says of the parts."""
    measured, said = delays(capture, speaker, listener)
    rows = lab.rows("SELECT * FROM utterances WHERE extension = ? AND delay_ms IS NOT NULL", extension)
    median = lambda key: round(statistics.median(r[key] for r in rows))  # noqa: E731
    total = 1000 * statistics.median(measured)
    return {"utterances_said": said, "translations_heard": len(measured), "p50_ms": round(total),
            "p95_ms": round(1000 * percentile(measured, 0.95)), "journal_p50_ms": median("delay_ms"),
            "journal_p95_ms": round(percentile([r["delay_ms"] for r in rows], 0.95)),
            "parts_p50_ms": {"endpointing": median("endpoint_ms"), "decode": median("decode_ms"),
                             "translation": median("translation_ms"), "tts": median("tts_first_audio_ms"),
                             "network_and_buffers": round(total) - median("delay_ms")}}


def pick_up(capture, phone):
    """From the first packet a phone sends (it has been answered) to the first it gets, ms."""
    sent = [p.time for p in capture.packets if phone.ports[0] <= p.source <= phone.ports[1]]
    got = [p.time for p in capture.packets if phone.ports[0] <= p.destination <= phone.ports[1]]
    return round(1000 * (got[0] - sent[0]))


def measure_delay(utterances=24):
    with Lab() as lab:
        files = {"3333": concatenate(prompts("en", utterances), lab.folder / "en.wav", 4.5),
                 "4444": concatenate(prompts("es", utterances), lab.folder / "es.wav", 4.5)}
        seconds = int(max(f.stat().st_size for f in files.values()) / 16000) + 8
        print(f"two phones talk for {seconds} s …", file=sys.stderr, flush=True)
        lab.serve()
        # As in operation: the models are loaded by an earlier call.
        for phone in [lab.phone(e, lab.silence(), 6) for e in files]:
            phone.wait(30)
        with Capture(lab.folder / "phones.pcap", PHONES) as capture:
            phones = {e: lab.phone(e, f, seconds, lead=2.0) for e, f in files.items()}
            time.sleep(seconds / 2)
            [worker] = lab.workers()
            result = {"launcher_mb": resident_mb(lab.launcher.pid), "worker_mb": resident_mb(worker)}
            for phone in phones.values():
                phone.wait(seconds + 30)
        wait_until(lambda: not lab.leftovers(), 10, "the end of the calls")
        lab.launcher.end()
        result["3333 to 4444"] = direction(lab, capture, phones["3333"], "3333", phones["4444"])
        result["4444 to 3333"] = direction(lab, capture, phones["4444"], "4444", phones["3333"])
        result["pick_up_to_first_media_ms"] = [pick_up(capture, p) for p in phones.values()]
        return result


def measure_long(minutes=10):
    with Lab() as lab:
        files = {}
        for extension, language in (("3333", "en"), ("4444", "es")):
            pool, used, length = prompts(language, 60), [], 0.0
            while length < 60 * minutes:
                used.append(pool[len(used) % len(pool)])
                length += (used[-1].stat().st_size - 44) / 16000
            files[extension] = concatenate(used, lab.folder / f"{language}.wav")
        lab.serve()
        seconds = 60 * minutes + 15
        print(f"two phones talk for {seconds} s without a pause …", file=sys.stderr, flush=True)
        for phone in [lab.phone(e, f, seconds) for e, f in files.items()]:
            phone.wait(seconds + 60)
        lab.launcher.end()
        return {e: [round(statistics.median(r["delay_ms"] for r in minute)) for minute in by_minute(lab, e) if minute]
                for e in files}


def by_minute(lab, extension):
    """The extension's utterances in lists of a minute each."""
    rows = lab.rows("SELECT *, strftime('%s', start_at) AS second FROM utterances WHERE extension = ? AND delay_ms IS NOT NULL "
                    "ORDER BY start_at", extension)
    minutes = [[] for _ in range(12)]
    for row in rows:
        minutes[min(11, (int(row["second"]) - int(rows[0]["second"])) // 60)].append(row)
    return minutes


def measure_tap(calls=10, seconds=30):
    with Lab() as lab:
        lab.serve(**{f"extension_{extension}": {"pipeline": "call-tap.pipeline", "language": language, "partner": partner}
                     for extension, language, partner in (("3333", "en", "4444"), ("4444", "es", "3333"))})
        speech = concatenate([SOUNDS["en"] / "conf-waitforleader.wav"], lab.folder / "speech.wav", 1.0)
        callers = [lab.callers(e, calls // 2, calls // 2, (seconds + 15, seconds + 15), speech) for e in ("3333", "4444")]
        wait_until(lambda: sum(c["name"].startswith("PJSIP") for c in lab.ari("channels")) == calls, 20, "the calls")
        time.sleep(3)
        [worker] = lab.workers()
        begin, cpu = time.monotonic(), cpu_seconds(worker)
        time.sleep(seconds)
        share = (cpu_seconds(worker) - cpu) / (time.monotonic() - begin) / calls
        for caller in callers:
            caller.end()
        return {"calls": calls, "cpu_pct_of_a_core_per_call": round(100 * share, 2), "worker_mb": resident_mb(worker)}


def measure_away():
    calls, seconds = int(os.environ.get("AWAY_CALLS", 20)), int(os.environ.get("AWAY_SECONDS", 600))
    with Lab() as lab, Cluster(**SETTINGS) as cluster:
        print(f"{calls} calls, {seconds} s of them without PostgreSQL …", file=sys.stderr, flush=True)
        return Outage(lab, cluster, calls, seconds).run()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measures = {"delay": measure_delay, "long": measure_long, "tap": measure_tap, "probe": measure_probe,
                "journal": measure_journal, "store": measure_store, "away": measure_away}
    parser.add_argument("what", nargs="*", metavar="delay|long|tap|probe|journal|store|away")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    for what in options.what:
        if what not in measures:
            parser.error(f"no measurement '{what}': there are {', '.join(measures)}")
    text = json.dumps({what: measures[what]() for what in options.what or ["delay", "tap"]}, indent=2, ensure_ascii=False,
                      default=str)
    print(text)
    if options.json:
        pathlib.Path(options.json).write_text(text + "\n")


if __name__ == "__main__":
    main()
