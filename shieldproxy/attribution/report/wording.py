"""Wording: sentences that say no more than the records do. Numbers come with what they count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shieldproxy.attribution.linking import percent

Content = Mapping[str, Any]

EGRESS = (
    "An address is where a connection came from last (egress); it does not say where the person behind it is, nor who "
    "gave the order. Hosting, VPN and carrier networks carry the traffic of others."
)
HANDSHAKE = (
    "Every request here came over a completed TCP handshake, so its source address was not merely written on a packet: "
    "something at that address, or on the way to it, answered."
)
CLIENTS = (
    "Addresses are counted as clients: /32 of IPv4, /64 of IPv6. An address is not a person; several may share one, "
    "and one may have many."
)


def number(value: float) -> str:
    """Return a count with its thousands apart."""
    return f"{value:,.0f}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def moment(ts: str) -> str:
    """Return a ts for people, to the second, UTC."""
    return ts[:19].replace("T", " ")


def lasting(seconds: float) -> str:
    """Return a span of time in its two largest units."""
    rest = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def country_database(content: Content) -> str:
    """Return by which database countries are told, with its date, as records name it."""
    names = [name.partition("country:")[2] for name in content["databases"] if "country:" in name]
    dated = [f"the country database of {name}" for name in names if name and name != "none"]
    return " and ".join(dated[:2]) or "no known database"


def headline(content: Content) -> list[str]:
    """Return what somebody reads who reads nothing else."""
    if not content["site"]["requests"]:
        return [f"{content['title']}: there is no record of any request in this time."]
    counts, site, bots = content["counts"], content["site"], content["bots"]["requests"]
    found = [plural(counts["attack"], "attack")]
    found += [plural(counts["surge"], "surge of people", "surges of people")] if counts["surge"] else []
    found += [plural(counts["unclear"], "episode") + " that the signs do not decide"] if counts["unclear"] else []
    lines = [f"{content['title']}: {_listed(found)}."]
    lines.append(
        f"{plural(site['requests'], 'request')} from {plural(site['addresses'], 'address', 'addresses')} "
        f"({number(site['v4'])} IPv4, {number(site['v6'])} IPv6 /64); {number(site['stopped'])} "
        f"({percent(site['stopped'] / site['requests'])}) were stopped, {number(site['reached'])} reached the site."
    )
    lines.append(
        f"Bots made {percent(bots['low'])} of all requests at least, {percent(bots['high'])} at most (defined below)."
    )
    if content["lost"]:
        lines.append(
            f"{plural(content['lost'], 'request')} went unrecorded in this time and are in none of the numbers."
        )
    return lines


def verdict(episode: Mapping[str, Any]) -> str:
    """Return what an episode was, how sure, and by which signs."""
    opinion = episode["opinion"]
    word = {"attack": "an attack", "surge": "a surge of people", "unclear": "not decided by the signs"}[opinion["word"]]
    signs = "; ".join(sign["words"] for sign in opinion["signs"]) or "no sign spoke"
    sure = f" (weighed {percent(opinion['sureness'])} sure)" if opinion["word"] != "unclear" else ""
    return f"It was {word}{sure}: {signs}."


def story(episode: Mapping[str, Any]) -> list[str]:
    """Return an episode in sentences."""
    attack, span = episode["attack"], f"{moment(episode['start'])} to {moment(episode['end'])} UTC"
    still = ", and it goes on" if episode["ongoing"] else ""
    who = episode["who"]
    lines = [
        (
            f"{span}, {lasting(episode['seconds'])}{still}. Peak {number(episode['peak'])} requests a second "
            f"at {moment(episode['peak_at'])}."
        ),
        verdict(episode),
        (
            f"{plural(attack['requests'], 'request')} from {plural(attack['addresses'], 'address', 'addresses')} in "
            f"{plural(who['networks']['total'], 'neighbourhood')} (/24, /48) and "
            f"{plural(who['asns']['total'], 'network')} (ASN), counting {episode['suspects']['words']}."
        ),
        _top_networks(who["asns"]["groups"]),
        (
            f"{number(attack['requests'] - attack['reached'])} of them were stopped, "
            f"{number(attack['reached'])} reached the site."
        ),
    ]
    lines += mistaken(episode["mistakes"])
    lines.append(service(episode["origin"]))
    lines += [f"{link['words'][0].upper()}{link['words'][1:]}." for link in episode.get("links", [])[:5]]
    return [line for line in lines if line]


def mistaken(found: Mapping[str, int]) -> list[str]:
    """Return who was hit by mistake, with the definition, and what cannot be known."""
    line = (
        f"Refused by mistake: {plural(found['refused_people'], 'client')} that passed a challenge or held a clearance "
        f"were throttled or refused all the same ({plural(found['refused_requests'], 'request')})"
    )
    if found["may_be_people"]:
        line += (
            f"; {plural(found['may_be_people'], 'client')} among the stopped asked only once or twice and went away: "
            "some may have been people"
        )
    return [f"{line}."]


def service(origin: Mapping[str, Any]) -> str:
    """Return how the origin fared before, during and after."""
    parts = []
    for name in ("before", "during", "after"):
        one = origin[name]
        if not one["requests"]:
            parts.append(f"{name} no requests")
            continue
        errors = percent(one["errors"] / one["requests"])
        parts.append(f"{name} {one['mean_ms']:.0f} ms on average (95 % within {one['p95_ms']:.0f} ms), {errors} failed")
    return f"The site's answers: {'; '.join(parts)}."


def countries(content: Content) -> str:
    """Return what the table of countries means."""
    return (
        f"Where {country_database(content)} places the addresses; beside it, how much of it came from hosting or VPN "
        "networks, whose country is seldom that of those who use them."
    )


def _top_networks(groups: list[Mapping[str, Any]]) -> str:
    named = [f"AS{group['key']} {group['name']} {percent(group['share'])}".replace("  ", " ") for group in groups[:3]]
    total = percent(sum(group["share"] for group in groups[:3]))
    return f"Heaviest networks: {', '.join(named)}; together {total}." if named else ""


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
