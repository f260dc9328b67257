"""Page kinds: who would see a challenge page, and who would choke on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import PageKind
from shieldproxy.core.page_kinds import kind_by_accept, page_kind
from tests.scenes import BROWSER
from tests.strategies import paths

PAGE, FEED, API = PageKind.PAGE, PageKind.FEED, PageKind.API
ASSET, WELL_KNOWN, UPGRADE = PageKind.ASSET, PageKind.WELL_KNOWN, PageKind.UPGRADE

NAVIGATION = b"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
IMAGE = b"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
FEED_READER = b"application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.8"


def sent(**headers: bytes) -> dict[bytes, bytes]:
    """Return headers by the names Python allows: ``sec_fetch_dest`` is sec-fetch-dest."""
    return {name.replace("_", "-").encode(): value for name, value in headers.items()}


TABLE = [
    # --- browsers that follow a link, with Fetch Metadata (https)
    ("GET", "/", BROWSER, PAGE),
    ("GET", "/a/long/path", BROWSER, PAGE),
    ("POST", "/form", BROWSER, PAGE),
    ("GET", "/index.php", BROWSER, PAGE),
    ("GET", "/frame", sent(sec_fetch_dest=b"iframe", accept=NAVIGATION), PAGE),
    ("GET", "/frame", sent(sec_fetch_dest=b"frame", accept=NAVIGATION), PAGE),
    # a person looks at a feed, a picture or an API by its address: they see a page whatever it is
    ("GET", "/feed", BROWSER, PAGE),
    ("GET", "/photo.jpg", BROWSER, PAGE),
    ("GET", "/api/v1/things", BROWSER, PAGE),
    ("GET", "/data.json", BROWSER, PAGE),
    # --- browsers without Fetch Metadata (plain http, old ones, text browsers)
    ("GET", "/", sent(accept=NAVIGATION), PAGE),
    ("GET", "/", sent(accept=b"text/html, application/xhtml+xml, image/jxr, */*"), PAGE),
    ("GET", "/", sent(accept=b"TEXT/HTML"), PAGE),
    ("GET", "/", sent(accept=b"text/*"), PAGE),
    ("HEAD", "/", sent(accept=NAVIGATION), PAGE),
    ("POST", "/form", sent(accept=NAVIGATION), PAGE),
    ("GET", "/", sent(accept=NAVIGATION, upgrade_insecure_requests=b"1"), PAGE),
    # --- tools that say nothing, or take anything: the page costs less than what they ask for
    ("GET", "/", {}, PAGE),
    ("GET", "/", sent(accept=b""), PAGE),
    ("GET", "/", sent(accept=b"*/*", user_agent=b"curl/8.9.1"), PAGE),
    ("GET", "/", sent(accept=b"*/*", user_agent=b"python-requests/2.32"), PAGE),
    ("GET", "/", sent(accept=b"garbage"), PAGE),
    # curl and Java offer h2c, which is no upgrade any more
    ("GET", "/", sent(accept=b"*/*", connection=b"Upgrade, HTTP2-Settings", upgrade=b"h2c"), PAGE),
    ("GET", "/", sent(accept=NAVIGATION, upgrade=b""), PAGE),
    # --- upgrades: a page would break the conversation
    ("GET", "/socket", sent(upgrade=b"websocket", connection=b"Upgrade"), UPGRADE),
    ("GET", "/socket", sent(upgrade=b"WebSocket", sec_fetch_dest=b"websocket"), UPGRADE),
    ("GET", "/robots.txt", sent(upgrade=b"websocket"), UPGRADE),
    # --- well-known files: crawlers, certificate authorities and password managers live on them
    ("GET", "/robots.txt", {}, WELL_KNOWN),
    ("GET", "/robots.txt", BROWSER, WELL_KNOWN),
    ("GET", "/favicon.ico", sent(accept=IMAGE, sec_fetch_dest=b"image"), WELL_KNOWN),
    ("GET", "/favicon.svg", {}, WELL_KNOWN),
    ("GET", "/apple-touch-icon-precomposed.png", {}, WELL_KNOWN),
    ("GET", "/sitemap.xml", {}, WELL_KNOWN),
    ("GET", "/sitemap_index.xml", {}, WELL_KNOWN),
    ("GET", "/sitemap-posts-2.xml.gz", {}, WELL_KNOWN),
    ("GET", "/ads.txt", {}, WELL_KNOWN),
    ("GET", "/security.txt", {}, WELL_KNOWN),
    ("GET", "/.well-known/acme-challenge/Wv4E0", {}, WELL_KNOWN),
    ("GET", "/.well-known/change-password", BROWSER, WELL_KNOWN),
    ("GET", "/.well-known/openid-configuration", sent(accept=b"application/json"), WELL_KNOWN),
    # only at the root, only whole
    ("GET", "/blog/robots.txt", BROWSER, PAGE),
    ("GET", "/robots.txt.html", BROWSER, PAGE),
    ("GET", "/.well-known", BROWSER, PAGE),
    # --- feeds
    ("GET", "/feed", sent(accept=FEED_READER), FEED),
    ("GET", "/feed/", {}, FEED),
    ("GET", "/blog/feed", sent(accept=b"*/*"), FEED),
    ("GET", "/rss", {}, FEED),
    ("GET", "/rss.xml", {}, FEED),
    ("GET", "/atom.xml", {}, FEED),
    ("GET", "/feed.json", {}, FEED),
    ("GET", "/news.rss", {}, FEED),
    ("GET", "/news.ATOM", {}, FEED),
    ("GET", "/index.rdf", {}, FEED),
    ("GET", "/events.ics", {}, FEED),
    ("GET", "/feed", sent(sec_fetch_dest=b"empty"), FEED),
    ("GET", "/news", sent(accept=FEED_READER), FEED),
    ("GET", "/news", sent(accept=b"application/atom+xml"), FEED),
    # words that only contain one
    ("GET", "/feedback", BROWSER, PAGE),
    ("GET", "/brass", {}, PAGE),
    # --- assets by name
    ("GET", "/style.css", {}, ASSET),
    ("GET", "/app.mjs", {}, ASSET),
    ("GET", "/app.js.map", {}, ASSET),
    ("GET", "/logo.SVG", {}, ASSET),
    ("GET", "/photo.jpeg", sent(accept=b"*/*"), ASSET),
    ("GET", "/font.woff2", {}, ASSET),
    ("GET", "/film.mp4", {}, ASSET),
    ("GET", "/site.webmanifest", {}, ASSET),
    ("GET", "/module.wasm", {}, ASSET),
    # --- assets by what the browser wants them for
    ("GET", "/image/7", sent(sec_fetch_dest=b"image", accept=IMAGE), ASSET),
    ("GET", "/styles", sent(sec_fetch_dest=b"style", accept=b"text/css,*/*;q=0.1"), ASSET),
    ("GET", "/bundle", sent(sec_fetch_dest=b"script", accept=b"*/*"), ASSET),
    ("GET", "/stream", sent(sec_fetch_dest=b"video"), ASSET),
    ("GET", "/worker", sent(sec_fetch_dest=b"serviceworker"), ASSET),
    ("GET", "/captions", sent(sec_fetch_dest=b"track"), ASSET),
    # --- assets by Accept, as browsers ask over plain http
    ("GET", "/image/7", sent(accept=IMAGE), ASSET),
    ("GET", "/image/7", sent(accept=b"image/webp,*/*"), ASSET),
    ("GET", "/styles", sent(accept=b"text/css,*/*;q=0.1"), ASSET),
    ("GET", "/stream", sent(accept=b"video/webm,video/ogg,video/*;q=0.9,*/*;q=0.5"), ASSET),
    # --- scripts that ask: fetch, XMLHttpRequest, EventSource, preflight
    ("GET", "/things", sent(sec_fetch_dest=b"empty", accept=b"*/*"), API),
    ("GET", "/", sent(sec_fetch_dest=b"empty", sec_fetch_mode=b"cors", accept=NAVIGATION), API),
    ("GET", "/", sent(x_requested_with=b"XMLHttpRequest", accept=b"*/*"), API),
    ("POST", "/", sent(x_requested_with=b"XMLHttpRequest"), API),
    ("GET", "/things", sent(accept=b"application/json, text/plain, */*"), API),
    ("GET", "/things", sent(accept=b"application/json"), API),
    ("GET", "/things", sent(accept=b"application/problem+json"), API),
    ("GET", "/events", sent(accept=b"text/event-stream"), API),
    ("GET", "/events", sent(accept=b"text/event-stream", sec_fetch_dest=b"empty"), API),
    ("OPTIONS", "/things", sent(accept=b"*/*", origin=b"https://example.com"), API),
    ("OPTIONS", "*", {}, API),
    # --- programming interfaces by path
    ("GET", "/api", {}, API),
    ("GET", "/api/", {}, API),
    ("GET", "/api/v1/things", sent(accept=b"*/*"), API),
    ("POST", "/API/things", {}, API),
    ("POST", "/graphql", sent(accept=b"*/*"), API),
    ("GET", "/rest/things", {}, API),
    ("GET", "/wp-json/wp/v2/posts", {}, API),
    ("GET", "/oai", {}, API),
    ("GET", "/data.json", {}, API),
    ("GET", "/export.xml", {}, API),
    # words that only begin like one
    ("GET", "/apiary", {}, PAGE),
    ("GET", "/restaurant", {}, PAGE),
    ("GET", "/v1beta", {}, PAGE),
    # --- programming interfaces by method: no link and no form does this
    ("PUT", "/document", {}, API),
    ("DELETE", "/document", {}, API),
    ("PROPFIND", "/dav/", sent(accept=b"*/*"), API),
    ("REPORT", "/calendars/me/", {}, API),
    # --- git, containers, packages
    ("GET", "/team/project.git/info/refs", sent(accept=b"*/*", user_agent=b"git/2.47.0"), API),
    ("POST", "/team/project.git/git-upload-pack", {}, API),
    ("POST", "/team/project.git/git-receive-pack", {}, API),
    ("GET", "/team/project", sent(user_agent=b"git/2.47.0", accept=b"*/*"), API),
    ("GET", "/v2/", sent(user_agent=b"docker/27.3.1 go/go1.22"), API),
    ("GET", "/v2/library/debian/manifests/12", {}, API),
    ("GET", "/token", sent(user_agent=b"containerd/1.7.22"), API),
    ("GET", "/token", sent(user_agent=b"skopeo/1.16"), API),
    # a browser that only mentions git is a browser
    ("GET", "/", sent(user_agent=b"Mozilla/5.0 git/1", accept=NAVIGATION), PAGE),
    # --- whoever takes no HTML can do nothing with a page of it
    ("GET", "/list", sent(accept=b"text/plain"), API),
    ("GET", "/file", sent(accept=b"application/octet-stream"), API),
    ("GET", "/file", sent(accept=b"application/pdf"), API),
]


@pytest.mark.parametrize(("method", "path", "headers", "kind"), TABLE)
def test_what_a_client_expects(method: str, path: str, headers: dict[bytes, bytes], kind: PageKind) -> None:
    """Pages are for people; feeds, programs, assets and well-known files never get a challenge page."""
    assert page_kind(method, path, headers) is kind


names = st.sampled_from(
    (b"accept", b"upgrade", b"sec-fetch-dest", b"x-requested-with", b"user-agent", b"sec-fetch-mode")
)
values = st.one_of(st.binary(max_size=30), st.sampled_from((b"document", b"empty", NAVIGATION, b"*/*", b"websocket")))


@given(st.sampled_from(("GET", "POST", "OPTIONS", "PUT", "")), paths, st.dictionaries(names, values))
def test_every_request_has_a_kind(method: str, path: str, headers: dict[bytes, bytes]) -> None:
    """Whatever is sent, it is one of the kinds and nothing raises."""
    assert page_kind(method, path, headers) in PageKind


@given(st.sampled_from(("GET", "POST")), paths)
def test_a_browser_that_opens_a_document_sees_a_page(method: str, path: str) -> None:
    """A click leads to a page, or to a well-known file: no path makes it an asset, a feed or an API."""
    assert page_kind(method, path, BROWSER) in {PAGE, WELL_KNOWN}


@given(st.binary())
def test_any_accept_asks_for_something(accept: bytes) -> None:
    """No Accept header is too odd to be read."""
    assert kind_by_accept(accept) in PageKind


@pytest.mark.parametrize("unit", ["/feed", ".css", "/sitemap", ".xml", "/.well-known/", "\n", "/info/refs"])
def test_a_long_path_is_read_in_one_pass(unit: str) -> None:
    """A path of a million characters is classed, not just begun: no pattern goes back over what it has read."""
    assert page_kind("GET", "/" + unit * (1_000_000 // len(unit)) + "\0", {}) in PageKind
