"""Refusals as problem documents (RFC 9457): what was wrong with a request and what is allowed instead."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

MEDIA_TYPE = "application/problem+json"

# Answers of an operator's API belong to nobody's cache, frame or guess at their type.
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RefusalError(Exception):
    """A request that is not done: the status, a sentence for the operator, and further members of the document."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.members = members

    def answer(self) -> web.Response:
        """Return the refusal as a response."""
        document = {"type": "about:blank", "title": title(self.status), "status": self.status, "detail": self.detail}
        return web.Response(
            status=self.status,
            body=orjson.dumps(document | self.members) + b"\n",
            content_type=MEDIA_TYPE,
            headers={**SAFE_HEADERS, **self.headers},
        )


def title(status: int) -> str:
    """Return the standard's phrase for a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def json_answer(value: object, status: int = 200) -> web.Response:
    """Return ``value`` as JSON with the headers every answer carries."""
    body = orjson.dumps(plain(value)) + b"\n"
    return web.Response(status=status, body=body, content_type="application/json", headers=SAFE_HEADERS)


def plain(value: Any) -> Any:
    """Return ``value`` with named tuples as objects and tuples as lists, all the way down."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(entry) for name, entry in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value
