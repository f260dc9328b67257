"""The token of the control room: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shieldproxy.core.errors import StartError

BYTES = 32  # 256 bits: nobody guesses it, so failed tries need no counting
LONGEST = 1_024


def keep_token(path: Path, chance: Callable[[int], bytes]) -> str:
    """Return the token in ``path``; make the file, mode 0600, with a new one when there is none.

    ``chance`` gives so many unguessable bytes. Raises StartError when the file cannot be made or read, holds
    no token, or may be read by everybody.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_token(path)
    except OSError as fault:
        raise StartError(f"control.token_file {path}: {fault.strerror}") from fault
    token = chance(BYTES).hex()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{token}\n")
    return token


def read_token(path: Path) -> str:
    """Return the token in ``path``; raises StartError saying what is wrong with the file and what to do."""
    try:
        with path.open("rb") as file:
            token = file.read(LONGEST).decode("ascii", "replace").strip()
            mode = os.fstat(file.fileno()).st_mode
    except OSError as fault:
        raise StartError(f"control.token_file {path}: {fault.strerror}") from fault
    if mode & 0o007:
        raise StartError(f"control.token_file {path}: everybody may read it; do: chmod o-rwx {path}")
    if len(token) < 16 or not token.isprintable() or " " in token:
        raise StartError(f"control.token_file {path}: holds no token of 16 characters or more; remove it for a new one")
    return token
