"""Looks: what an operator puts on our pages. It stays small, readable, and without anything that runs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from shieldproxy.settings.tables import Fault, setting
from shieldproxy.settings.values import Wrong, describe

# What logo, text, title, contact and template may take of a page in all: our own part has 11.3 kB at most (Greek), and
# the whole comes in one answer of less than 15 kB, which a telephone at the edge of its network still gets at once.
LOOK_BYTES = 3_500
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# The least contrast of text that people with weak eyes can read (WCAG 2.2, 1.4.3).
CONTRAST = 4.5
CONTENT = "{{content}}"
# Elements of a frame: structure and text. Everything that runs, loads, sends or restyles is ours, or nobody's.
ELEMENTS = frozenset(
    ("header", "footer", "nav", "aside", "section", "div", "p", "span", "a", "ul", "ol", "li", "strong", "em", "b", "i")
) | frozenset(("small", "br", "hr", "img", "h2", "h3", "address", "abbr", "dl", "dt", "dd"))
VOID = frozenset(("br", "hr", "img"))
ATTRIBUTES = frozenset(("class", "lang", "dir", "title", "alt", "role", "aria-label", "href", "src", "width", "height"))
LINK = re.compile(r"(?:https?://|/|mailto:|tel:)[!-~]*")
PICTURE = re.compile(r"data:image/(?:png|svg\+xml|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
# The colours as the page has them, light and dark: what an operator does not name stays so.
LIGHT = {"paper": "#f4f6f8", "card": "#ffffff", "ink": "#1b2733", "quiet": "#4a5866", "line": "#d5dce3"} | {
    "accent": "#1d4f91",
    "on_accent": "#ffffff",
    "track": "#dfe6ee",
}
DARK = {"paper": "#12181f", "card": "#1a222b", "ink": "#e8edf2", "quiet": "#b3bfca", "line": "#33404c"} | {
    "accent": "#8ab8f2",
    "on_accent": "#0d1722",
    "track": "#2c3845",
}
# (what is read, on what)
READ_ON = (("ink", "card"), ("quiet", "card"), ("accent", "card"), ("on_accent", "accent"))


def colour(value: object) -> str:
    """Return a colour written ``#rrggbb``, or '' for ours."""
    if not isinstance(value, str) or (value and COLOUR.fullmatch(value) is None):
        raise Wrong(f'{describe(value)} is no colour; allowed: "#rrggbb", or "" for the usual one')
    return value.lower()


@dataclass(frozen=True, kw_only=True)
class Colours:
    """The colours of the pages; '' leaves one as it is."""

    paper: str = setting("", colour)
    card: str = setting("", colour)
    ink: str = setting("", colour)
    quiet: str = setting("", colour)
    line: str = setting("", colour)
    accent: str = setting("", colour)
    on_accent: str = setting("", colour)
    track: str = setting("", colour)

    def named(self) -> dict[str, str]:
        """Return the colours an operator named."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


def luminance(value: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2, definitions)."""
    parts = [int(value[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def find_colours(key: str, colours: Colours, usual: dict[str, str]) -> Iterator[Fault]:
    """Yield a fault for each pair that cannot be read."""
    worn = usual | colours.named()
    for text, ground in READ_ON:
        found = contrast(worn[text], worn[ground])
        if found < CONTRAST and {text, ground} & colours.named().keys():
            pair = f"{worn[text]} on {worn[ground]} ({ground})"
            message = f"{pair} has a contrast of {found:.1f}; allowed: {CONTRAST} or more"
            yield Fault(("challenge", key, text if text in colours.named() else ground), message)


class Frame(HTMLParser):
    """Reads a template and notes what it must not hold."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        if self._open:
            self.faults.append(f"<{self._open[-1]}> is not closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that is not allowed, or an attribute."""
        if tag not in ELEMENTS:
            self.faults.append(f"<{tag}> is not allowed")
        for name, value in attrs:
            said = value or ""
            wrong = name not in ATTRIBUTES
            wrong = wrong or (name == "href" and LINK.fullmatch(said) is None)
            wrong = wrong or (name == "src" and PICTURE.fullmatch(said) is None)
            if wrong:
                self.faults.append(f'{name}="{said[:40]}" is not allowed in <{tag}>')
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note an end without a beginning."""
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        """Note where our part goes: not within a paragraph or a list."""
        if CONTENT in data and not set(self._open) <= {"div", "section"}:
            self.faults.append(f"{CONTENT} stands in <{self._open[-1]}>")


def frame_faults(source: str) -> list[str]:
    """Return what is wrong with a template."""
    if source.count(CONTENT) != 1:
        return [f"{CONTENT} is there {source.count(CONTENT)} times; allowed: once, where our part goes"]
    if "{{" in source.replace(CONTENT, ""):
        return ["{{ is there beside " + CONTENT]
    if "<!" in source or "<?" in source:
        return ["comments and declarations are not allowed"]
    return Frame(source).faults


def read_frame(path: Path) -> str:
    """Return the template at ``path``. Raises OSError or ValueError."""
    return path.read_text(encoding="utf-8").strip()


def find_frame(path: Path) -> Iterator[Fault]:
    """Yield what is wrong with the template at ``path``, which is there."""
    here = ("challenge", "template")
    try:
        source = read_frame(path)
    except (OSError, ValueError) as error:
        yield Fault(here, f'"{path}" cannot be read: {error}; allowed: a file of HTML in UTF-8')
        return
    for fault in frame_faults(source):
        yield Fault(here, f'"{path}": {fault}; allowed: {", ".join(sorted(ELEMENTS))} with {CONTENT} once')


def look_bytes(logo: Path | None, template: Path | None, *texts: str) -> int:
    """Return how many bytes of a page an operator's additions take at most."""
    picture = 4 * -(-logo.stat().st_size // 3) if logo is not None and logo.is_file() else 0
    frame = template.stat().st_size if template is not None and template.is_file() else 0
    return picture + frame + sum(len(text.encode()) for text in texts)
