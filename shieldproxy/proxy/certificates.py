"""Certificates: which of them a visitor is shown."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import NamedTuple


class Certificates(NamedTuple):
    """``usual`` is shown to whoever asks for no name or for one nobody has; ``named`` by lower-case name.

    A name such as ``*.example.org`` stands for one label before the dot (RFC 9525, section 6.3).
    """

    usual: ssl.SSLContext
    named: Mapping[str, ssl.SSLContext] = {}

    def shown_to(self, name: str) -> ssl.SSLContext:
        """Return the one for ``name`` (lower-case, '' where none was asked for): its own before a wildcard's."""
        found = self.named.get(name)
        if found is None:
            _, dot, parent = name.partition(".")
            found = self.named.get("*." + parent) if dot else None
        return self.usual if found is None else found
