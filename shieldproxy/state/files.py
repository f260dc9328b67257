"""Files of the state directory: small, private to the service's user, replaced as a whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shieldproxy.core.errors import StartError

PRIVATE = 0o600
# A state file of ours is far smaller, the list of bans aside, which has its own bound.
MAX_SECRET_FILE = 4_096
# Stands for no document at all; None is what a damaged file may hold.
MISSING: Any = object()


def make_private(directory: Path) -> None:
    """Make the state directory, for this user alone. Raises StartError."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StartError(f"{directory}: cannot be made: {error.strerror}") from error


def read_secret(path: Path) -> str | None:
    """Return the text of a private file, None when there is none.

    Raises StartError when it cannot be read, is too long, is not ASCII, or others on the machine may read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(MAX_SECRET_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StartError(f"{path}: cannot be read: {error.strerror}") from error
    if mode & 0o007:
        raise StartError(f"{path}: everybody on this machine may read it; chmod 600 it, and rotate what it holds")
    if len(text) > MAX_SECRET_FILE or not text.isascii():
        raise StartError(f"{path}: is damaged; remove it to have it made anew")
    return text.decode("ascii")


def read_learned(path: Path, most: int, lost: str) -> tuple[Any, str]:
    """Return the JSON kept in ``path``, and what is wrong with it ('' when nothing is); MISSING where there is none.

    ``most`` is bytes, ``lost`` says what happens without it. A damaged file costs the knowledge, never the start, so
    nothing is raised.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            return MISSING, f"{path}: longer than anything we keep there; {lost}"
        return json.loads(data), ""
    except FileNotFoundError:
        return MISSING, ""
    except (OSError, ValueError, RecursionError) as error:
        return MISSING, unreadable(path, error, lost)


def unreadable(path: Path, error: Exception, lost: str) -> str:
    """Return what is said of a file that is not as we keep it."""
    return f"{path}: cannot be read ({type(error).__name__}); {lost}"


def make_secret(path: Path, text: str) -> str:
    """Make a private file that holds ``text`` unless there is one already; return what it holds in the end.

    Raises StartError when that is not possible.
    """
    fresh = _write_beside(path, text)
    try:
        os.link(fresh, path)  # never replaces: of two that start at once, one wins and both read its file
    except FileExistsError:
        held = read_secret(path)
        return text if held is None else held
    except OSError:  # some file systems have no links
        _move(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    return text


def replace_secret(path: Path, text: str) -> None:
    """Replace a private file in one step, so that a crash leaves the old or the new one. Raises StartError."""
    _move(_write_beside(path, text), path)


def _move(fresh: Path, path: Path) -> None:
    try:
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StartError(f"{path}: cannot be written: {error.strerror}") from error


def _write_beside(path: Path, text: str) -> Path:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(descriptor, PRIVATE)  # whatever the umask, and whatever a file left by a crash had
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise StartError(f"{path}: cannot be written: {error.strerror}") from error
    return fresh
