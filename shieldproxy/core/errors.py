"""Errors with two faces (what the visitor may read, what the operator needs) that know their side."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.core.verdict import Side


class Problem(NamedTuple):
    """One thing wrong with a configuration: where, which key, what is wrong and what is allowed."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        """Return ``file:line: key: message``, the form editors jump to."""
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class ConfigurationError(Exception):
    """A configuration with problems: all of them, not the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ExchangeError(Exception):
    """One exchange failed: ``public`` goes to the visitor, ``private`` to the operator, ``status`` on the wire."""

    def __init__(self, status: int, public: str, private: str, side: Side) -> None:
        super().__init__(private)
        self.status = status
        self.public = public
        self.private = private
        self.side = side


class StartError(Exception):
    """The node cannot start (a directory not writable, a port taken); the message names the place."""


class OffloadError(Exception):
    """The kernel did not take what it was told, or could not be asked; bans hold in memory meanwhile."""
