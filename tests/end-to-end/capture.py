# SPDX-License-Identifier: LGPL-2.1-or-later
"""What really went over the wire: a capture of the loopback's UDP, read as RTP."""

import collections
import os
import pathlib
import socket
import struct
import subprocess

from lab import wait_until

Packet = collections.namedtuple("Packet", "time source destination sequence timestamp payload_type payload")
Header = collections.namedtuple("Header", "time source destination ssrc sequence timestamp")

SNAP = 64  # bytes of each packet: Ethernet 14, IP 20, UDP 8, RTP 12


def tail(file, size=1 << 20):
    with open(file, "rb") as opened:
        opened.seek(max(0, os.path.getsize(file) - size))
        return opened.read()


class Capture:
    """Captures UDP on loopback from `__enter__` to `__exit__`; then `packets` holds every RTP packet, in order."""

    def __init__(self, file, ports, sources=None):
        """`ports`: (first, last) of the UDP ports to capture.

        `sources`, for long captures: only what goes to `ports` or comes from these, and of it the headers, see headers().
        """
        self.file, self.ports, self.sources, self.packets = file, ports, sources, []

    def __enter__(self):
        span = "portrange {}-{}".format
        what = ["-f", f"udp {span(*self.ports)}"]
        if self.sources:
            what = ["-s", str(SNAP), "-F", "pcap", "-f", f"udp and (dst {span(*self.ports)} or src {span(*self.sources)})"]
        self.process = subprocess.Popen(
            ["tshark", "-q", "-i", "lo", *what, "-w", str(self.file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._mark(b"begin")
        return self

    def __exit__(self, *_):
        self._mark(b"end of the capture")
        self.process.terminate()
        self.process.wait(timeout=20)
        if not self.sources:
            self.packets = self.read()

    def _mark(self, text):
        """Sends `text`, which is no RTP, until it is in the file: what came before it is there too."""
        def marked():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(text, ("127.0.0.1", self.ports[1]))
            return os.path.exists(self.file) and text in tail(self.file)
        wait_until(marked, 20, f"tshark to write {self.file}")

    def read(self):
        fields = ["frame.time_epoch", "udp.srcport", "udp.dstport", "rtp.seq", "rtp.timestamp", "rtp.p_type", "rtp.payload"]
        result = subprocess.run(["tshark", "-r", str(self.file), "-o", "rtp.heuristic_rtp:TRUE", "-d",
                                 f"udp.port=={self.ports[0]}-{self.ports[1]},rtp", "-T", "fields",
                                 *(a for f in fields for a in ("-e", f))], capture_output=True, text=True, check=True)
        packets = []
        for line in result.stdout.splitlines():
            values = line.split("\t")
            if len(values) == 7 and values[3]:
                packets.append(Packet(float(values[0]), int(values[1]), int(values[2]), int(values[3]), int(values[4]),
                                      int(values[5]), bytes.fromhex(values[6].replace(":", ""))))
        return packets

    def streams(self):
        """Packets by (source port, destination port)."""
        streams = collections.defaultdict(list)
        for packet in self.packets:
            streams[packet.source, packet.destination].append(packet)
        return streams

    def headers(self):
        """Each RTP packet's Header, one by one: millions need no memory, and no tshark."""
        with open(self.file, "rb") as file:
            data = file.read()
        at, record, layers = 24, struct.Struct("<IIII"), struct.Struct(">14xBB7xB10xHH4xBBHII")
        while at + 16 <= len(data):
            seconds, fraction, size, _ = record.unpack_from(data, at)
            at += 16 + size
            if size < layers.size:
                continue
            ip, _, protocol, source, destination, first, kind, sequence, timestamp, ssrc = layers.unpack_from(data, at - size)
            # Version 2, and not RTCP (RFC 5761, section 4).
            if ip == 0x45 and protocol == 17 and first >> 6 == 2 and not 64 <= kind & 0x7F <= 95:
                yield Header(seconds + fraction / 1e6, source, destination, ssrc, sequence, timestamp)
