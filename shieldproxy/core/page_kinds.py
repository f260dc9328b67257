"""What a client expects to get: the readable table that keeps challenge pages away from what is no page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shieldproxy.core.facts import PageKind

if TYPE_CHECKING:
    from collections.abc import Mapping

# Always served within limits, whoever asks: crawlers, certificate authorities and password managers live on them.
WELL_KNOWN = re.compile(
    r"^/(?:robots\.txt|favicon\.[a-z]+|apple-touch-icon[^/]*|ads\.txt|humans\.txt|"
    r"security\.txt|sitemap[^/]*\.xml(?:\.gz)?|\.well-known/.*)$"
)
FEED = re.compile(r"(?:\.(?:rss|atom|rdf|ics)|/(?:feed|rss|atom)(?:/|\.xml|\.json)?)$", re.IGNORECASE)
ASSET = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|"
    r"ogg|wasm|webmanifest)$",
    re.IGNORECASE,
)
API = re.compile(
    r"^/(?:api|v[12]|graphql|rest|oai|wp-json)(?:/|$)|\.(?:json|xml)$|"
    r"/info/refs$|/git-(?:upload|receive)-pack$",
    re.IGNORECASE,
)
# git, container and package clients say so themselves.
TOOL_AGENTS = re.compile(rb"^(?:git/|docker/|containerd/|skopeo/|go-containerregistry/)", re.IGNORECASE)

# A person who follows a link or sends a form uses no other; PUT, PROPFIND and their like come from programs.
PERSONAL = frozenset(("GET", "HEAD", "POST"))

# Sec-Fetch-Dest values (W3C Fetch Metadata) that put a document before a person.
DOCUMENTS = frozenset((b"document", b"iframe", b"frame", b"embed", b"object"))


def page_kind(method: str, path: str, headers: Mapping[bytes, bytes]) -> PageKind:
    """Return what the client expects, by path, then by Fetch Metadata, then by Accept and the user agent.

    A browser that says ``Sec-Fetch-Dest: document`` gets a page whatever the path looks like, except for the
    well-known files. Without such a word, a request is a page unless something says otherwise: a robot that
    sends ``Accept: */*`` for ``/`` is told to wait on the challenge page, which costs less than the page.
    """
    # An offer of h2c (curl, Java) is none: RFC 9113 took it back, and the request is a page like any other.
    if b"upgrade" in headers and headers[b"upgrade"].strip().lower() not in {b"h2c", b""}:
        return PageKind.UPGRADE
    if WELL_KNOWN.match(path):
        return PageKind.WELL_KNOWN
    destination = headers.get(b"sec-fetch-dest", b"")
    if destination in DOCUMENTS:
        return PageKind.PAGE
    if FEED.search(path):
        return PageKind.FEED
    if ASSET.search(path):
        return PageKind.ASSET
    if destination == b"empty" or method not in PERSONAL or b"x-requested-with" in headers:
        return PageKind.API
    if destination:
        return PageKind.ASSET
    if API.search(path) or TOOL_AGENTS.match(headers.get(b"user-agent", b"")):
        return PageKind.API
    return kind_by_accept(headers.get(b"accept", b""))


def kind_by_accept(accept: bytes) -> PageKind:
    """Return the kind an Accept header asks for; no header, or one that would take anything, asks for a page.

    What is named counts before ``*/*``: over plain HTTP browsers send no Fetch Metadata, ask for images with
    ``image/avif,image/webp,*/*`` and let scripts ask with ``application/json, */*``.
    """
    accept = accept.strip().lower()
    if not accept or b"text/html" in accept or b"application/xhtml" in accept:
        return PageKind.PAGE
    if b"rss" in accept or b"atom" in accept:
        return PageKind.FEED
    if accept.startswith((b"image/", b"text/css", b"font/", b"video/", b"audio/")):
        return PageKind.ASSET
    if b"json" in accept or b"xml" in accept or b"text/event-stream" in accept:
        return PageKind.API
    # Whoever takes no HTML at all (text/plain, application/octet-stream) can do nothing with a page of it.
    takes_html = b"*/*" in accept or b"text/*" in accept or b"/" not in accept
    return PageKind.PAGE if takes_html else PageKind.API
