# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bad network between two network namespaces: a pair of veth, and netem's loss, delay, jitter, duplicates.

    with BadNetwork(Badness(loss=0.05, burst=4)) as network:
        network.start_sender(["gst-launch-1.0", …, "udpsink", f"host={network.target}", f"port={PORT}"], log)
        network.start_receiver([…], log)

Where the kernel has no netem, a thread that forwards the packets does the same. Needs root; `unittest.SkipTest` where
the kernel does not let us. Namespaces and what runs in them are gone when the block is left.
"""

import contextlib
import ctypes
import dataclasses
import heapq
import itertools
import os
import random
import select
import socket
import subprocess
import threading
import time
import unittest

from lab import Process

SENDER, RECEIVER = "10.99.0.1", "10.99.0.2"
PORT = 40404
_numbers = itertools.count()


@dataclasses.dataclass(frozen=True)
class Badness:
    """Of each packet; `burst`: mean number of packets lost in a row, by Gilbert's model, 0 for random loss."""
    loss: float = 0
    burst: float = 0
    delay_ms: float = 40
    jitter_ms: float = 15
    duplicates: float = 0.01
    seed: int = 1

    def loss_model(self):
        """(p, r) of Gilbert's model: from good to bad and back; every packet is lost in bad."""
        r = 1 / self.burst
        return r * self.loss / (1 - self.loss), r

    def netem(self):
        if self.burst:
            p, r = self.loss_model()
            loss = ["loss", "gemodel", f"{100 * p:.4f}%", f"{100 * r:.4f}%"]
        else:
            loss = ["loss", "random", f"{100 * self.loss}%"]
        return ["netem", "limit", "1000", "delay", f"{self.delay_ms}ms", f"{self.jitter_ms}ms", *loss,
                "duplicate", f"{100 * self.duplicates}%"]


@contextlib.contextmanager
def inside(namespace):
    """Sockets made in the block belong to `namespace`. This thread only."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(file):
        if libc.setns(file.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "setns")

    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/var/run/netns/{namespace}", "rb") as there:
        enter(there)
        try:
            yield
        finally:
            enter(home)


def entering(namespace):
    """What to put before a command to run it there; unlike `ip netns exec` it leaves the mounts alone, which a chroot refuses."""
    return ["nsenter", f"--net=/var/run/netns/{namespace}"]


def ip(*arguments, namespace=None):
    result = subprocess.run([*(entering(namespace) if namespace else []), "ip", *arguments], capture_output=True, text=True)
    if result.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")


class Forwarder(threading.Thread):
    """From one socket to another address, as bad as it was told to be."""

    def __init__(self, incoming, outgoing, badness):
        super().__init__(daemon=True)
        self.incoming, self.outgoing, self.badness = incoming, outgoing, badness
        self.random = random.Random(badness.seed)
        self.bad = False
        self.queue = []  # (when, number, packet)
        self.ended = threading.Event()

    def lost(self):
        if not self.badness.burst:
            return self.random.random() < self.badness.loss
        p, r = self.badness.loss_model()
        self.bad = self.random.random() >= r if self.bad else self.random.random() < p
        return self.bad

    def take(self, packet):
        if self.lost():
            return
        for _ in range(2 if self.random.random() < self.badness.duplicates else 1):
            delay_ms = self.badness.delay_ms + self.random.uniform(-1, 1) * self.badness.jitter_ms
            heapq.heappush(self.queue, (time.monotonic() + delay_ms / 1000, next(_numbers), packet))

    def run(self):
        while not self.ended.is_set():
            wait = max(0, self.queue[0][0] - time.monotonic()) if self.queue else 0.1
            if select.select([self.incoming], [], [], wait)[0]:
                self.take(self.incoming.recv(2000))
            while self.queue and self.queue[0][0] <= time.monotonic():
                self.outgoing.send(heapq.heappop(self.queue)[2])

    def end(self):
        self.ended.set()
        self.join()
        self.incoming.close()
        self.outgoing.close()


class BadNetwork:
    def __init__(self, badness):
        self.badness = badness
        name = f"drg{os.getpid()}x{next(_numbers)}"
        self.sender, self.receiver = name + "s", name + "r"
        self.device = "media"
        self.stack = contextlib.ExitStack()
        self.forwarder = None

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _build(self):
        try:
            self._build_namespaces()
        except OSError as error:
            raise unittest.SkipTest(f"this machine gives no network namespaces: {error}") from error
        self._make_bad()

    def _build_namespaces(self):
        for namespace in (self.sender, self.receiver):
            ip("netns", "add", namespace)
            self.stack.callback(subprocess.run, ["ip", "netns", "del", namespace], check=True)
        ip("link", "add", "dev", self.device, "type", "veth", "peer", "name", self.device, "netns", self.receiver,
           namespace=self.sender)
        for namespace, address in ((self.sender, SENDER), (self.receiver, RECEIVER)):
            ip("addr", "add", address + "/24", "dev", self.device, namespace=namespace)
            ip("link", "set", self.device, "up", namespace=namespace)
            ip("link", "set", "lo", "up", namespace=namespace)

    def _make_bad(self):
        result = subprocess.run([*entering(self.sender), "tc", "qdisc", "add", "dev", self.device, "root",
                                 *self.badness.netem()], capture_output=True, text=True)
        self.by, self.target = "netem", RECEIVER
        if result.returncode == 0:
            return
        if "unknown" not in result.stderr:
            raise OSError(f"tc {' '.join(self.badness.netem())}: {result.stderr}")
        self.by, self.target = "a forwarder (this kernel has no netem)", SENDER
        with inside(self.sender):
            incoming = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            outgoing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        incoming.bind((SENDER, PORT))
        outgoing.connect((RECEIVER, PORT))
        self.forwarder = Forwarder(incoming, outgoing, self.badness)
        self.forwarder.start()
        self.stack.callback(self.forwarder.end)

    def _start(self, namespace, arguments, log, environment):
        process = Process([*entering(namespace), *arguments], log, environment)
        self.stack.callback(process.end)
        return process

    def start_sender(self, arguments, log, environment=None):
        return self._start(self.sender, arguments, log, environment)

    def start_receiver(self, arguments, log, environment=None):
        return self._start(self.receiver, arguments, log, environment)

    def mark(self, text):
        """A packet from the receiver that is no RTP: to find in a capture that it goes on up to now."""
        with inside(self.receiver):
            marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with marker:
            marker.sendto(text, (SENDER, PORT + 1))
