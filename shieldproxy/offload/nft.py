"""The nft command: the one way in which we speak to the kernel's packet filter."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Protocol

from shieldproxy.core.errors import OffloadError
from shieldproxy.offload.scripts import FAMILY, TABLE

# Seconds. To read 100,000 elements takes five on a busy machine of two cores; beyond this something is stuck.
PATIENCE = 20.0
# Services are often started without the folders of the administrator.
FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin")
# nft quotes the line it refuses, which may hold hundreds of addresses.
MAX_ERROR = 300


def find_nft(environment: Mapping[str, str] = os.environ) -> str:
    """Return the path of the nft command, '' when there is none."""
    folders = [environment.get("PATH", os.defpath), *FOLDERS]
    return shutil.which("nft", path=os.pathsep.join(folders)) or ""


class PacketFilter(Protocol):
    """What is asked of nft."""

    def run(self, script: str) -> None:
        """Do ``script`` in one transaction. Raises OffloadError; nothing of it is done then."""

    def list_table(self) -> str:
        """Return our table with its elements and counters, as JSON. Raises OffloadError, also when there is none."""


class Nft:
    """Runs ``command`` (the path of nft, perhaps with what runs it) and waits for its end."""

    def __init__(self, command: Sequence[str], patience: float = PATIENCE) -> None:
        self._command = tuple(command)
        self._patience = patience

    def run(self, script: str) -> None:
        """Do ``script`` in one transaction. Raises OffloadError; nothing of it is done then."""
        self._call(("-f", "-"), script)

    def list_table(self) -> str:
        """Return our table with its elements and counters, as JSON. Raises OffloadError, also when there is none."""
        return self._call(("-j", "list", "table", FAMILY, TABLE), "")

    def _call(self, arguments: tuple[str, ...], given: str) -> str:
        if not self._command or not self._command[0]:
            raise OffloadError("the command nft is not there; it is in the package nftables")
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
                (*self._command, *arguments),
                input=given.encode("ascii"),
                capture_output=True,
                timeout=self._patience,
                check=False,
                env={"LC_ALL": "C"},
                # Ctrl-C on a terminal is for us; in the middle of our last words nft must not hear it.
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            raise OffloadError(f"nft did not end within {self._patience:g} s") from None
        except OSError as error:
            raise OffloadError(f"nft cannot be started: {error.strerror or error}") from error
        if done.returncode != 0:
            raise OffloadError(_first_line(done.stderr) or f"nft ended with {done.returncode} and said nothing")
        return done.stdout.decode("ascii", "replace")


def _first_line(said: bytes) -> str:
    line = said.decode("ascii", "replace").strip().partition("\n")[0]
    return f"nft: {line[:MAX_ERROR]}" if line else ""
