"""``python -m benchmarks.journal``: a month of records, and how fast the product answers about it."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from benchmarks.journal.commands import Took, median, run
from benchmarks.journal.foreign_logs import write_logs
from benchmarks.journal.stored import store
from benchmarks.journal.synthesis import DAYS, FLOODS
from shieldproxy.attribution.engine import connect
from shieldproxy.attribution.index import Index
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.sealing_late import seal_late

MONTH, FLOOD_DAY = "2026-10", f"2026-10-{FLOODS[0].day + 1:02}"


class Row(NamedTuple):
    """What was measured: in words, what was found, what is wanted, processor seconds, MiB at most."""

    what: str
    found: str
    wanted: str
    cpu: str = ""
    peak: str = ""


@click.command()
@click.option("--records", default=30_000_000, show_default=True, help="Records of the month.")
@click.option("--lined", default=1, show_default=True, help="Days at its end that are also lines of JSON.")
@click.option("--lines", default=1_000_000, show_default=True, help="Lines of each foreign log.")
@click.option("--exported", default=50_000, show_default=True, help="Records of the episode that is exported.")
@click.option("--seed", default=1, show_default=True)
@click.option("--directory", type=click.Path(path_type=Path), help="Keep everything there; use what is there already.")
def main(records: int, lined: int, lines: int, exported: int, seed: int, directory: Path | None) -> None:  # noqa: PLR0913, PLR0917
    """Make a synthetic month (benchmarks/journal/synthesis.py says of what) and ask the product about it.

    The index of all days is made by the product's code; only the last days have their lines, and the commands are run
    on all of it. Figures are medians of three rounds; read processor time where others use the machine.
    """
    place = directory or Path(tempfile.mkdtemp(prefix="shieldproxy-journal-"))
    try:
        rows = [*_month(place / "month", records, lined, seed), *_import(place / "import", lines, seed)]
        rows += _evidence(place / "evidence", exported, seed)
    finally:
        if directory is None:
            shutil.rmtree(place, ignore_errors=True)
    table = Table(title=f"The journal of a month, {records:,} records", title_justify="left")
    for name in Row._fields:
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _configured(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    config = place / "config.toml"
    config.write_text('[journal]\ndirectory = "journal"\n[state]\ndirectory = "state"\n')
    return config


def _month(place: Path, records: int, lined: int, seed: int) -> list[Row]:
    config, journal = _configured(place), place / "journal"
    if not journal.exists():
        store(journal, records, seed=seed, days=range(DAYS), lined=range(DAYS - lined, DAYS))
    began = time.process_time()
    updated = Index(journal, time.time).update()
    spent = time.process_time() - began
    first = run(config, "report", "--month", MONTH, "--format", "json")
    again = median(config, "report", "--month", MONTH, "--format", "json")
    index = Index(journal, time.time)
    held = index.content()
    size = sum(file.stat().st_size for file in index.folder.rglob("*.parquet"))
    search = ("logs", "--client", _somebody(held.files[-1]), "--action", "any", "--format", "json")
    rows = [
        _row("report of the month", again, "< 3 s, < 1 GB"),
        _row("the first one: episodes described", first, ""),
        _row("an address: logs --client", median(config, *search), "< 0.5 s"),
        Row("bytes a record in the index, sums too", f"{size / held.records:.1f}", "< 20"),
    ]
    if updated.records:
        each = f"{spent / updated.records * 1e6:.1f} us a record"
        rows.append(Row(f"indexing {updated.records:,} lines", each, "", f"{spent:.1f} s"))
    return rows


def _somebody(file: Path) -> str:
    with connect() as connection:
        question = (
            f"SELECT client FROM read_parquet('{file}') WHERE client NOT LIKE '%:%' ORDER BY hash(client) LIMIT 1"
        )
        (client,) = connection.execute(question).fetchone() or ("",)
    return str(client)


def _import(place: Path, lines: int, seed: int) -> list[Row]:
    config, rows = _configured(place), []
    for form, log in write_logs(place, lines, seed).items():
        took = run(config, "import", str(log), "--again")
        shutil.rmtree(place / "journal", ignore_errors=True)
        found = f"{lines / took.wall:,.0f} lines/s ({lines / took.cpu:,.0f} a second of processor)"
        rows.append(Row(f"import, {form}", found, ">= 200,000 lines/s", f"{took.cpu:.1f} s", f"{took.peak:.0f} MiB"))
    return rows


def _evidence(place: Path, exported: int, seed: int) -> list[Row]:
    """Measure sealing and an export on the day of the first flood, all of it lines."""
    shutil.rmtree(place, ignore_errors=True)
    config, day = _configured(place), FLOODS[0].day
    # One flooded record in fifty is let in, and exports leave those out.
    store(
        place / "journal",
        round(exported / FLOODS[0].share / 0.98),
        seed=seed,
        days=range(day, day + 1),
        lined=range(day, day + 1),
    )
    began = time.process_time()
    sealed = seal_late(load(config))
    spent = time.process_time() - began
    target = ("-o", str(place / "bundle"), "--recipient", "CERT", "--purpose", "benchmark")
    took = run(config, "evidence", "export", "--since", f"{FLOOD_DAY}T00:00", "--until", f"{FLOOD_DAY}T23:59", *target)
    return [
        Row(
            f"sealing and signing {sealed.records:,} records",
            f"{spent / sealed.records * 1e6:.2f} us a record",
            "< 2 us",
        ),
        _row(f"export of {FLOODS[0].addresses} addresses, about {exported:,} records", took, "< 5 s"),
    ]


def _row(what: str, took: Took, wanted: str) -> Row:
    return Row(what, f"{took.wall:.2f} s", wanted, f"{took.cpu:.2f} s", f"{took.peak:.0f} MiB")


if __name__ == "__main__":
    main()
