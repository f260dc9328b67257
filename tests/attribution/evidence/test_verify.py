"""A bundle survives its own attacks: each is found, by us, by the program in it, and by openssl alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from shieldproxy.attribution.evidence.verify import check, fingerprint
from shieldproxy.journal.signing import pem_of
from tests.fakes.evidence import bundle, sealed_journal
from tests.fakes.sealers import signer_of

LOG = "logs/edge1"
RECORDS, PROOFS = f"{LOG}/records.jsonl", f"{LOG}/record-proofs.jsonl"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A bundle of the flood."""
    return bundle(tmp_path / "bundle", sealed_journal(tmp_path / "journal")).directory


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the bundle as a recipient would."""
    command = [sys.executable, "-I", str(directory / "verify.py"), str(directory), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def edit(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of a file."""
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def sums_anew(directory: Path, signer_seed: bytes | None = None) -> None:
    """Make SHA256SUMS fit again, as somebody does who covers his traces; sign it when he has a key."""
    names = sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())
    names = [name for name in names if not name.startswith("SHA256SUMS")]
    text = "".join(f"{sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (directory / "SHA256SUMS").write_text(text)
    if signer_seed is not None:
        (directory / "SHA256SUMS.sig").write_bytes(signer_of("edge1", signer_seed).sign(text.encode()))


def test_a_bundle_is_intact(made: Path) -> None:
    """For us, for the program in it, for sha256sum and for openssl."""
    assert check(made).code == 0
    ran = run(made)
    assert (ran.returncode, ran.stdout.splitlines()[-1], ran.stderr) == (0, "intact", "")
    for place, command in (
        (made, "sha256sum -c SHA256SUMS"),
        (made, "openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig"),
        (
            made / LOG,
            "openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in checkpoint.text -sigfile checkpoint.sig",
        ),
    ):
        assert subprocess.run(command.split(), cwd=place, capture_output=True, check=False).returncode == 0


ATTACKS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "flip": lambda lines: [lines[0], lines[1].replace(b"203.0.113.1", b"203.0.113.9", 1), *lines[2:]],
    "insert": lambda lines: [lines[0], lines[0].replace(b'"seq":1', b'"seq":9'), *lines[1:]],
    "delete": lambda lines: [lines[0], *lines[2:]],
    "swap": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "truncate": lambda lines: lines[:-1],
    "half a line": lambda lines: [*lines[:-1], lines[-1][:40]],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_changed_records_are_found(made: Path, attack: str) -> None:
    """Even by one who makes the list of files fit again and has the key; the first bad line is named."""
    edit(made / RECORDS, ATTACKS[attack])
    sums_anew(made, bytes(32))
    found = check(made)
    assert found.code == 1
    assert found.missing == []
    line = "" if attack in {"truncate", "half a line"} else ":2:"
    assert f"records.jsonl{line}" in found.tampered[0]
    ran = run(made)
    assert ran.returncode == 1
    assert found.tampered[0] in ran.stdout


def test_a_record_taken_out_with_its_proof_is_found(made: Path) -> None:
    """The signed list of files does not fit any more."""
    for name in (RECORDS, PROOFS):
        edit(made / name, ATTACKS["delete"])
    assert check(made).code == 1
    sums_anew(made)
    assert any("SHA256SUMS: is not signed" in text for text in check(made).tampered)


def test_a_record_that_stands_twice_is_found(made: Path) -> None:
    """So that nobody counts a source higher than it was."""
    for name in (RECORDS, PROOFS):
        edit(made / name, lambda lines: [lines[0], *lines])
    sums_anew(made, bytes(32))
    assert [text.split(": ")[-1] for text in check(made).tampered] == ["stands here twice"]


def test_a_manifest_of_ones_own_is_found(made: Path) -> None:
    """A forged record with a manifest that fits it is not in the tree of the checkpoint."""
    edit(made / f"{LOG}/manifests.jsonl", lambda lines: [lines[0].replace(b'"records":4', b'"records":5'), *lines[1:]])
    sums_anew(made, bytes(32))
    assert "manifests.jsonl:1: is not what the checkpoint stands for" in check(made).tampered[0]


def test_a_checkpoint_that_was_set_back_or_changed_is_found(made: Path) -> None:
    """An older one does not stand for these manifests, a changed one is not signed."""
    note = (made / LOG / "checkpoint").read_text()
    (made / LOG / "checkpoint").write_text(signer_of("edge1").note(1, bytes(32)))
    assert check(made).code == 1
    (made / LOG / "checkpoint").write_text(note.replace("\n3\n", "\n4\n"))
    assert any("is not signed by" in text for text in check(made).tampered)


def test_another_key_is_found_by_whoever_knows_the_right_one(made: Path) -> None:
    """A bundle sealed anew with another key fits together; the fingerprint tells."""
    right = fingerprint(made / "signer.pem")
    other = signer_of("edge1", b"2" * 32)
    text = (made / LOG / "checkpoint.text").read_text().split("\n")
    import base64  # noqa: PLC0415 - only this forger needs it

    (made / LOG / "checkpoint").write_text(other.note(int(text[1]), base64.b64decode(text[2])))
    for name in ("signer.pem", f"{LOG}/public.pem"):
        (made / name).write_text(pem_of(other.public))
    sums_anew(made, b"2" * 32)
    assert check(made).code == 0
    assert check(made, [right]).code == 1
    assert run(made, "--key", right).returncode == 1
    assert run(made, "--key", fingerprint(made / "signer.pem")).returncode == 0


def test_a_list_signed_by_a_stranger_is_found(made: Path) -> None:
    """Who changes the table of addresses and signs the list with his own key is not the node."""
    (made / "sources.csv").write_text("ip_address\n192.0.2.1\n")
    (made / "signer.pem").write_text(pem_of(signer_of("edge1", b"2" * 32).public))
    sums_anew(made, b"2" * 32)
    assert "is the key of none of the logs" in check(made).tampered[0]


def test_files_that_were_changed_or_added_are_named(made: Path) -> None:
    """Also those that hold no records."""
    (made / "sources.csv").write_text("ip_address\n")
    (made / "note.txt").touch()
    assert [Path(text.split(": ")[0]).name for text in check(made).tampered] == ["note.txt", "sources.csv"]


@pytest.mark.parametrize(
    "name", ["README.txt", "SHA256SUMS.sig", "signer.pem", RECORDS, f"{LOG}/public.pem", "stix.json"]
)
def test_what_is_missing_makes_it_incomplete(made: Path, name: str) -> None:
    """That is another thing than tampered, and says what to ask for."""
    (made / name).unlink()
    found = check(made)
    assert (found.code, found.tampered) == (2, [])
    assert f"{made / name}: is missing" in found.missing
    assert run(made).returncode == 2


def test_without_logs_there_is_nothing_to_believe(made: Path) -> None:
    """Incomplete, whatever else is there."""
    shutil.rmtree(made / "logs")
    assert check(made).code == 2


@pytest.mark.parametrize(
    "name", [f"{LOG}/checkpoint", f"{LOG}/public.pem", f"{LOG}/manifests.jsonl", PROOFS, "SHA256SUMS"]
)
def test_rubbish_is_tampering_and_not_a_crash(made: Path, name: str) -> None:
    """Whatever stands in a file, the answer is one of three."""
    for rubbish in (b"", b"\xff\x00\n", b"{}\n" * 9, b"x" * 70 + b"\n"):
        (made / name).write_bytes(rubbish)
        assert check(made).code == 1
    assert run(made).returncode == 1


def test_the_program_is_short_enough_to_be_read() -> None:
    """Whoever must trust it can read it in a quarter of an hour."""
    import shieldproxy.attribution.evidence.verify as program  # noqa: PLC0415 - the file, not what is in it

    assert len(Path(program.__file__).read_text().splitlines()) < 150


def test_proofs_say_where_each_record_stood(made: Path) -> None:
    """One line of proof for each record, with the manifest and the leaf."""
    proofs = [json.loads(line) for line in (made / PROOFS).read_text().splitlines()]
    assert [(proof["manifest"], proof["leaf"]) for proof in proofs[-3:]] == [(2, 0), (2, 2), (2, 3)]
