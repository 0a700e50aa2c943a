# SPDX-License-Identifier: LGPL-2.1-or-later
"""A telephone laboratory: a real Asterisk, the launcher, real SIP phones, all on loopback with ports of their own.

    with Lab() as lab:
        lab.serve()
        phones = [lab.phone("3333", "english.wav", seconds=30), lab.phone("4444", "spanish.wav", seconds=30)]
        for phone in phones: phone.wait()
        print(lab.rows("SELECT * FROM utterances"))

Everything it starts is ended, by pid, when the block is left, and the folder with logs is kept if a test failed.
"""

import base64
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unicodedata
import urllib.error
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DRAGOMAN = pathlib.Path(os.environ.get("DRAGOMAN", SOURCE / "build/launcher/dragoman"))
SOUNDS = {"en": pathlib.Path("/usr/share/asterisk/sounds/en_US_f_Allison"),
          "es": pathlib.Path("/usr/share/asterisk/sounds/es_MX_f_Allison")}


def wait_until(condition, seconds, what):
    """Polls `condition` until it gives something true, which is returned; AssertionError after `seconds`.

    `what` is a text, or a function that makes it when it is needed.
    """
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what() if callable(what) else what}")
        time.sleep(0.05)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def transcripts(language):
    """What each recorded prompt says, by name, from the package of prompts."""
    with gzip.open(f"/usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz", "rt",
                   encoding="utf-8", errors="replace") as file:
        lines = (line.rstrip("\n").split(":", 1) for line in file if ":" in line and not line.startswith(";"))
        return {name.strip(): text.strip() for name, text in lines}


def words(text):
    """Lower-case words without accents and punctuation, as the word error rate compares them."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[a-z0-9']+", plain)


def edits(reference, hypothesis):
    """Word edit distance (substitutions, insertions, deletions)."""
    row = list(range(len(hypothesis) + 1))
    for i, expected in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, got in enumerate(hypothesis, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (expected != got))
    return row[-1]


def concatenate(files, out, pause=0.0):
    """One WAV of `files` with `pause` seconds of silence after each."""
    with tempfile.TemporaryDirectory() as folder:
        parts = []
        for i, file in enumerate(files):
            part = f"{folder}/{i}.wav"
            subprocess.run(["sox", str(file), "-r", "8000", "-c", "1", part, "pad", "0", str(pause)], check=True)
            parts.append(part)
        subprocess.run(["sox", *parts, str(out)], check=True)
    return out


class Process:
    """A child with its output in a file."""

    def __init__(self, arguments, log, environment=None):
        self.log = pathlib.Path(log)
        self._file = open(self.log, "wb")
        self.popen = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=self._file,
                                      stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})},
                                      start_new_session=True)
        self.pid = self.popen.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def wait(self, seconds=60):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"pid {self.pid} did not end in {seconds} s:\n{self.output()[-3000:]}")

    def end(self, seconds=20):
        """SIGTERM, and SIGKILL to its process group if that is not enough. Returns the exit status."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self.popen.wait()
        self._file.close()
        return self.popen.returncode


class Lab:
    def __init__(self, extensions=("3333", "4444")):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dragoman-lab-"))
        self.extensions = extensions
        self.password = base64.urlsafe_b64encode(os.urandom(12)).decode()
        self.http_port, self.sip_port = free_port(), free_port(socket.SOCK_DGRAM)
        self.processes = []
        self.launcher = self.asterisk = None
        self.keep = False

    # -- life ---------------------------------------------------------------------------------------------------------
    def __enter__(self):
        try:
            self.start_asterisk()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def __exit__(self, kind, _value, _traceback):
        for process in reversed(self.processes):
            process.end()
        if kind is None and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"kept for a look: {self.folder}")

    def run(self, arguments, name, environment=None):
        process = Process(arguments, self.folder / f"{name}.log", environment)
        self.processes.append(process)
        return process

    def start_asterisk(self):
        self.asterisk = self.run([SOURCE / "data/asterisk/run", self.folder / "asterisk"], "asterisk", {
            "DRAGOMAN_ARI_PASSWORD": self.password, "HTTP_PORT": str(self.http_port), "SIP_PORT": str(self.sip_port),
            "RTP_PORTS": "20000-21999", "EXTENSIONS": " ".join(self.extensions)})
        wait_until(lambda: self._answers("asterisk/info"), 30, lambda: f"Asterisk to answer:\n{self.asterisk.output()}")

    def _answers(self, path):
        try:
            return self.ari(path) is not None
        except (urllib.error.URLError, ConnectionError):
            return False

    # -- the telephone system -----------------------------------------------------------------------------------------
    def ari(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}/ari/{path}", method=method)
        credentials = base64.b64encode(f"dragoman:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request, timeout=5) as reply:
            return json.loads(reply.read() or b"{}")

    def leftovers(self):
        """Channels and bridges that Asterisk still has."""
        return [c["name"] for c in self.ari("channels")] + [b["id"] for b in self.ari("bridges")]

    # -- the launcher -------------------------------------------------------------------------------------------------
    def configure(self, **sections):
        """Writes the launcher's configuration; `sections` add to or replace keys: media={"workers": 2}."""
        settings = {
            "ari": {"url": f"http://127.0.0.1:{self.http_port}/ari", "user": "dragoman"},
            "paths": {"data": self.folder / "data", "audio": self.folder / "audio"},
            "media": {"first-port": 30000, "last-port": 31998},
            "extension 3333": {"language": "en", "partner": "4444", "port": 0},
            "extension 4444": {"language": "es", "partner": "3333", "port": 0},
        }
        for section, keys in sections.items():
            settings.setdefault(section.replace("_", " "), {}).update(keys)
        path = self.folder / "dragoman.conf"
        path.write_text("".join(f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) + "\n"
                                for section, keys in settings.items()))
        return path

    def serve(self, environment=None, wait=True, name="serve", **sections):
        """Starts `dragoman serve` and waits until it says that it is ready for calls."""
        config = self.configure(**sections)
        process = self.run([DRAGOMAN, "serve", "--config", config], name,
                           {"DRAGOMAN_ARI_PASSWORD": self.password, **(environment or {})})
        self.launcher = self.launcher or process
        if wait:
            wait_until(lambda: process.popen.poll() is not None or "ready" in process.output(), 40, "the launcher to be ready")
            assert process.popen.poll() is None, process.output()
        return process

    def workers(self):
        """Pids of the launcher's media workers."""
        children = pathlib.Path(f"/proc/{self.launcher.pid}/task/{self.launcher.pid}/children").read_text().split()
        return [int(p) for p in children
                if b"\0worker" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()]

    def rows(self, query, *parameters):
        """Rows of the journal, as dictionaries."""
        path = next(iter((self.folder / "data").glob("*.db")), None)
        if path is None:
            return []
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, parameters)]

    def segments(self):
        return sorted((self.folder / "audio").glob("*/trace_*/St_*/*/*.wav"))

    # -- phones -------------------------------------------------------------------------------------------------------
    def phone(self, extension, speech, seconds, name=None, lead=1.0):
        """A SIP phone that dials, speaks, records; `.heard` is the recording when it has ended, `.ports` its RTP ports."""
        name = name or f"phone-{extension}-{len(self.processes)}"
        heard = self.folder / f"{name}.wav"
        first = 24000 + 20 * (len(self.processes) % 100)
        process = self.run([SOURCE / "data/asterisk/phone", extension, speech, heard, str(seconds)], f"{name}-run",
                           {"SIP_PORT": str(self.sip_port), "LEAD": str(lead), "PHONE_RTP_PORTS": f"{first}-{first + 18}"})
        process.heard, process.ports = heard, (first, first + 18)
        return process

    def callers(self, extension, calls, at_once, seconds, speech):
        """`calls` SIP callers (sipp), at most `at_once` together, each on the line for a random time in `seconds`."""
        ulaw = self.folder / "speech.ulaw"
        if not ulaw.exists():
            subprocess.run(["sox", str(speech), "-r", "8000", "-c", "1", "-t", "ul", ulaw], check=True)
        scenario = self.folder / f"caller-{extension}-{len(self.processes)}.xml"
        text = (SOURCE / "tests/end-to-end/caller.xml").read_text()
        for name, value in {"SPEECH": ulaw, "MINIMUM": int(seconds[0] * 1000), "MAXIMUM": int(seconds[1] * 1000)}.items():
            text = text.replace(name, str(value))
        scenario.write_text(text)
        limit = max(120, int(seconds[1]) + 60)
        port = 26000 + 400 * (len(self.processes) % 8)
        return self.run(["sipp", f"127.0.0.1:{self.sip_port}", "-sf", scenario, "-s", extension, "-m", calls, "-l", at_once,
                         "-r", "5", "-i", "127.0.0.1", "-p", free_port(socket.SOCK_DGRAM), "-mi", "127.0.0.1",
                         "-mp", port, "-nostdin", "-timeout", f"{limit}s"], f"callers-{extension}-{len(self.processes)}",
                        {"TERM": "dumb"})

    def silence(self):
        path = self.folder / "silence.wav"
        if not path.exists():
            subprocess.run(["sox", "-n", "-r", "8000", "-c", "1", "-b", "16", path, "trim", "0", "0.5"], check=True)
        return path


def transcribe(file, language):
    """What `dragoman run listen.pipeline` hears in an audio file: the final transcripts, joined."""
    result = subprocess.run([str(DRAGOMAN), "run", str(SOURCE / "pipelines/listen.pipeline"), f"file={file}",
                             f"language={language}", "--json"], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    return " ".join(m["text"] for m in messages if m["type"] == "transcript" and m["is_final"])
