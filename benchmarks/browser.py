"""What a browser sends: about 12 fields and 700 bytes, so that parsing costs what it costs in life."""

from __future__ import annotations

FIELDS: tuple[tuple[str, str], ...] = (
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("Accept-Language", "de-CH,de;q=0.8,fr-CH;q=0.6,en-US;q=0.4,en;q=0.2"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Referer", "https://service.example/de/forms/residence-permit/step-2"),
    (
        "Cookie",
        "session=8f14e45fceea167a5a36dedd4bea2543; language=de; consent=yes; visit=1700489213.42; wide=1",
    ),
    ("Upgrade-Insecure-Requests", "1"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-User", "?1"),
)


def request_bytes(
    path: str,
    authority: str,
    *,
    extra: tuple[tuple[str, str], ...] = (),
    form: str | None = None,
) -> bytes:
    """One request as bytes, ready to send again and again: a GET, or a POST of `form` where there is one.

    Request line, Host, the fields above, then `extra`. UnicodeEncodeError for anything beyond ASCII.
    """
    body = b"" if form is None else form.encode("ascii")
    posted: tuple[tuple[str, str], ...] = ()
    if form is not None:
        posted = (("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(body))))
    fields = (("Host", authority), *FIELDS, *extra, *posted)
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    method = "GET" if form is None else "POST"
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("ascii") + body
