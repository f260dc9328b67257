"""Flattening: a configuration as plain keys and values, so that two of them can be compared line by line."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from shieldproxy.core.verdict import Mode
from shieldproxy.settings.compiling import canonical
from shieldproxy.settings.schema import Settings

# What is no setting, and what is listed by name below.
APART = {"source_path", "places", "globs", "limits", "rules"}
# Lists of networks may be long; a change shows how they begin.
MOST_TEXT = 200


def flat(settings: Settings) -> dict[str, str]:
    """Return every key of ``settings``, as ``limits.client.rate``, with its value as JSON."""
    found = dict(walked("", settings, settings))
    for limit in settings.limits.values():
        found |= {f"limits.{limit.name}.{key}": text for key, text in parts(limit, settings)}
    for rule in settings.rules:
        found |= {f"rules.{rule.name}.{key}": text for key, text in parts(rule, settings)}
    return found


def walked(place: str, value: Any, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield keys and values of a section and its sections."""
    for field in dataclasses.fields(value):
        if field.name in APART:
            continue
        name, inner = f"{place}.{field.name}".lstrip("."), getattr(value, field.name)
        if dataclasses.is_dataclass(inner):
            yield from walked(name, inner, settings)
        else:
            yield name, written(inner, settings)


def parts(value: Any, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the fields of a limit or a rule that say something, by the keys of config.toml."""
    for key, part in value._asdict().items():
        if key == "observed":
            yield "mode", json.dumps(Mode.OBSERVE if part else Mode.ENFORCE)
        elif key != "name" and part is not None:
            yield key, written(part, settings)


def written(value: Any, settings: Settings) -> str:
    """Return one value as JSON; of a condition only what it asks, and of a long one the beginning."""
    text = json.dumps(lean(canonical(value, settings.globs)), default=plain, ensure_ascii=False)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


def lean(value: Any) -> Any:
    """Return ``value`` without the parts of objects that say nothing."""
    if isinstance(value, dict):
        return {key: lean(part) for key, part in value.items() if part not in (None, [], {}, "")}
    return value


def plain(value: Any) -> Any:
    """Return what JSON does not know: a path or an address as its text, a table as a table."""
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the keys whose values differ, with both; '' where a key was not or is no longer there."""
    return [
        {"key": key, "old": old.get(key, ""), "new": new.get(key, "")}
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
