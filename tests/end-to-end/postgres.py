# SPDX-License-Identifier: LGPL-2.1-or-later
"""A PostgreSQL of a test's own: a temporary cluster on a socket in its folder, no TCP.

    with Cluster(shared_buffers="16MB") as cluster:
        cluster.psql("CREATE DATABASE monitoring_v2", database="postgres")
        cluster.kill()   # kill -9, of every process
        cluster.start()
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time


class Cluster:
    """Runs as an unprivileged user (root may not); `settings` are PostgreSQL's own."""

    def __init__(self, **settings):
        self.settings = {"listen_addresses": "", **settings}
        self.server = None

    def __enter__(self):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
        if not programs:
            raise FileNotFoundError("no PostgreSQL in /usr/lib/postgresql; install postgresql")
        self.bin = programs[-1]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dragoman-pg-"))
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(self.folder, "postgres", "postgres")
        self.environment = os.environ | {"PGHOST": str(self.folder), "PGUSER": "dragoman", "PGDATABASE": "monitoring_v2",
                                         "PGTZ": "UTC"}
        try:
            subprocess.run([self.bin / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", "dragoman", "--no-sync",
                            "--locale=C.UTF-8", "--encoding=UTF8"], stdout=subprocess.DEVNULL, check=True, cwd="/", **self.user)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.server and self.server.poll() is None:
            self.resume()
            self.server.send_signal(signal.SIGINT)  # at once, whoever is connected
            try:
                self.server.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, seconds=60):
        """Until it answers. After a kill it refuses to start until the last of its processes is gone: tried again then."""
        end = time.monotonic() + seconds
        while True:
            if not self.server or self.server.poll() is not None:
                settings = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
                with open(self.folder / "log", "ab") as log:
                    self.server = subprocess.Popen([self.bin / "postgres", "-D", self.folder / "data", "-c",
                                                    f"unix_socket_directories={self.folder}", *settings],
                                                   stdout=log, stderr=log, cwd="/", **self.user)
            if not subprocess.run([self.bin / "pg_isready", "-q"], env=self.environment).returncode:
                return
            if time.monotonic() > end:
                raise TimeoutError(f"PostgreSQL does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def processes(self):
        """Pids of the server and of all that it has forked."""
        pid = self.server.pid
        return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def kill(self):
        self._signal(signal.SIGKILL)
        self.server.wait(20)

    def suspend(self):
        """It hangs: connections are taken by the kernel and nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def conninfo(self, database="monitoring_v2"):
        return f"host={self.folder} user=dragoman dbname={database}"

    def psql(self, *commands, database="monitoring_v2"):
        arguments = [word for command in commands for word in ("-c", command)]
        return subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments], env=self.environment,
                              capture_output=True, text=True, check=True).stdout
