"""Wording: sentences that all exports say alike, so that none claims more than the records show."""

from __future__ import annotations

from shieldproxy.attribution.evidence.case import Case, Source

HANDSHAKE = (
    "Each source completed a TCP handshake with the server, so the address is not forged. It is where the requests "
    "left the network, which need not be where they began: it may be a proxy, a VPN, a gateway shared by many (find "
    "the customer by source port and time) or a computer used without its owner's knowledge."
)
TIMES = "All times are UTC, RFC 3339, as the server's clock showed them at the end of each request."
PERSONAL = "Addresses are personal data in many countries: use them for the purpose named here only."


def place_of(source: Source) -> str:
    """Return where an address lies, as a statement of a database."""
    if not source.country:
        return "no database places it in a country"
    return f"database {named(source.geo, 'country')} places it in {source.country}"


def named(geo: str, kind: str) -> str:
    """Return one database of the name in a record: ``country of 2026-06-25`` of ``asn:…/country:2026-06-25``."""
    for part in geo.split("/"):
        found, _, date = part.partition(":")
        if found == kind and date:
            return f"{kind} of {date}"
    return geo or "of unknown name"


def labels(case: Case) -> str:
    """Return what stands behind networks and countries, with the share that lies in hosting and VPN networks."""
    hosted = sum(source.count for source in case.sources.values() if source.network_class in {"hosting", "vpn"})
    total = case.blamed or 1
    bases = ", ".join(sorted(case.geo)) or "of unknown name"
    return (
        f"Networks and countries are what the databases {bases} said of an address at that moment, nothing more; "
        f"{100 * hosted / total:.0f} % of the requests came from networks classed as hosting or VPN, whose country "
        "says little about who used them."
    )


def clock(states: list[dict[str, object] | None]) -> str:
    """Return how well the server's clock was kept when the segments were sealed."""
    known = [state for state in states if state is not None]
    if not known:
        return "The system did not tell how its clock was kept."
    good = [state for state in known if state["synchronised"]]
    worst = max((int(str(state["max_error_us"])) for state in good), default=0) / 1000
    if not good:
        return "No time service (NTP) kept the clock: the times may be wrong by an unknown amount."
    if len(good) == len(states):
        return f"The clock was kept by a time service (NTP) throughout, wrong by {worst:.0f} ms at most."
    return (
        f"When sealed, {len(good)} of {len(states)} segments had a clock kept by a time service (NTP; wrong by "
        f"{worst:.0f} ms at most); of the others the times may be wrong by an unknown amount."
    )
