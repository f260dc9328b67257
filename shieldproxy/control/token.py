"""The token of the control room: made at the first start, kept in a file that others on the machine cannot read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shieldproxy.core.errors import StartError
from shieldproxy.state.files import make_secret, read_secret

BYTES = 32  # 256 bits: nobody guesses it, so failed tries need no counting
SHORTEST = 16  # characters of a token that an operator wrote into the file


def keep_token(path: Path, chance: Callable[[int], bytes]) -> str:
    """Return the token in ``path`` (``control.token_file``); make the file with a new one when there is none.

    ``chance`` gives so many unguessable bytes. Raises StartError, naming the file, when it cannot be made or read,
    holds no token, or may be read by everybody.
    """
    text = read_secret(path)
    if text is None:
        text = make_secret(path, f"{chance(BYTES).hex()}\n")
    return _token_in(path, text)


def read_token(path: Path) -> str:
    """Return the token in ``path``; raises StartError as keep_token does, and when there is no such file."""
    text = read_secret(path)
    if text is None:
        raise StartError(f"{path}: is not there; a node makes it when it starts")
    return _token_in(path, text)


def _token_in(path: Path, text: str) -> str:
    token = text.strip()
    if len(token) < SHORTEST or not token.isprintable() or " " in token:
        raise StartError(f"{path}: holds no token of {SHORTEST} characters or more; remove it to have it made anew")
    return token
