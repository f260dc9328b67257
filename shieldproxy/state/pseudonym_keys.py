"""Keys of pseudonyms: one a month, made when it is needed and destroyed when nothing of that month has an address.

From then on nobody can tell which address a pseudonym stands for, whoever asks, us included.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from shieldproxy.core.errors import StartError
from shieldproxy.state.files import PRIVATE, make_secret, read_secret

if TYPE_CHECKING:
    from shieldproxy.core.ports import Chance

FOLDER = "pseudonyms"
KEY_BYTES = 32
_FILE = re.compile(r"(\d{4}-\d\d)\.key", re.ASCII)


def load_month_key(directory: Path, month: str, chance: Chance) -> bytes:
    """Return the key of ``month`` (``2026-11``), made when there is none. Raises StartError, naming the file."""
    path = directory / FOLDER / f"{month}.key"
    text = read_secret(path)
    if text is None:
        text = make_secret(path, f"{chance(KEY_BYTES).hex()}\n")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StartError(f"{path}: is damaged; remove it to have it made anew")
    return key


def destroy_before(directory: Path, month: str) -> list[str]:
    """Destroy the keys of all months before ``month`` and return which; raises OSError.

    Each is overwritten first, for what that is worth on today's disks; keep the directory out of backups.
    """
    gone = []
    folder = directory / FOLDER
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _FILE.fullmatch(path.name)
        if match is None or match[1] >= month:
            continue
        path.chmod(PRIVATE)
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
        path.unlink()
        gone.append(match[1])
    return gone
