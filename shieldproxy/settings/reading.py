"""Reading: config.toml and the command line become Settings, or every problem at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shieldproxy.core.errors import ConfigurationError, Problem
from shieldproxy.settings.consistency import check
from shieldproxy.settings.documents import Document, Place, apply_overrides, read_document
from shieldproxy.settings.protection import standard_sections
from shieldproxy.settings.schema import Settings
from shieldproxy.settings.tables import Desk, Fault, find_homes, written


def load(
    path: Path | None,
    overrides: Sequence[str] = (),
    *,
    origin: str | None = None,
    listen: str | None = None,
) -> Settings:
    """Return the settings of ``path`` (None: the built-in ones), with ``overrides`` (KEY=TOML) on top.

    ``origin`` and ``listen`` are what --origin and --listen of the command line say. Relative paths in the result
    start at the folder of ``path``. Raises ConfigurationError with every problem there is.
    """
    document = read_document(path)
    document.fill(standard_sections())
    problems = [
        *put_flag(document, ("server", "listen"), "--listen", None if listen is None else [listen]),
        *put_flag(document, ("origin", "url"), "--origin", origin),
        *apply_overrides(document, overrides),
    ]
    desk = Desk(path.parent if path is not None else Path(), find_homes(Settings))
    settings = complete(desk.read(Settings, document.tables), document, path)
    settings = dataclasses.replace(settings, globs=desk.globs)
    check(desk, settings)
    problems += [problem_of(fault, document) for fault in desk.faults]
    if problems:
        raise ConfigurationError(in_order(problems, path))
    return settings


def put_flag(document: Document, trail: tuple[str, str], flag: str, value: object) -> list[Problem]:
    """Put what a flag of the command line says over the document; return what is wrong with that."""
    if value is None:
        return []
    refusal = document.put(trail, value, Place(flag, 1))
    return [Problem(flag, 1, written(trail), refusal)] if refusal else []


def complete(settings: Settings, document: Document, path: Path | None) -> Settings:
    """Return ``settings`` with what follows from other keys, and with the places of limits and rules."""
    control, state = settings.control, settings.state
    if not said(document.tables, "control", "token_file"):
        control = dataclasses.replace(control, token_file=state.directory / "control.token")
    # The table of buckets finds a slot by the low bits of a hash, so their number is a power of two.
    state = dataclasses.replace(state, buckets=1 << (state.buckets - 1).bit_length())
    return dataclasses.replace(
        settings, control=control, state=state, source_path=path, places=places_of(settings, document)
    )


def said(tables: Mapping[str, Any], section: str, key: str) -> bool:
    """Tell whether a key of a section was given and is not ''."""
    table = tables.get(section)
    return isinstance(table, dict) and table.get(key, "") != ""


def places_of(settings: Settings, document: Document) -> dict[str, str]:
    """Return where each limit and each rule stands, as ``limits.client`` -> ``config.toml:31``."""
    places = {f"limits.{name}": str(document.place(("limits", name))) for name in settings.limits}
    listed = document.tables["rules"]
    for index, table in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(table, dict):
            places[f"rules.{table.get('name')}"] = str(document.place(("rules", index)))
    return places


def problem_of(fault: Fault, document: Document) -> Problem:
    """Return a fault with its file and line; where nobody wrote its key, at a key it does not go together with."""
    said_at = (document.places.get(trail) for trail in (fault.trail, *fault.others))
    place = next((found for found in said_at if found is not None and found.line), document.place(fault.trail))
    return Problem(place.file, place.line, written(fault.trail), fault.message)


def in_order(problems: Sequence[Problem], path: Path | None) -> tuple[Problem, ...]:
    """Return each problem once, those of the file first, from its top to its end."""
    once = dict.fromkeys(problems)
    return tuple(sorted(once, key=lambda problem: (problem.file != str(path), problem.file, problem.line)))
