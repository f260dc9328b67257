"""Neighbourhoods: the /24 or /48 around a client key, in Python and in the SQL of DuckDB, the same in both."""

from __future__ import annotations

import re

# A client key of IPv6 is a /64: at most four groups, and everything after them is zero.
DUCKDB_NETWORK = r"""CASE
    WHEN position(':' in client) = 0 THEN left(client, length(client) - position('.' IN reverse(client)) + 1) || '0/24'
    ELSE regexp_replace(
        array_to_string((string_split(split_part(client, '::', 1), ':'))[1:3], ':'), '^0(:0)*$|(:0)+$', ''
    ) || '::/48'
END"""

_ZEROS = re.compile(r"^0(:0)*\Z|(:0)+\Z")


def neighbourhood(client: str) -> str:
    """Return the network around a client key, as core.addresses.network_key writes it.

    Made of the text alone, as it is asked for millions of keys.
    """
    if ":" not in client:
        return client.rpartition(".")[0] + ".0/24"
    groups = client.partition("::")[0].split(":")[:3]
    return _ZEROS.sub("", ":".join(groups)) + "::/48"
