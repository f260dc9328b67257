"""``shieldproxy evidence``: bundles for CERTs, courts and abuse desks; their check and the journal's; legal holds."""

from __future__ import annotations

import shutil
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import click

from shieldproxy.attribution.evidence.bundle import FORMATS, NEED_CONTACT, Made, NothingError, Order, make
from shieldproxy.attribution.evidence.case import Case, Terms, counted
from shieldproxy.attribution.evidence.export_log import note_export
from shieldproxy.attribution.evidence.journal_check import JournalCheck, anchor_of, anybody
from shieldproxy.attribution.evidence.selection import Selection, UnfitError
from shieldproxy.attribution.evidence.timestamp_check import check_timestamps
from shieldproxy.attribution.evidence.verify import Findings, check
from shieldproxy.attribution.ledger import Entry, find_entry
from shieldproxy.attribution.upkeep import find
from shieldproxy.cli.asking import Parsed, span_options
from shieldproxy.cli.custody import exports, hold, holds, release
from shieldproxy.cli.options import config_option, format_option, settings_of
from shieldproxy.cli.output import Listing
from shieldproxy.core.printing import printable
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.filters import NOT_ADMITTED, Filter, parse_asn
from shieldproxy.journal.manifest_log import LOGS, logs_in
from shieldproxy.journal.signing import Signer, fingerprint, is_signed, public_of
from shieldproxy.journal.timestamps import kept
from shieldproxy.settings.compiling import compile_episodes
from shieldproxy.settings.schema import Settings
from shieldproxy.state.keys import load_evidence_seed
from shieldproxy.supervisor.notary import ANCHOR, POLICIES, PUBLIC_KEY
from shieldproxy.supervisor.sealing_late import node_name, seal_late

RESULTS = ("intact", "tampered", "incomplete")
TLP = ("clear", "green", "amber", "amber+strict", "red")


@click.group(short_help="Make and verify a bundle of evidence.")
def evidence() -> None:
    """Hand over what happened so that others can check it without trusting you, and check it yourself."""


for command in (hold, release, holds, exports):
    evidence.add_command(command)


def _formats(text: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(word.strip().lower() for word in text.split(",")))
    unknown = [word for word in wanted if word not in FORMATS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no format; allowed: {','.join(FORMATS)}")
    return wanted


@evidence.command("export", short_help="Write a bundle for somebody.")
@click.option("--episode", metavar="ID", help="Records of this episode (shieldproxy episodes lists them).")
@span_options
@click.option("--asn", type=Parsed("ASN", parse_asn), metavar="ASN", help="Of this autonomous system only.")
@click.option("--all-actions", is_flag=True, help="Also what was admitted: records of people. Default: without them.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new directory.")
@click.option("--recipient", required=True, metavar="NAME", help="Who gets it; goes into the export log.")
@click.option("--purpose", required=True, metavar="TEXT", help="What for, and on what legal basis; likewise.")
@click.option(
    "--format", "formats", type=Parsed("LIST", _formats), default=",".join(FORMATS), show_default=True, metavar="LIST"
)
@click.option("--organisation", default="", metavar="NAME", help="Who reports (default: the name of this machine).")
@click.option("--contact", default="", metavar="EMAIL", help="Whom to ask (default: challenge.contact, if it is one).")
@click.option("--tlp", type=click.Choice(TLP), default="amber", show_default=True, help="Traffic Light Protocol 2.0.")
@click.option("--with-config", is_flag=True, help="Add the configurations in force: your limits become known.")
@config_option
def export(**given: Any) -> None:
    """Write the wanted records with proofs, keys and exports to a new directory; what was admitted stays out.

    The bundle checks itself: python3 DIR/verify.py. Who got it and why is written to exports.jsonl in the state
    directory.
    """
    settings = settings_of(given["config"])
    case = _case(settings, given)
    late = seal_late(settings)
    if late.broken:
        _end(late.why, 1)
    wanted = Filter(
        since=case.since,
        until=case.until,
        actions=frozenset() if given["all_actions"] else NOT_ADMITTED,
        asns=frozenset() if given["asn"] is None else frozenset({given["asn"]}),
    )
    state = settings.state.directory
    order = Order(_what(given), given["formats"], state / POLICIES if given["with_config"] else None)
    try:
        selection = Selection(settings.journal.directory, wanted)
        signer = Signer(f"{node_name()}/shieldproxy", load_evidence_seed(state, _no_new_key))
        made = make(given["output"], selection, case, order, signer)
    except (NothingError, UnfitError) as error:
        _end(str(error), 1)
    except OSError as error:
        _end(f"{error.filename}: {error.strerror}", 2)
    _enter(state, case, order, made)
    _tell(case, made, signer)


def _case(settings: Settings, given: dict[str, Any]) -> Case:
    since, until, key = given["since"], given["until"], given["episode"]
    now = rfc3339(time.time())
    if key:
        entry = find_entry(settings.journal.directory, key) or _look_for(settings, key)
        if entry is None:
            _end(f"no episode {key} is known; shieldproxy episodes lists them, or name --since and --until", 2)
        since, until = str(entry["start"]), "" if entry.get("ongoing") else str(entry["end"])
    if not since:
        raise click.UsageError("Say which records: --episode ID, or --since and --until.")
    until = until or now
    key = key or f"{since[:19]}--{until[:19]}".replace(":", "")
    contact = given["contact"] or settings.challenge.contact.removeprefix("mailto:")
    organisation = given["organisation"] or node_name()
    terms = Terms(given["recipient"], given["purpose"], organisation, contact if "@" in contact else "", given["tlp"])
    return Case(f"{key}-AS{given['asn']}" if given["asn"] is not None else key, since, until, terms, now)


def _look_for(settings: Settings, name: str) -> Entry | None:
    """Return the episode that nobody has asked for yet: the ledger is brought up to date from the records."""
    with find(settings.journal.directory, compile_episodes(settings), time.time()) as found:
        return next((entry for entry in found.ledger if entry["id"] == name), None)


def _what(given: dict[str, Any]) -> str:
    kind = "all decisions" if given["all_actions"] else "what was not admitted"
    network = f", of AS{given['asn']} only" if given["asn"] is not None else ""
    return f"{kind} in this span{network}"


def _no_new_key(_count: int) -> bytes:
    raise UnfitError("this node has no key yet, so it has sealed nothing")


def _enter(state: Path, case: Case, order: Order, made: Made) -> None:
    entry = {
        "at": case.created,
        "case": case.key,
        "since": case.since,
        "until": case.until,
        "what": order.what,
        **case.terms._asdict(),
        "records": case.records,
        "sources": len(case.sources),
        "directory": str(made.directory.absolute()),
        "sha256sums": made.sums,
    }
    try:
        note_export(state, entry)
    except OSError as error:
        shutil.rmtree(made.directory, ignore_errors=True)
        _end(f"{error.filename}: {error.strerror}; without an entry in the export log nothing is handed over", 2)


def _tell(case: Case, made: Made, signer: Signer) -> None:
    click.echo(
        f"{made.directory}: {counted(case.records, 'record', 'records')} for "
        f"{counted(case.requests, 'request', 'requests')}, {counted(len(case.sources), 'source', 'sources')} in "
        f"{counted(len(case.by_network()), 'network', 'networks')}"
    )
    click.echo(f"key {fingerprint(signer.public)}")
    click.echo("Tell the recipient this key by another way than you send the bundle.")
    notes = []
    if made.chain.unsealed:
        notes.append(f"{made.chain.unsealed} requests are not sealed yet and not in it; export again in a minute")
    if made.chain.replaced:
        notes.append(f"{made.chain.replaced} admitted requests have pseudonyms by now and cannot be proven: left out")
    if made.chain.gone:
        notes.append(f"{len(made.chain.gone)} sealed files of this span are gone")
    if made.chain.missing_formats:
        notes.append(
            f"{', '.join(made.chain.missing_formats)} left out: they need --contact ({', '.join(NEED_CONTACT)})"
        )
    for note in notes:
        click.echo(f"note: {printable(note)}", err=True)


@evidence.command("verify", short_help="Check a bundle or a journal.")
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Believe this key (fingerprint) and no other.")
@click.option(
    "--checkpoint",
    "anchors",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A checkpoint that was kept elsewhere: the journal must still agree with it.",
)
@click.option(
    "--tsa",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Certificate (PEM) of the timestamp authority: its timestamps in a journal are checked too, with openssl.",
)
@format_option
@config_option
def verify(  # noqa: PLR0913, PLR0917 - options
    path: Path, keys: tuple[str, ...], anchors: tuple[Path, ...], tsa: Path | None, form: str, config: Path | None
) -> None:
    """Check PATH, a bundle or a journal, and name the first bad line. 0 intact, 1 tampered, 2 incomplete.

    The own journal is held against the key and the last checkpoint in the state directory.
    """
    wanted = ["".join(key.split()).lower() for key in keys]
    if (path / "bundle.json").exists() or (path / "SHA256SUMS").exists():
        found = check(path, wanted, _signed)
    elif (path / LOGS).is_dir():
        found = _check_journal(path, wanted, anchors, settings_of(config))
        check_timestamps(path, tsa, found)
    else:
        _end(f"{path}: is neither a bundle nor a journal with seals", 2)
    if form == "table":
        for word, texts in (("", found.told), ("TAMPERED ", found.tampered), ("MISSING ", found.missing)):
            for text in texts:
                click.echo(f"{word}{printable(text)}")
        click.echo(RESULTS[found.code])
    else:
        Listing((), form, sys.stdout).write(
            {"finding": word, "text": text}
            for word, texts in (("told", found.told), ("tampered", found.tampered), ("missing", found.missing))
            for text in texts
        )
    sys.exit(found.code)


def _check_journal(path: Path, keys: list[str], anchors: tuple[Path, ...], settings: Settings) -> Findings:
    files = [*anchors, *(note for log in logs_in(path) for note in kept(log))]
    believed = (lambda _log, digest: digest in keys) if keys else anybody
    state = settings.state.directory
    if path.resolve() == settings.journal.directory.resolve() and (state / PUBLIC_KEY).exists():
        own, name = sha256(public_of((state / PUBLIC_KEY).read_bytes())).hexdigest(), node_name()
        if not keys:
            believed = lambda log, digest: log != name or digest == own  # noqa: E731 - a sentence is not a function
        if (state / ANCHOR).exists():
            files.append(state / ANCHOR)
    try:
        return JournalCheck(path, believed, [anchor_of(file.read_bytes()) for file in files]).run()
    except (OSError, ValueError) as error:
        _end(str(error), 2)


def _signed(pem: Path, data: bytes, signature: bytes) -> bool:
    return is_signed(public_of(pem.read_bytes()), data, signature)


def _end(why: str, code: int) -> NoReturn:
    click.echo(printable(why), err=True)
    sys.exit(code)
