"""``python -m benchmarks.challenge``: what a challenge costs: bytes, the browser's time, and ours.

Solving is timed in Debian's Chromium, in the way of the page (a worker, WebCrypto, eight tries at a time), from the
first try to the answer found. Our own part is counted in processor time of this process: neighbours do not matter.
"""

from __future__ import annotations

import base64
import json
import secrets
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import Browser, sync_playwright

from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import Outcome, check, difficulty, issue, solve
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.challenge_pages import ChallengePages, Occasion, Shown
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.proofs import Offer
from shieldproxy.guard.templates import read_page

CHROMIUM = Path("/usr/bin/chromium")
SECRET, BINDING, FAR = b"k" * 32, "0b" * 8, 4_000_000_000
# Of the usual work: who is not suspicious, and who is, once, twice, three and four times over.
TIMES = (1, 2, 4, 8, 16)
USUAL = ChallengePolicy().cost
# What costs most to refuse: each is as long as is read at all.
JUNK: Mapping[str, bytes] = {
    "right shape, wrong signature": b"",
    "deep objects": base64.b64encode(b'{"challenge":' * 46),
    "lists": base64.b64encode(b"[" * 600),
    "many numbers": base64.b64encode(b'{"challenge":{"parameters":{' + b'"a":1.5e9,' * 54 + b'"z":1}}}'),
    "no base64": b"%" * 800,
    "too long": b"A" * 100_000,
}


def puzzle(work: int) -> dict[str, Any]:
    """Return a fresh puzzle of ``work``, as ``puzzles.difficulty`` takes it."""
    return issue(SECRET, nonce=secrets.token_hex(16), work=work, expires=FAR, binding=BINDING)


def answered(asked: Mapping[str, Any], counter: int) -> bytes:
    """Return an answer as the page sends it."""
    document = {"challenge": asked, "solution": {"counter": counter, "derivedKey": "00" * 32}}
    return base64.b64encode(json.dumps(document).encode())


def page_sizes() -> dict[str, Any]:
    """Return the bytes of the first page with its headers, smallest and largest language."""
    phrasebook = Phrasebook()
    pages = ChallengePages(Appearance(contact="help@example.org"), phrasebook, ChallengePolicy(), "/.shieldproxy")
    text = json.dumps(puzzle(USUAL), separators=(",", ":")).encode()
    sizes: dict[str, int] = {}
    for language in phrasebook.languages:
        shown = Shown(Offer(text, b"t" * 90), "6743a1b2.0.01f3a77", "/forms?step=2", "0a" * 16, 10)
        reply = pages.show(Occasion.FIRST, language.encode(), shown)
        sizes[language] = len(reply.body) + sum(len(name) + len(value) + 4 for name, value in reply.headers)
    small, large = min(sizes, key=sizes.__getitem__), max(sizes, key=sizes.__getitem__)
    return {"smallest": [small, sizes[small]], "largest": [large, sizes[large]]}


def cpu_us(act: Callable[[], object], seconds: float) -> float:
    """Return microseconds of processor time of one ``act``: the least of five medians, each of a fifth of the time."""
    rounds = []
    for _ in range(5):
        count, started = 0, time.process_time()
        while (spent := time.process_time() - started) < seconds / 5:
            for _ in range(20):
                act()
            count += 20
        rounds.append(spent / count * 1e6)
    return min(rounds)


def our_part(seconds: float) -> dict[str, Any]:
    """Return what judging an answer costs us, by kind of answer, in microseconds of processor time."""
    asked = puzzle(USUAL)
    good = answered(asked, solve(asked))
    assert check(SECRET, good, binding=BINDING, now=0.0).outcome is Outcome.PASSED
    hard = answered(puzzle(USUAL * TIMES[-1]), 7)
    found = {
        "verifying, usual": cpu_us(lambda: check(SECRET, good, binding=BINDING, now=0.0), seconds),
        "verifying, hardest": cpu_us(lambda: check(SECRET, hard, binding=BINDING, now=0.0), seconds),
    }
    junk = {**JUNK, "right shape, wrong signature": answered({**asked, "signature": "0" * 64}, 1)}
    for name, payload in junk.items():
        assert check(SECRET, payload, binding=BINDING, now=0.0).outcome in {Outcome.GARBLED, Outcome.FORGED}
        found[f"junk, {name}"] = cpu_us(partial(check, SECRET, payload, binding=BINDING, now=0.0), seconds)
    return {name: round(value, 1) for name, value in found.items()}


def solver() -> str:
    """Return the page's own solver as a function of a puzzle that gives the milliseconds it took."""
    code = read_page("solver.js")
    work = code[code.index("  function work()") : code.index("  const ask = async")]
    return (
        f"async (puzzle) => {{ const progress = () => {{}}; {work}"
        "const started = performance.now(); const solution = await solve(puzzle);"
        "return [performance.now() - started, solution.counter]; }"
    )


def solve_times(browser: Browser, times: int, samples: int) -> dict[str, Any]:
    """Return how long Chromium takes for ``times`` the usual work: median and the slowest tenth, in milliseconds."""
    page = browser.new_page()
    page.route("**/*", lambda route: route.fulfill(status=200, content_type="text/html", body="<!doctype html>"))
    page.goto("http://localhost:9/")
    run = solver()
    page.evaluate(run, puzzle(10))
    taken: list[float] = []
    for _ in range(samples):
        asked = puzzle(USUAL * times)
        milliseconds, counter = page.evaluate(run, asked)
        assert check(SECRET, answered(asked, counter), binding=BINDING, now=0.0).outcome is Outcome.PASSED
        taken.append(milliseconds)
    page.close()
    taken.sort()
    cost, prefix = difficulty(USUAL * times)
    return {
        "work": USUAL * times,
        "cost": cost,
        "zeros": len(prefix),
        "median_ms": round(statistics.median(taken)),
        "p90_ms": round(taken[int(len(taken) * 0.9)]),
        "samples": samples,
    }


def in_chromium(samples: int) -> list[dict[str, Any]]:
    """Return the times by difficulty; none where there is no Chromium. Harder ones are sampled less often."""
    if not CHROMIUM.exists():
        return []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            return [solve_times(browser, times, max(5, samples // times)) for times in TIMES]
        finally:
            browser.close()


@click.command()
@click.option("--samples", default=60, show_default=True, type=click.IntRange(5, 1000), help="Puzzles of usual work.")
@click.option(
    "--seconds", default=1.0, show_default=True, type=click.FloatRange(0.01, 60), help="For each row of ours."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def main(*, samples: int, seconds: float, as_json: bool) -> None:
    """Measure what a challenge costs visitors and us."""
    found: dict[str, Any] = {"page": page_sizes(), "ours_us": our_part(seconds), "chromium": in_chromium(samples)}
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, (language, size) in found["page"].items():
        click.echo(f"page, {name}: {size} bytes with its headers ({language}), one request")
    for name, cost in found["ours_us"].items():
        click.echo(f"{name}: {cost} us of processor time, {1e6 / cost:,.0f} a second on one core")
    for row in found["chromium"]:
        click.echo(
            f"work {row['work']} ({row['zeros']} zeros, {row['cost']} a try): median {row['median_ms']} ms, "
            f"slowest tenth from {row['p90_ms']} ms, of {row['samples']}"
        )


if __name__ == "__main__":
    main()
