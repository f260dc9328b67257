"""The score: figures of a play beside their targets. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from benchmarks.cores import available_cores
from benchmarks.field.plays import FIRST, Played

# Seconds by which the ledger may be wrong about the start and the end of an attack.
LEDGER = 15.0
# From this share of its processors on a machine is full: what could not be sent then is told, neither met nor missed.
BUSY = 0.9
FULL = "NOT ALL COULD BE SENT: the processors of this machine were full; shares are of what was sent"


class Row(NamedTuple):
    """One figure. ``met`` is None where there is no target."""

    name: str
    found: str
    target: str = ""
    met: bool | None = None


def share(part: float, whole: float) -> float:
    """Return ``part`` of ``whole``, 0 of nothing."""
    return part / whole if whole else 0.0


def attack_rows(played: Played, targets: tuple[float, float, float]) -> list[Row]:
    """Return how much of the attack reached the site: in its first seconds, after them, and in all."""
    reached = sorted(at - played.begin for at, client, _ in played.seen if client in played.attackers)
    sent = played.volleys
    # What this machine was too slow to send did not reach anything; the shares are of what was sent.
    able = share(sent - played.sent.get("late", 0), sent)
    first_sent = played.early * able
    first = sum(at < FIRST for at in reached)
    figures = (
        ("first 20 s", share(first, first_sent)),
        ("after them", share(len(reached) - first, sent * able - first_sent)),
        ("whole attack", share(len(reached), sent * able)),
    )
    rows = [
        Row(f"attack that reaches the site: {name}", f"{found:.2%}", f"<= {target:.1%}", found <= target)
        for (name, found), target in zip(figures, targets, strict=True)
    ]
    late = played.sent.get("late", 0)
    words = ", ".join(f"{count} x {word}" for word, count in sorted(played.sent.items()) if word != "late")
    told = f"{sent - late} of {sent} sent: {words}"
    enough = late <= 0.1 * sent
    if not enough and full(played):
        return [*rows, Row("attack requests", f"{told}. {FULL}", ">= 90%")]
    return [*rows, Row("attack requests", told, ">= 90%", enough)]


def full(played: Played) -> bool:
    """Tell whether all processors of this machine were busy for nearly all of the attack, whoever kept them so."""
    cores = len(available_cores())
    return played.used.get("machine", 0.0) >= BUSY * cores * played.times.flood


def people_rows(played: Played, during: float, *, calm: float = 0.005) -> list[Row]:
    """Return how people fared."""
    end = played.begin + played.times.flood
    refused = [visitor for visitor in played.visitors if visitor.refused]
    quiet = [visitor for visitor in played.visitors if visitor.came < played.begin]
    amid = [visitor for visitor in played.visitors if played.begin <= visitor.came < end]
    rows = [Row("people refused or banned", str(len(refused)), "0", not refused)]
    for name, group, target in (("while calm", quiet, calm), ("meanwhile", amid, during)):
        hit = sum(
            visitor.challenged > 0 and (group is not quiet or visitor.challenged_at < played.begin) for visitor in group
        )
        found = share(hit, len(group))
        rows.append(
            Row(
                f"people challenged {name}", f"{found:.2%} ({hit} of {len(group)})", f"<= {target:.1%}", found <= target
            )
        )
    late = sum(visitor.came >= end and visitor.challenged > 0 for visitor in played.visitors)
    rows.append(Row("people challenged after it", str(late)))
    twice = sum(visitor.challenged > 1 for visitor in played.visitors)
    rows.append(Row("people challenged twice", str(twice), "0", twice == 0))
    examples = {why for visitor in refused for why in visitor.refused}
    return rows + ([Row("why", "; ".join(sorted(examples)[:3]))] if examples else [])


def posture_rows(played: Played) -> list[Row]:
    """Return when the attack was noticed and when it was over."""
    attacked = [moment for moment in played.moments if moment.posture == "under_attack"]
    noticed = attacked[0].at - played.begin if attacked else float("inf")
    end = played.begin + played.times.flood
    calm = [moment.at for moment in played.moments if moment.at > end and moment.posture == "calm"]
    again = calm[0] - end if calm else float("inf")
    early = sum(moment.posture == "under_attack" for moment in played.moments if moment.at < played.begin)
    rows = [Row("noticed after", f"{noticed:.1f} s", "<= 10 s", 0.0 <= noticed <= 10.0 and not early)]
    if played.times.after:
        rows.append(Row("calm again after its end", f"{again:.1f} s", "<= 120 s", again <= 120.0))
    return [
        *rows,
        Row("why", attacked[0].reason if attacked else "-"),
    ]


def ledger_rows(played: Played) -> list[Row]:
    """Return how far the ledger's episode begins and ends from the attack."""
    if not played.ledger:
        return [Row("episode in the ledger", "none", "one", met=False)]
    episode = played.ledger[-1]
    start, end = (datetime.fromisoformat(episode[key]).timestamp() - played.wall for key in ("start", "end"))
    before, after = start - played.begin, end - played.begin - played.times.flood
    words = f"{len(played.ledger)} ({episode['opinion']['word']}): begins {before:+.0f} s, ends {after:+.0f} s"
    good = len(played.ledger) == 1 and abs(before) <= LEDGER and abs(after) <= LEDGER
    return [Row("episode in the ledger", words, f"1, within {LEDGER:.0f} s", good)]


def latency_rows(played: Played) -> list[Row]:
    """Return how long pages took that people got from the site: before and meanwhile, 95th percentile."""
    end = played.begin + played.times.flood
    before = p95(at_took for visitor in played.visitors for at_took in visitor.times if at_took[0] < played.begin)
    amid = p95(
        at_took
        for visitor in played.visitors
        for at_took in visitor.times
        if played.begin <= at_took[0] < end and visitor.challenged == 0
    )
    site_before = p95((at, took) for at, _, took in played.seen if took and at < played.begin)
    site_amid = p95((at, took) for at, _, took in played.seen if took and played.begin <= at < end)
    ratio = share(site_amid, site_before)
    words = f"{site_before * 1e3:.0f} -> {site_amid * 1e3:.0f} ms"
    return [
        Row("site's p95 before -> meanwhile", words, "<= 1.5 x", ratio <= 1.5),
        Row("people's p95 before -> meanwhile", f"{before * 1e3:.0f} -> {amid * 1e3:.0f} ms"),
    ]


def p95(times: object) -> float:
    """Return the 95th percentile of the seconds in (when, seconds) pairs."""
    ordered = sorted(took for _, took in times)  # type: ignore[attr-defined]
    return ordered[int(len(ordered) * 0.95)] if ordered else 0.0


def used_row(played: Played) -> Row:
    """Return who used how much of this machine's processors while it lasted."""
    used = dict(played.used)
    machine = used.pop("machine", 0.0)
    others = max(0.0, machine - sum(used.values()))
    words = ", ".join(f"{name} {seconds:.0f}" for name, seconds in sorted(used.items(), key=lambda item: -item[1]))
    return Row("processor seconds meanwhile", f"{words}, all else on this machine {others:.0f}")


def rows_of(kind: str, played: Played) -> list[Row]:
    """Return the table of one play."""
    return [*_judged(kind, played), used_row(played)]


def _judged(kind: str, played: Played) -> list[Row]:
    if kind == "botnet":
        rows = [*attack_rows(played, (0.15, 0.003, 0.05)), *people_rows(played, 0.05)]
        return [*rows, *posture_rows(played), *ledger_rows(played), *latency_rows(played)]
    if kind == "swarm":
        return [*attack_rows(played, (1.0, 1.0, 0.05)), *people_rows(played, 1.0), *posture_rows(played)]
    rows = people_rows(played, 0.01)
    words = sorted({moment.posture for moment in played.moments})
    said = ", ".join(episode["opinion"]["word"] for episode in played.ledger) or "nothing"
    rows += [Row("postures seen", ", ".join(words)), Row("the ledger says", said, "surge", said == "surge")]
    return [*rows, *latency_rows(played)]


def beside(kind: str, played: Played) -> list[Row]:
    """Return the figures by which any defence can be compared; nothing is met or missed."""
    targets = (1.0, 1.0, 1.0)
    rows = [*attack_rows(played, targets), *people_rows(played, 1.0, calm=1.0)] if kind == "botnet" else []
    return [row._replace(target="", met=None) for row in rows]
