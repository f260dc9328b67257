"""Attempts to connect, one SYN each and no more: ``python -m benchmarks.syns SOURCE HOST PORT SECONDS COUNT``.

For a network of the benchmark's own, inside a network namespace: SOURCE and HOST must be of 192.0.2.0/24 (RFC 5737),
which no machine of the world has.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from ipaddress import IPv4Address, IPv4Network

TEST_NET = IPv4Network("192.0.2.0/24")
MOST = 1_000_000


def attempt(source: str, host: str, port: int, seconds: float, count: int) -> int:
    """Try to connect again and again without waiting for an answer, and return how often; ValueError elsewhere."""
    if IPv4Address(source) not in TEST_NET or IPv4Address(host) not in TEST_NET:
        raise ValueError(f"{source} to {host}: only within {TEST_NET}")
    give_up = time.monotonic() + seconds
    made = 0
    while made < min(count, MOST) and time.monotonic() < give_up:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as attempted:
            attempted.setsockopt(socket.SOL_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            attempted.bind((source, 0))
            attempted.connect_ex((host, port))  # sends the SYN; closed before a second one is due
        made += 1
    return made


if __name__ == "__main__":
    began = time.monotonic()
    sent = attempt(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
    print(json.dumps({"attempts": sent, "seconds": time.monotonic() - began}))
