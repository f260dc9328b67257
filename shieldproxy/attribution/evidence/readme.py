"""The README of a bundle: what it is, how it came about, what it shows, how to check it without us."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from shieldproxy.attribution.evidence import wording
from shieldproxy.attribution.evidence.case import Case, counted
from shieldproxy.core.printing import printable


class Chain(NamedTuple):
    """What the chain of custody says: logs with their checkpoints and keys, clocks, what is missing."""

    logs: Sequence[dict[str, Any]]
    clock: str
    software: Sequence[str]
    databases: Sequence[dict[str, Any]]
    gone: Sequence[str]
    unsealed: int
    replaced: int
    missing_formats: Sequence[str]


def readme(case: Case, chain: Chain, what: str) -> str:
    """Return the text; ``what`` says which records were asked for."""
    sections = (
        (f"EVIDENCE {printable(case.key)}", _subject(case, what)),
        ("What it shows", _meaning(case)),
        ("Chain of custody", _custody(case, chain)),
        ("What is not in it", _absent(case, chain)),
        ("How to check it", CHECK),
        ("Files", FILES),
    )
    return "\n\n".join(f"{title}\n{'=' * len(title)}\n{text}" for title, text in sections) + "\n"


def _subject(case: Case, what: str) -> str:
    lines = (
        f"TLP:{case.terms.tlp.upper()}",
        f"For:      {printable(case.terms.recipient)}",
        f"Purpose:  {printable(case.terms.purpose)}",
        f"From:     {printable(case.terms.organisation)} {printable(case.terms.contact)}".rstrip(),
        f"Made:     {case.created}",
        f"Span:     {case.since} to {case.until}",
        f"Records:  {what}",
        f"Contents: {counted(case.records, 'record', 'records')}, for {counted(case.requests, 'request', 'requests')}",
        f"Sources:  {counted(len(case.sources), 'address', 'addresses')}, not admitted {case.blamed:,} times",
    )
    return "\n".join(lines)


def _meaning(case: Case) -> str:
    sums = "A record with a weight above 1 stands for that many requests that were alike; counts include it."
    return "\n\n".join(
        _wrapped(text) for text in (wording.HANDSHAKE, wording.TIMES, wording.labels(case), sums, wording.PERSONAL)
    )


def _custody(case: Case, chain: Chain) -> str:
    facts = [f"Software: {', '.join(chain.software)}", _wrapped(chain.clock)]
    facts += [
        f"Database: {found['type']} ({found['kind']}) of {found['built']}, SHA-256 {found['sha256']}"
        for found in chain.databases
    ]
    facts += [f"Policy in force (digest): {digest}" for digest in sorted(case.policies)]
    for log in chain.logs:
        facts.append(f"Log {log['origin']}: {log['size']} entries, root {log['root']}")
        facts.append(f"    key {log['key']}")
    return "\n".join([*(_wrapped(step) for step in (WRITTEN, SEALED, MADE % case.created)), "", *facts])


def _absent(case: Case, chain: Chain) -> str:
    texts = []
    if chain.gone:
        names = ", ".join(chain.gone[:5])
        texts.append(f"{len(chain.gone)} sealed files of this span are gone (retention or loss), such as: {names}")
    if chain.replaced:
        texts.append(
            f"{chain.replaced} requests that were let in have pseudonyms by now and cannot be proven: left out."
        )
    if chain.unsealed:
        texts.append(f"{chain.unsealed} requests stand in files that were not sealed yet; export again later.")
    if case.uncounted_sources:
        texts.append(f"{case.uncounted_sources} records are of addresses beyond the most that are listed.")
    if chain.missing_formats:
        texts.append(f"Formats left out, as they need the address of a contact: {', '.join(chain.missing_formats)}.")
    texts.append("Requests of other visitors, cookies, credentials and bodies. The latter were never recorded.")
    texts.append(
        "Records between the last checkpoint that somebody else has and the moment of a break-in are not protected: "
        "whoever rules the server could have written them. Compare the checkpoint with the server's remote log."
    )
    return "\n".join(_wrapped(text) for text in texts)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


WRITTEN = "1. The server wrote a record at the end of each request, in files to which lines are only added."
SEALED = (
    "2. Each file was closed within minutes and sealed: its SHA-256 and the Merkle root (RFC 6962) over its lines were "
    "entered in the log of the node, and the log was signed (Ed25519, C2SP checkpoint)."
)
MADE = (
    "3. On %s this bundle was made from the sealed files. Every record carries the proof that it stands in its file, "
    "every file's manifest the proof that it stands in the signed log. The list of all files here is signed with the "
    "same key, and the export was written down in the export log of the server."
)

CHECK = """python3 verify.py                 all of it; 0 intact, 1 tampered, 2 incomplete
python3 verify.py . --key KEY     the same, and signed with the key whose fingerprint you were told
sha256sum -c SHA256SUMS           the files
openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
cd logs/NODE && openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in checkpoint.text -sigfile checkpoint.sig
None of this needs the network or a program of ours: verify.py is short and meant to be read."""

FILES = """logs/NODE/records.jsonl          the records, byte for byte as they were written
logs/NODE/record-proofs.jsonl    line n proves line n of records.jsonl (manifest, leaf, path)
logs/NODE/manifests.jsonl        what was sealed of the files these records stand in
logs/NODE/manifest-proofs.jsonl  line n proves line n of manifests.jsonl in the tree of the checkpoint
logs/NODE/checkpoint             the signed state of the log; checkpoint.text and .sig are its two halves
logs/NODE/public.pem             the key of the log; signer.pem is the key that signed SHA256SUMS
bundle.json                      this text for programs
sources.csv                      a line for each address (GovCERT columns first)
xarf/ASn.jsonl                   XARF v4 reports, one a line      mail/ASn.eml   drafts for abuse desks
stix.json, misp.json             STIX 2.1 bundle, MISP event      policies/      configurations, if asked for"""
