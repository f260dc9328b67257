"""The bundle: a directory with the wanted records, the proofs, the keys, the exports and a program that checks it."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.attribution.evidence import mail, misp, stix, verify, wording, xarf
from shieldproxy.attribution.evidence.case import Case
from shieldproxy.attribution.evidence.cert_csv import csv_of
from shieldproxy.attribution.evidence.readme import Chain, readme
from shieldproxy.attribution.evidence.selection import Picked, SealedLog, Selection, UnfitError
from shieldproxy.core.notes import parse_note
from shieldproxy.journal.signing import Signer, pem_of, public_of

FORMATS = ("cert", "xarf", "eml", "stix", "misp")
# These name somebody whom the recipient can ask.
NEED_CONTACT = ("xarf", "eml")
VERSION = 1


class NothingError(Exception):
    """No sealed record is wanted; the sentence says what was looked for."""


class Order(NamedTuple):
    """What a bundle holds: ``what`` in words, ``formats`` of FORMATS, copies of configurations from ``policies``."""

    what: str
    formats: tuple[str, ...] = FORMATS
    policies: Path | None = None


class Made(NamedTuple):
    """What was written: ``sums`` is the SHA-256 of SHA256SUMS, which stands for the whole bundle."""

    directory: Path
    sums: str
    chain: Chain


def make(directory: Path, selection: Selection, case: Case, order: Order, signer: Signer) -> Made:
    """Write the bundle of ``selection`` to the new ``directory`` and fill ``case``; nothing stays when it fails.

    Raises NothingError, UnfitError, FileExistsError or OSError.
    """
    if directory.exists():
        raise FileExistsError(17, "is there already; name a new directory", str(directory))
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        logs = _write_logs(partial, selection, case, signer)
        selection.count_unsealed()
        if not case.records:
            waiting = f"; {selection.unsealed} requests wait to be sealed" if selection.unsealed else ""
            raise NothingError(f"no sealed record is {order.what}{waiting}")
        chain = _chain(logs, selection, case, order)
        _write_exports(partial, case, order, chain)
        _write_texts(partial, case, order, chain)
        sums = _sign(partial, signer)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Made(directory, sums, chain)


class _Written(NamedTuple):
    """A log of which records are in the bundle, and the manifests that came with them."""

    log: SealedLog
    manifests: list[dict[str, Any]]


def _write_logs(partial: Path, selection: Selection, case: Case, signer: Signer) -> list[_Written]:
    found = []
    for log in selection.logs:
        place = partial / "logs" / log.name
        place.mkdir(parents=True)
        used = _write_records(place, selection.records(log), case)
        public = public_of(log.public_pem)
        if not used and public != signer.public:  # our own stays: it says whose key signs the list of files
            shutil.rmtree(place)
            continue
        note = parse_note(log.note)
        (place / "checkpoint").write_bytes(log.note)
        (place / "checkpoint.text").write_text(note.text, encoding="utf-8")
        (place / "checkpoint.sig").write_bytes(note.by(log.checkpoint.origin, public)[0])
        (place / "public.pem").write_bytes(log.public_pem)
        manifests = [log.manifest(number) for number in used]
        (place / "manifests.jsonl").write_bytes(b"".join(data for data, _ in manifests))
        (place / "manifest-proofs.jsonl").write_bytes(b"".join(_line(proof._asdict()) for _, proof in manifests))
        found.append(_Written(log, [log.segments[number] for number in used]))
    if all(public_of(written.log.public_pem) != signer.public for written in found):
        raise UnfitError(f"the log of this node ({signer.origin}) is not in the journal: nobody could know its key")
    return found


def _write_records(place: Path, picked: Iterable[Picked], case: Case) -> list[int]:
    """Write records and proofs as they come; return the numbers of the manifests they stand in."""
    used: dict[int, None] = {}
    with (place / "records.jsonl").open("wb") as records, (place / "record-proofs.jsonl").open("wb") as proofs:
        for record in picked:
            case.add(record.fields, record.data)
            used[record.manifest] = None
            records.write(record.data)
            proofs.write(_line({"manifest": record.manifest, **record.proof._asdict()}))
    return list(used)


def _chain(logs: list[_Written], selection: Selection, case: Case, order: Order) -> Chain:
    manifests = [manifest for written in logs for manifest in written.manifests]
    databases = {str(found["sha256"]): found for manifest in manifests for found in manifest.get("databases", ())}
    no_contact = "@" not in case.terms.contact
    return Chain(
        [
            {
                "name": log.name,
                "origin": log.checkpoint.origin,
                "size": log.checkpoint.size,
                "root": base64.b64encode(log.checkpoint.root).decode(),
                "key": sha256(public_of(log.public_pem)).hexdigest(),
            }
            for log, _ in logs
        ],
        wording.clock([manifest.get("clock") for manifest in manifests]),
        sorted({str(manifest.get("software", "")) for manifest in manifests}),
        sorted(databases.values(), key=lambda found: str(found["kind"])),
        selection.gone,
        selection.unsealed,
        selection.replaced,
        [form for form in order.formats if form in NEED_CONTACT and no_contact],
    )


def _write_exports(partial: Path, case: Case, order: Order, chain: Chain) -> None:
    networks = case.by_network()
    wanted = set(order.formats) - set(chain.missing_formats)
    if "cert" in wanted:
        (partial / "sources.csv").write_text(csv_of(case.heaviest()), encoding="utf-8")
    for form, folder in (("xarf", "xarf"), ("eml", "mail")):
        if form in wanted:
            (partial / folder).mkdir()
    for asn, sources in networks.items():
        reports = xarf.reports(case, sources) if "xarf" in wanted else []
        if reports:
            (partial / "xarf" / f"AS{asn}.jsonl").write_bytes(b"".join(_line(report) for report in reports))
        if "eml" in wanted:
            (partial / "mail" / f"AS{asn}.eml").write_bytes(mail.draft(case, asn, sources, chain.clock))
    if "stix" in wanted:
        (partial / "stix.json").write_bytes(orjson.dumps(stix.bundle_of(case)))
    if "misp" in wanted:
        (partial / "misp.json").write_bytes(orjson.dumps(misp.event_of(case)))


def _write_texts(partial: Path, case: Case, order: Order, chain: Chain) -> None:
    (partial / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    (partial / "README.txt").write_text(readme(case, chain, order.what), encoding="utf-8")
    for digest in case.policies:
        copy = (order.policies or partial) / f"{digest}.toml"
        if copy.is_file():
            (partial / "policies").mkdir(exist_ok=True)
            shutil.copyfile(copy, partial / "policies" / copy.name)
    summary = {
        "v": VERSION,
        "case": case.key,
        "since": case.since,
        "until": case.until,
        "what": order.what,
        "created": case.created,
        **case.terms._asdict(),
        "records": case.records,
        "requests": case.requests,
        "sources": len(case.sources),
        "actions": dict(case.actions),
        "policies": dict(case.policies),
        "geo": dict(case.geo),
        **chain._asdict(),
    }
    (partial / "bundle.json").write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _sign(partial: Path, signer: Signer) -> str:
    (partial / "signer.pem").write_text(pem_of(signer.public), encoding="ascii")
    names = sorted(str(path.relative_to(partial)) for path in partial.rglob("*") if path.is_file())
    sums = "".join(f"{_digest(partial / name)}  {name}\n" for name in names).encode()
    (partial / "SHA256SUMS").write_bytes(sums)
    (partial / "SHA256SUMS.sig").write_bytes(signer.sign(sums))
    return sha256(sums).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
