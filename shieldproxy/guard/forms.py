"""Forms: the few fields of our own forms and addresses (application/x-www-form-urlencoded, WHATWG URL, 5)."""

from __future__ import annotations

from urllib.parse import parse_qsl

# Ours have two; a body of a thousand is somebody's try.
MAX_FIELDS = 8


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form, the first of each name; none at all when it is no form of ours. Never raises."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}
    return dict(reversed(pairs))
