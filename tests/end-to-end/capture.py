# SPDX-License-Identifier: LGPL-2.1-or-later
"""What really went over the wire: a capture of the loopback's UDP, read as RTP."""

import collections
import os
import pathlib
import socket
import subprocess

from lab import wait_until

Packet = collections.namedtuple("Packet", "time source destination sequence timestamp payload_type payload")


class Capture:
    """Captures UDP on loopback from `__enter__` to `__exit__`; then `packets` holds every RTP packet, in order."""

    def __init__(self, file, ports):
        """`ports`: (first, last) of the UDP ports to capture."""
        self.file, self.ports, self.packets = file, ports, []

    def __enter__(self):
        self.process = subprocess.Popen(
            ["tshark", "-q", "-i", "lo", "-f", f"udp portrange {self.ports[0]}-{self.ports[1]}", "-w", str(self.file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._mark(b"begin")
        return self

    def __exit__(self, *_):
        self._mark(b"end of the capture")
        self.process.terminate()
        self.process.wait(timeout=20)
        self.packets = self.read()

    def _mark(self, text):
        """Sends `text`, which is no RTP, until it is in the file: what came before it is there too."""
        def marked():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(text, ("127.0.0.1", self.ports[1]))
            return os.path.exists(self.file) and text in pathlib.Path(self.file).read_bytes()
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
