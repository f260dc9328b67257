"""The dashboard: one read-only page that asks the API, whole in itself, allowed to load nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from aiohttp import web

from shieldproxy.control.problems import SAFE_HEADERS


class Dashboard:
    """The page, put together once from its three files in ``pages/``."""

    def __init__(self) -> None:
        pages = resources.files("shieldproxy.control") / "pages"
        html, style, script = ((pages / f"dashboard.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
        self._body = html.replace("/* style */", style).replace("/* script */", script)
        self._headers = SAFE_HEADERS | {
            "Content-Security-Policy": (
                f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; connect-src 'self'; "
                "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
        }

    async def page(self, _request: web.Request) -> web.Response:
        """Answer the page; it holds no data, so it needs no token."""
        return web.Response(text=self._body, content_type="text/html", headers=self._headers)


def _source(text: str) -> str:
    """Return the CSP source that allows exactly this inline element (CSP Level 3, hash source)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
