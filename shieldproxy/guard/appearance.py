"""Appearance: what an operator puts on our pages: a name, a logo, a sentence, and whom to write to."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from html import escape
from typing import NamedTuple

# Pictures that a browser shows in <img> without running anything of them.
PICTURES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
MAIL = re.compile(r"[^\s@<>\"'&?]+@[^\s@<>\"'&?]+\.[^\s@<>\"'&?]+")
WEB = re.compile(r"https?://[^\s<>\"']+")


class Appearance(NamedTuple):
    """How the pages look. ``contact`` is a mail or web address, ``logo`` a ``data:`` URI; '' leaves a part out.

    ``style`` is CSS that is put behind ours, ``frame`` HTML with ``{{content}}`` where our part of the page goes; both
    were checked when the configuration was read (settings.looks).
    """

    contact: str = ""
    title: str = ""
    text: str = ""
    logo: str = ""
    style: str = ""
    frame: str = ""

    def contact_html(self) -> str:
        """Return the contact as a link where it is an address, else as text."""
        shown = escape(self.contact)
        if MAIL.fullmatch(self.contact):
            return f'<a href="mailto:{shown}">{shown}</a>'
        if WEB.fullmatch(self.contact):
            return f'<a href="{shown}" rel="noreferrer">{shown}</a>'
        return shown

    def site_html(self) -> str:
        """Return logo and name of the site, or '' where the operator gave neither."""
        name = escape(self.title)
        if self.logo:
            picture = f'<img src="{escape(self.logo)}" alt="{name}" height="48">'
            return f'<p class="site">{picture}</p>'
        return f'<p class="site">{name}</p>' if name else ""

    def framed(self, page: str) -> str:
        """Return a page of ours with the operator's frame around its main part."""
        if not self.frame:
            return page
        before, _, after = self.frame.partition("{{content}}")
        return page.replace("<main>", f"{before}<main>", 1).replace("</main>", f"</main>{after}", 1)

    def text_html(self) -> str:
        """Return the operator's own sentence as a paragraph, or ''."""
        return f"<p>{escape(self.text)}</p>" if self.text else ""


def colour_style(light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """Return the style of an operator's colours: names as settings have them, values ``#rrggbb``."""
    parts = [f":root{{{declared(light)}}}"] if light else []
    parts += [f"@media (prefers-color-scheme:dark){{:root{{{declared(dark)}}}}}"] if dark else []
    return "\n".join(parts)


def declared(colours: Mapping[str, str]) -> str:
    """Return colours as custom properties."""
    return ";".join(f"--{name.replace('_', '-')}:{value}" for name, value in colours.items())


def picture_uri(name: str, content: bytes) -> str:
    """Return a picture as a ``data:`` URI; ``name`` tells its type. Raises ValueError for another kind of file."""
    suffix = name[name.rfind(".") :].lower()
    if suffix not in PICTURES:
        raise ValueError(f"{name}: is no picture; allowed: {' '.join(PICTURES)}")
    return f"data:{PICTURES[suffix]};base64,{base64.b64encode(content).decode()}"
