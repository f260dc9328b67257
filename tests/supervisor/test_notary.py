"""The notary: checkpoints in the operational log, one key for good, copies of policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shieldproxy.control.node import GeoDatabase
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.holds import set_hold
from shieldproxy.journal.signing import checked_checkpoint, public_of
from shieldproxy.settings.schema import Journal as JournalSettings
from shieldproxy.settings.schema import Settings
from shieldproxy.supervisor.notary import ANCHOR, POLICIES, PUBLIC_KEY, Notary, described, node_part, sealer_for
from tests.fakes.records import TEN_FIFTEEN, record_at, write_journal

FAR = rfc3339(TEN_FIFTEEN + 400 * 86_400)


class ListLog:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append((event, fields))

    warning = error = info


def notary_of(tmp_path: Path, log: ListLog) -> Notary:
    """Return a notary of the node edge1 under ``tmp_path``."""
    journal, state = tmp_path / "journal", tmp_path / "state"
    return Notary(sealer_for(journal, state, "edge1", list), journal, state, log)


async def test_each_checkpoint_is_said(tmp_path: Path) -> None:
    """The line has all that is needed to check the journal against it later; nothing new says nothing."""
    write_journal(tmp_path / "journal", [record_at()])
    log = ListLog()
    notary = notary_of(tmp_path, log)
    await notary.turn()
    await notary.turn()
    ((event, fields),) = log.said
    note = (tmp_path / "journal/log/edge1/checkpoint").read_bytes()
    assert event == "checkpoint"
    assert f"{fields['origin']}\n{fields['size']}\n{fields['root']}\n".encode() in note
    assert fields["signature"].encode() in note
    public = public_of((tmp_path / "state" / PUBLIC_KEY).read_bytes())
    assert checked_checkpoint((tmp_path / "state" / ANCHOR).read_bytes(), public).size == 1
    await notary.stop()


async def test_the_last_segments_are_sealed_at_the_end(tmp_path: Path) -> None:
    """Workers close theirs when they stop, and the notary comes after them."""
    log = ListLog()
    notary = notary_of(tmp_path, log)
    await notary.turn()
    write_journal(tmp_path / "journal", [record_at()])
    await notary.stop()
    assert [(event, fields["size"]) for event, fields in log.said] == [("checkpoint", 0), ("checkpoint", 1)]


async def test_a_log_that_cannot_be_gone_on_with_is_said_once(tmp_path: Path) -> None:
    """The site is served all the same, and old records go in their time, but for those on hold."""
    journal = tmp_path / "journal"
    write_journal(journal, [record_at()])
    log = ListLog()
    other = notary_of(tmp_path, log)
    await other.turn()
    log.said.clear()
    notary = notary_of(tmp_path, log)
    await notary.turn()
    await notary.turn()
    ((event, fields),) = log.said
    assert (event, notary.refused) == ("the journal is not sealed", fields["why"])
    hold = set_hold(journal, rfc3339(TEN_FIFTEEN), rfc3339(TEN_FIFTEEN + 1), "police", FAR)
    assert (await notary.forget(FAR)).held == 1
    (journal / "holds.jsonl").unlink()
    assert (await notary.forget(FAR)).segments == 1
    (journal / "holds.jsonl").write_text(hold.id)
    assert (await notary.forget(FAR)).problems
    await other.stop()


async def test_retention_goes_through_the_log(tmp_path: Path) -> None:
    """What is deleted is entered, and signed with the next line."""
    write_journal(tmp_path / "journal", [record_at()])
    notary = notary_of(tmp_path, ListLog())
    await notary.turn()
    assert (await notary.forget(FAR)).segments == 1
    (day,) = (tmp_path / "journal/log/edge1").glob("2*.jsonl")
    assert b'"kind":"erased"' in day.read_bytes()
    await notary.stop()


def test_policies_are_kept_by_their_digest(tmp_path: Path) -> None:
    """The configuration of an attack of last year can still be read; built-in defaults have no file."""
    source = tmp_path / "config.toml"
    source.write_text("[server]\n")
    notary = notary_of(tmp_path, ListLog())
    notary.keep_policy("none", None)
    notary.keep_policy("abc", source)
    source.write_text("[origin]\n")
    notary.keep_policy("abc", source)
    assert [path.name for path in (tmp_path / "state" / POLICIES).iterdir()] == ["abc.toml"]
    assert (tmp_path / "state" / POLICIES / "abc.toml").read_text() == "[server]\n"


def test_names_are_spelled_as_in_segments() -> None:
    """Node and databases stand in manifests as records and people know them."""
    assert node_part("Web 1.example") == "Web_1_example"
    assert described((GeoDatabase("asn", "GeoLite2-ASN", built=TEN_FIFTEEN, sha256="ab"),)) == [
        {"built": "2026-11-24", "kind": "asn", "sha256": "ab", "type": "GeoLite2-ASN"}
    ]


async def test_old_segments_are_compressed_and_nothing_else(tmp_path: Path) -> None:
    """After the time in the configuration; 0 is never."""
    write_journal(tmp_path / "journal", [record_at()])
    notary = notary_of(tmp_path, ListLog())
    await notary.turn("", Settings(journal=JournalSettings(compress_after=0.0)))
    assert not list((tmp_path / "journal").glob("2*/*.zst"))
    for _ in range(2):
        await notary.turn("", Settings(journal=JournalSettings(compress_after=600.0)))
    assert [path.suffix for path in (tmp_path / "journal").glob("2*/*")] == [".zst"]
    await notary.stop()


async def test_addresses_of_the_admitted_go_after_their_time_and_then_the_key(tmp_path: Path) -> None:
    """The index forgets its copy too; when nothing of a month is left, its key is destroyed."""
    journal, long_ago = tmp_path / "journal", -800_000_000.0
    person = {"action": "admit", "src_ip": "192.0.2.77", "client": "192.0.2.77"}
    write_journal(journal, [record_at(long_ago), record_at(long_ago + 1, **person)])
    (day,) = (path.name for path in journal.iterdir())
    (journal / "index" / day).mkdir(parents=True)
    (journal / "index" / f"{day}.json").touch()
    (journal / "index" / day / "day-1.parquet").touch()
    log = ListLog()
    notary = notary_of(tmp_path, log)
    await notary.turn("", Settings(journal=JournalSettings(pseudonymise_after=0.0, compress_after=0.0)))
    assert (journal / "index" / f"{day}.json").exists()
    for _ in range(2):
        await notary.turn("", Settings(journal=JournalSettings(compress_after=0.0)))
    await notary.stop()
    (path,) = (journal / day).iterdir()
    assert b"192.0.2.77" not in path.read_bytes()
    assert b"203.0.113.7" in path.read_bytes()
    assert not list((journal / "index").rglob("*.*"))
    said = [(event, fields.get("records", fields.get("month"))) for event, fields in log.said if event != "checkpoint"]
    assert said == [("addresses replaced by pseudonyms", 1), ("key of pseudonyms destroyed", day[:7])]
    assert list((tmp_path / "state/pseudonyms").iterdir()) == []


async def test_a_damaged_key_keeps_the_addresses_and_is_said(tmp_path: Path) -> None:
    """Nothing is lost, and nothing else stops."""
    journal, long_ago = tmp_path / "journal", -800_000_000.0
    write_journal(journal, [record_at(long_ago, action="admit")])
    (day,) = (path.name for path in journal.iterdir())
    (tmp_path / "state/pseudonyms").mkdir(parents=True)
    key = tmp_path / "state/pseudonyms" / f"{day[:7]}.key"
    key.write_text("broken")
    key.chmod(0o600)
    log = ListLog()
    notary = notary_of(tmp_path, log)
    await notary.turn("", Settings(journal=JournalSettings(compress_after=0.0)))
    await notary.stop()
    (problem,) = [fields["problem"] for event, fields in log.said if event == "addresses stay"]
    assert "is damaged" in problem
    assert key.exists()
