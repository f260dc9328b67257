"""Requests of the size a browser sends."""

from __future__ import annotations

from benchmarks.browser import request_bytes


def test_a_request_has_the_size_of_a_browsers() -> None:
    """About twelve fields and 700 bytes, and a head that ends."""
    request = request_bytes("/page.html", "127.0.0.1:8080")
    assert request.startswith(b"GET /page.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")
    assert request.endswith(b"\r\n\r\n")
    assert 600 <= len(request) <= 800
    assert request.count(b"\r\n") - 2 == 12


def test_a_form_is_posted_with_its_length() -> None:
    """A form makes a POST whose Content-Length is that of its body."""
    request = request_bytes("/answer", "127.0.0.1", form="a=1&b=2")
    assert request.startswith(b"POST /answer ")
    assert b"\r\nContent-Length: 7\r\n" in request
    assert request.endswith(b"\r\n\r\na=1&b=2")


def test_extra_fields_are_sent() -> None:
    """What a scenario adds is in the head."""
    assert b"\r\nX-Forwarded-For: 10.0.0.1\r\n" in request_bytes("/", "h", extra=(("X-Forwarded-For", "10.0.0.1"),))
