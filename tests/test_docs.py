"""What people read: everything that can be typed, set, counted or met is explained, and what is explained exists."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from shieldproxy.cli.commands import COMMANDS, shieldproxy
from shieldproxy.control.metrics import Metrics
from shieldproxy.core.clearance import Refusal
from shieldproxy.core.facts import NETWORK_CLASSES, Posture
from shieldproxy.core.puzzles import Outcome
from shieldproxy.core.record import Record
from shieldproxy.core.stages import STAGE_NAMES
from shieldproxy.core.verdict import Action, Mode, Side
from shieldproxy.settings.schema import Settings
from tests.fakes.node import FakeNode

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "benchmarks" / "README.md", *DOCS]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
CONFIG = (ROOT / "config.toml").read_text(encoding="utf-8")
GLOSSARY = TEXTS["docs/glossary.md"]
OPERATING = TEXTS["docs/operating.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"```.*?```", re.DOTALL)
# Tables of their own kind in config.toml, whose keys an operator invents.
INVENTED = {"limits", "rules"}
COMMAND = re.compile(r"\bshieldproxy ((?:[a-z]+)(?: [a-z]+)?)")
# Words that follow the product's name in sentences about it; what a command line may hold is asked below.
QUOTED = re.compile(r"`([^`\n]+)`|^    (.+)$", re.MULTILINE)


def commands() -> list[str]:
    """Return the commands that this version has."""
    return [name for name in COMMANDS if name in shieldproxy.list_commands(None)]  # type: ignore[arg-type]  # of the table alone


def keys(kind: Any, place: str = "") -> list[str]:
    """Return every key of the configuration below ``place``, as sections and keys with dots."""
    found: list[str] = []
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if field.name in {"source_path", "places", "globs"} or field.name in INVENTED:
            continue
        name = f"{place}.{field.name}" if place else field.name
        inner = next((part for part in flattened(hints[field.name]) if dataclasses.is_dataclass(part)), None)
        found += [name] if inner is None else [name, *keys(inner, name)]
    return found


def flattened(hint: Any) -> list[Any]:
    """Return a type and what it is a union of."""
    return [hint, *getattr(hint, "__args__", ())]


def slug(heading: str) -> str:
    """Return the anchor of a heading, as repositories make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", commands())
def test_every_command_is_explained(name: str) -> None:
    """What can be typed stands in docs/operating.md."""
    assert re.search(rf"`(shieldproxy )?{name}\b", OPERATING), f"{name} is not explained"


def test_no_command_is_explained_that_does_not_exist() -> None:
    """A command line in a document can be typed."""
    known = set(commands())
    for page, text in TEXTS.items():
        for one, other in QUOTED.findall(text):
            for typed in re.findall(r"(?:^|[ /])shieldproxy ([a-z]+)\b", one or other):
                assert typed in known | {"ready"}, f"{page} speaks of: shieldproxy {typed}"


@pytest.mark.parametrize("key", keys(Settings))
def test_every_key_is_explained(key: str) -> None:
    """What can be set stands in config.toml, in its section, under a comment."""
    section, _, name = key.rpartition(".")
    if f"[{key}]" in CONFIG:
        return
    body = CONFIG.partition(f"[{section}]\n")[2].partition("\n[")[0]
    found = re.search(rf"^#?{name} = ", body, re.MULTILINE) or re.search(rf"\b{name} = ", CONFIG)
    assert found, f"{key} stands nowhere in config.toml"


@pytest.mark.parametrize("action", [action.word for action in Action])
def test_every_action_has_a_meaning(action: str) -> None:
    """Actions stand in the glossary, and among the fields of a record."""
    assert f"| **{action}** |" in GLOSSARY
    assert f"`{action}`" in TEXTS["docs/records.md"]


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_every_stage_has_its_question(stage: str) -> None:
    """Stages stand in the glossary in the order in which they are asked."""
    assert f"| `{stage}` |" in GLOSSARY
    listed = re.findall(r"^\| `([a-z_]+)` \|", GLOSSARY, re.MULTILINE)
    assert listed == list(STAGE_NAMES)


@pytest.mark.parametrize("word", [*Posture, *Mode, *NETWORK_CLASSES])
def test_every_word_of_state_has_a_meaning(word: str) -> None:
    """Postures, modes and classes of networks are explained."""
    assert word in GLOSSARY


@pytest.mark.parametrize("field", Record._fields)
def test_every_field_of_a_record_has_a_meaning(field: str) -> None:
    """A line of the journal can be read by people who did not write it."""
    assert f"`{field}`" in TEXTS["docs/records.md"]


@pytest.mark.parametrize("word", sorted({*Outcome, *Refusal, *(side for side in Side if side)}))
def test_every_word_in_a_record_has_a_meaning(word: str) -> None:
    """What can become of a challenge, and whom a failure can belong to."""
    assert f"`{word}`" in TEXTS["docs/records.md"]


def test_every_metric_is_explained() -> None:
    """What a scrape returns stands in docs/operating.md, with what is worth an alarm."""
    text, _ = Metrics(FakeNode(), "0").text("")
    served = {line.split()[2] for line in text.decode().splitlines() if line.startswith("# TYPE")}
    explained = set(re.findall(r"`(shieldproxy_[a-z_]+)(?:\{[a-z,]*\})?`", OPERATING))
    assert served <= explained, f"not explained: {', '.join(sorted(served - explained))}"


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page: str) -> None:
    """A link to a file or a heading of ours finds it."""
    for target in LINK.findall(FENCE.sub("", TEXTS[page])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (ROOT / page).parent / path if path else ROOT / page
        assert place.exists(), f"{page}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page}: {target}"


def test_tests_that_are_named_exist() -> None:
    """A promise in a document is held by a test of that name."""
    written = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"def (test_\w+)", written))
    for page, text in TEXTS.items():
        named = set(re.findall(r"`(test_\w+)`", text))
        assert named <= tests, f"{page}: {', '.join(sorted(named - tests))}"


def test_every_page_can_be_found() -> None:
    """A page of docs/ is linked from the README, or lies in a folder that is."""
    linked = {target.partition("#")[0] for target in LINK.findall(TEXTS["README.md"])}
    lost = [page for page in TEXTS if page.startswith("docs/") and not any(page.startswith(link) for link in linked)]
    assert not lost


def test_documents_speak_of_the_product_alone() -> None:
    """No path of somebody's machine, and no figure that is still to come, stands in a document."""
    for page, text in TEXTS.items():
        for word in ("/work/", "/tmp/", "/root/", "/home/", "TODO", "TBD"):
            assert word not in text, f"{page}: {word}"
