"""Synthesis: a month of records that nobody asked for, made by DuckDB, the same from the same seed.

Three fifths are people: sessions of a dozen requests, most of them by day, from a pool of clients that come again; a
tenth of them speaks IPv6. Two fifths are three floods on three days: 948 addresses for five hours and a half, 100,000
for an hour, 20,000 for three hours; refusals there stand for up to 50 requests. Everything of one day is made at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

# 2026-10-01T00:00:00Z.
MONTH = 1_790_812_800
DAYS = 31
WORKERS = 2
SESSION = 12


class Flood(NamedTuple):
    """A flood: on which day, from which second of it, for how many, from how many addresses, its share of records."""

    day: int
    second: int
    seconds: int
    addresses: int
    share: float


FLOODS = (
    Flood(9, 22_600, 19_800, 948, 0.12),
    Flood(17, 50_000, 3_600, 100_000, 0.15),
    Flood(26, 70_000, 10_800, 20_000, 0.13),
)
PEOPLE = 1.0 - sum(flood.share for flood in FLOODS)

AGENTS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' || {0} || '.0.0.0"
# What differs in a line beside this is the same in every line of the journal's own node.
FIELDS = """1 AS v, ts, id, 'bench' AS node, src_ip, 40000 + n % 20000 AS src_port, '192.0.2.1' AS dst_ip,
    443 AS dst_port, client, asn, 'Network of AS' || asn AS as_name, country, network_class, method,
    'www.example.org' AS host, path, query, '1.1' AS http, 'yes' AS tls, '' AS ja4, user_agent, referer, fingerprint,
    action, true AS enforced, stage, rule, reasons, 0 AS suspicion,
    CASE WHEN action = 'throttle' THEN 1.5 ELSE 0.0 END AS retry_after, status, bytes_in, bytes_out, duration_us,
    '' AS side, challenge, posture, '' AS episode, 'abcdef012345' AS policy,
    'asn 2026-09-29, country 2026-09-29' AS geo, weight,
    CASE WHEN action = 'admit' THEN {'client': 40.5} ELSE {'client': -0.5} END AS buckets, 0 AS lost_before"""


def begin(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Make the functions the synthesis is written in: ``dice`` is a whole number from 0 to ``sides`` - 1."""
    connection.execute(f"CREATE MACRO dice(n, salt, sides) AS CAST(hash(n, salt, {seed}) % sides AS BIGINT)")
    connection.execute(
        """CREATE MACRO someone(person) AS CASE WHEN person % 10 = 0
        THEN '2a0' || (1 + dice(person, 'a', 9)) || ':' || format('{:x}', 256 + dice(person, 'b', 3800)) || ':'
            || format('{:x}', 1 + dice(person, 'c', 65535)) || ':' || format('{:x}', 1 + dice(person, 'd', 65535))
        ELSE (11 + dice(person, 'e', 180)) || '.' || dice(person, 'f', 250) || '.' || dice(person, 'g', 250) || '.'
            || (1 + dice(person, 'h', 250)) END"""
    )
    # Hosts of a botnet lie in a few hundred neighbourhoods.
    connection.execute(
        """CREATE MACRO bot(place, one) AS (100 + place) || '.' || dice(one, place, 24) || '.'
        || dice(one, place + 10, 200) || '.' || (1 + dice(one, place + 20, 250))"""
    )
    connection.execute("CREATE MACRO stamp(ms) AS strftime(make_timestamp(ms * 1000), '%Y-%m-%dT%H:%M:%S.%fZ')")


def day_of(day: int, records: int) -> str:
    """Return the SELECT of the records of ``day`` (0 is the first) of a month of ``records``, in no order."""
    parts = [_people(day, round(records * PEOPLE / DAYS), people=max(1_000, records // 50))]
    parts += [
        _flood(number, flood, round(records * flood.share)) for number, flood in enumerate(FLOODS) if flood.day == day
    ]
    return f"SELECT {FIELDS} FROM ({' UNION ALL '.join(parts)})"


def _people(day: int, records: int, people: int) -> str:
    start, first = (MONTH + day * 86_400) * 1000, day * records
    # A sum of three dice is most often in the middle of the day.
    moment = "(dice(visit, 'x', 28800000) + dice(visit, 'y', 28800000) + dice(visit, 'z', 28760000))"
    return f"""SELECT n, visit, stamp(ms) AS ts, format('{{:08x}}.0.{{:x}}', ms // 1000, n) AS id,
        who || CASE WHEN person % 10 = 0 THEN '::' || format('{{:x}}', 1 + dice(visit, 'i', 65535)) ELSE '' END
        AS src_ip,
        who || CASE WHEN person % 10 = 0 THEN '::/64' ELSE '' END AS client,
        3300 + dice(person % 400, 'asn', 60000) AS asn,
        ['LI', 'CH', 'CH', 'CH', 'DE', 'AT', 'FR', 'IT'][1 + dice(person, 'cc', 8)] AS country,
        CASE WHEN person % 30 = 0 THEN 'hosting' WHEN person % 5 = 0 THEN 'other' ELSE 'carrier' END AS network_class,
        'GET' AS method,
        CASE WHEN n % 3 = 0 THEN '/page/' || CAST(sqrt(dice(n, 'p', 9000000)) AS BIGINT)
            ELSE '/static/part-' || dice(n, 'q', 120) || '.css' END AS path,
        CASE WHEN n % 40 = 0 THEN 'q=' || dice(n, 'r', 100000) ELSE '' END AS query,
        '{AGENTS.format("(100 + person % 47)")}' || ' ' || person % 6 AS user_agent,
        'https://www.example.org/page/' || dice(n, 's', 3000) AS referer,
        format('{{:012x}}', 1000003 * (person % 37)) AS fingerprint,
        CASE WHEN n % 300 = 0 THEN 'challenge' ELSE 'admit' END AS action,
        CASE WHEN n % 300 = 0 THEN 'tightened' WHEN n % 7 = 0 THEN 'cleared' ELSE 'admit' END AS stage,
        CASE WHEN n % 300 = 0 THEN 'network' WHEN n % 7 = 0 THEN 'clearance' ELSE '' END AS rule,
        CASE WHEN n % 300 = 0 THEN ['an excess of its network'] ELSE [] END AS reasons,
        CASE WHEN n % 300 = 0 THEN 503 WHEN n % 90 = 0 THEN 404 ELSE 200 END AS status,
        0 AS bytes_in, 400 + dice(n, 't', 60000) AS bytes_out, 800 + dice(n, 'u', 90000) AS duration_us,
        CASE WHEN n % 300 = 0 THEN 'issued' WHEN n % 300 = 1 THEN 'passed' ELSE '' END AS challenge,
        'calm' AS posture, 1 AS weight
        FROM (SELECT n, visit, person, someone(person) AS who,
            {start} + {moment} + (n % {SESSION}) * 2500 + dice(n, 'w', 2000) AS ms
            FROM (SELECT range AS n, range // {SESSION} AS visit,
                CAST({people} * pow(dice(range // {SESSION}, 'v', 1000000) / 1e6, 2) AS BIGINT) AS person
                FROM range({first}, {first + records})))"""


def _flood(number: int, flood: Flood, records: int) -> str:
    start = (MONTH + flood.day * 86_400 + flood.second) * 1000
    return f"""SELECT n, n AS visit, stamp(ms) AS ts, format('{{:08x}}.1.{{:x}}', ms // 1000, n) AS id,
        who AS src_ip, who AS client, 60000 + {number} * 50 + one % 11 AS asn,
        ['NL', 'US', 'RU', 'SE'][1 + one % 4] AS country, 'hosting' AS network_class, 'GET' AS method,
        CASE WHEN n % 4 = 0 THEN '/page/' || dice(n, 'p', 3000) ELSE '/search' END AS path,
        CASE WHEN n % 4 = 0 THEN '' ELSE 'q=' || dice(n, 'q', 1000000) END AS query,
        '{AGENTS.format("(90 + one % 20)")}' AS user_agent, '' AS referer,
        format('{{:012x}}', 7000001 + {number}) AS fingerprint,
        CASE WHEN n % 50 = 0 THEN 'admit' WHEN n % 3 = 0 THEN 'throttle' ELSE 'challenge' END AS action,
        CASE WHEN n % 50 = 0 THEN 'admit' WHEN n % 3 = 0 THEN 'over_own_limit' ELSE 'tightened' END AS stage,
        CASE WHEN n % 50 = 0 THEN '' WHEN n % 3 = 0 THEN 'client' ELSE 'network' END AS rule,
        CASE WHEN n % 50 = 0 THEN [] ELSE ['more than is usual'] END AS reasons,
        CASE WHEN n % 50 = 0 THEN 200 WHEN n % 3 = 0 THEN 429 ELSE 503 END AS status,
        0 AS bytes_in, 900 + dice(n, 't', 5000) AS bytes_out, 90 + dice(n, 'u', 400) AS duration_us,
        CASE WHEN n % 50 <> 0 AND n % 3 <> 0 THEN 'issued' ELSE '' END AS challenge,
        'under_attack' AS posture, CASE WHEN n % 3 = 0 AND n % 50 <> 0 THEN 1 + dice(n, 'x', 50) ELSE 1 END AS weight
        FROM (SELECT range AS n, dice(range, 'o', {flood.addresses}) AS one, bot({number}, one) AS who,
            {start} + dice(range, 'm', {flood.seconds * 1000}) AS ms FROM range({records}))"""
