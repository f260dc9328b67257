"""Puzzles: work that a browser does in a blink and a flood cannot afford; and a time-lock for those without scripts.

The wire format is ALTCHA's proof of work, version 2: HMAC-SHA-256 over the canonical JSON of the parameters,
PBKDF2 (RFC 8018) over nonce and counter, solved when the derived key starts with ``keyPrefix``. Nothing is stored
to issue one; to accept one, its nonce is spent once (state room).
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

ALGORITHM = "PBKDF2/SHA-256"
KEY_LENGTH = 32
# One byte: 256 tries in the mean. One HTTP answer proves the whole work to the server with a single derivation.
KEY_PREFIX = "00"
# What one try may cost, in iterations: to verify an answer takes one try, about 0.3 ms. Harder puzzles take more tries.
MOST_COST = 1_000
# A further digit of the prefix is so many times as many tries.
DIGIT = 16
# Answers have 540 to 640 bytes, with the additions of ALTCHA's own widget; whatever is longer is not read.
MAX_ANSWER = 800
# An answer has objects in it five deep in all, and no list: what has more is junk that takes long to read.
MAX_OBJECTS = 6
MAX_COUNTER = 0xFFFFFFFF
SHAPE = {
    "algorithm": str,
    "cost": int,
    "data": dict,
    "expiresAt": int,
    "keyLength": int,
    "keyPrefix": str,
    "nonce": str,
    "salt": str,
}
FIXED = {"algorithm": ALGORITHM, "keyLength": KEY_LENGTH}
PREFIX = re.compile(r"0{2,8}")
HEXADECIMAL = re.compile(r"(?:[0-9a-f]{2})+")


class Outcome(StrEnum):
    """What became of an answer; every word but ``passed`` is a refusal and counted under it."""

    PASSED = "passed"
    GARBLED = "garbled"
    FORGED = "forged"
    EXPIRED = "expired"
    FOREIGN = "foreign"
    WRONG = "wrong"
    TOO_EARLY = "too_early"
    SPENT = "spent"


class Answer(NamedTuple):
    """A judged answer: ``nonce`` names the puzzle to spend; it is '' unless the outcome is PASSED."""

    outcome: Outcome
    nonce: str = ""
    expires: int = 0


class Difficulty(NamedTuple):
    """How hard a puzzle is: ``cost`` iterations of PBKDF2 a try, and the hexadecimal zeros a key must begin with."""

    cost: int
    prefix: str


def difficulty(work: int) -> Difficulty:
    """Return the puzzle that takes 256 times ``work`` iterations in the mean, and one cheap try to verify."""
    cost, prefix = work, KEY_PREFIX
    while cost > MOST_COST:
        cost, prefix = -(-cost // DIGIT), prefix + "0"
    return Difficulty(cost, prefix)


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces, the form that is signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signature(secret: bytes, parameters: object) -> str:
    """Return the hexadecimal HMAC-SHA-256 of the canonical parameters."""
    return hmac.digest(secret, canonical(parameters), "sha256").hex()


def issue(secret: bytes, *, nonce: str, work: int, expires: int, binding: str) -> dict[str, Any]:
    """Return a signed puzzle as the solver takes it.

    ``nonce`` is 32 hexadecimal digits of chance; ``work`` as ``difficulty`` takes it; ``expires`` unix seconds;
    ``binding`` whoever may answer.
    """
    cost, prefix = difficulty(work)
    parameters = {
        "algorithm": ALGORITHM,
        "cost": cost,
        "data": {"b": binding},
        "expiresAt": expires,
        "keyLength": KEY_LENGTH,
        "keyPrefix": prefix,
        "nonce": nonce,
        "salt": hashlib.sha256(nonce.encode()).hexdigest()[:32],
    }
    return {"parameters": parameters, "signature": signature(secret, parameters)}


def issue_text(secret: bytes, *, nonce: str, work: int, expires: int, binding: str) -> bytes:
    """Return what ``issue`` returns as the JSON text a page carries, in a third of the time.

    The canonical form is written out instead of sorted, so ``nonce`` and ``binding`` must be hexadecimal.
    """
    cost, prefix = difficulty(work)
    salt = hashlib.sha256(nonce.encode()).hexdigest()[:32]
    parameters = (
        f'{{"algorithm":"{ALGORITHM}","cost":{cost},"data":{{"b":"{binding}"}},"expiresAt":{expires},'
        f'"keyLength":{KEY_LENGTH},"keyPrefix":"{prefix}","nonce":"{nonce}","salt":"{salt}"}}'
    ).encode()
    signed = hmac.digest(secret, parameters, "sha256").hex().encode()
    return b'{"parameters":%b,"signature":"%b"}' % (parameters, signed)


def check(secret: bytes, payload: bytes, *, binding: str, now: float) -> Answer:
    """Judge a base64 answer; junk is refused before any work is done. Never raises. ``now`` is unix seconds."""
    return check_any((secret,), payload, binding=binding, now=now)


def check_any(secrets: Sequence[bytes], payload: bytes, *, binding: str, now: float) -> Answer:
    """Judge a base64 answer to a puzzle that one of ``secrets`` signed, so that keys can change under a page."""
    parsed = parse_answer(payload)
    if parsed is None:
        return Answer(Outcome.GARBLED)
    parameters, signed, counter = parsed
    # The shape comes first: the canonical form of what somebody else made up could take long to write.
    if not ours(parameters):
        return Answer(Outcome.FORGED)
    try:
        text = canonical(parameters)
    except ValueError:
        return Answer(Outcome.GARBLED)
    if not any(hmac.compare_digest(hmac.digest(secret, text, "sha256").hex(), signed) for secret in secrets):
        return Answer(Outcome.FORGED)
    if parameters["expiresAt"] <= now:
        return Answer(Outcome.EXPIRED)
    if parameters["data"]["b"] != binding:
        return Answer(Outcome.FOREIGN)
    if not derive(parameters, counter).hex().startswith(parameters["keyPrefix"]):
        return Answer(Outcome.WRONG)
    return Answer(Outcome.PASSED, parameters["nonce"], parameters["expiresAt"])


def parse_answer(payload: bytes) -> tuple[dict[str, Any], str, int] | None:
    """Return (parameters, signature, counter) of an answer, or None when it is none."""
    if len(payload) > MAX_ANSWER:
        return None
    try:
        text = binascii.a2b_base64(payload)
        if b"[" in text or text.count(b"{") > MAX_OBJECTS:
            return None
        document = json.loads(text)
        parameters = document["challenge"]["parameters"]
        signed = document["challenge"]["signature"]
        counter = document["solution"]["counter"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(parameters, dict) or not isinstance(signed, str) or not signed.isascii():
        return None
    if type(counter) is not int or not 0 <= counter <= MAX_COUNTER:
        return None
    return parameters, signed, counter


def ours(parameters: dict[str, Any]) -> bool:
    """Tell whether ``parameters`` have the shape we give; who shares the secret may mean another puzzle."""
    if {name: type(value) for name, value in parameters.items()} != SHAPE:
        return False
    if any(parameters[name] != value for name, value in FIXED.items()) or not 1 <= parameters["cost"] <= MOST_COST:
        return False
    data = parameters["data"]
    if len(data) != 1 or type(data.get("b")) is not str or PREFIX.fullmatch(parameters["keyPrefix"]) is None:
        return False
    return HEXADECIMAL.fullmatch(parameters["nonce"] + parameters["salt"]) is not None


def derive(parameters: dict[str, Any], counter: int) -> bytes:
    """Return the key of one try: PBKDF2-HMAC-SHA-256 over nonce and big-endian counter."""
    password = bytes.fromhex(parameters["nonce"]) + counter.to_bytes(4, "big")
    return hashlib.pbkdf2_hmac("sha256", password, bytes.fromhex(parameters["salt"]), parameters["cost"], KEY_LENGTH)


def solve(puzzle: dict[str, Any]) -> int:
    """Return a counter that solves ``puzzle``, as a browser would; for the demo, tests and benchmarks."""
    parameters = puzzle["parameters"]
    prefix = parameters["keyPrefix"]
    counter = 0
    while not derive(parameters, counter).hex().startswith(prefix):
        counter += 1
    return counter


def lock(secret: bytes, *, nonce: str, ready: int, expires: int, binding: str) -> str:
    """Return a form token that opens at ``ready`` and closes at ``expires`` (unix seconds), for ``binding`` alone."""
    body = f"{nonce}.{ready}.{expires}.{binding}"
    return f"{body}.{lock_tag(secret, body)}"


def unlock(secret: bytes, token: str, *, binding: str, now: float) -> Answer:
    """Judge a form token. Never raises. ``now`` is unix seconds.

    The token says whom it was given to, so that a visitor who changed the network (FOREIGN) is no forger.
    """
    if len(token) > MAX_ANSWER or not token.isascii():
        return Answer(Outcome.GARBLED)
    body, _, tag = token.rpartition(".")
    parts = body.split(".")
    if len(parts) != 4:
        return Answer(Outcome.GARBLED)
    nonce, ready, expires, bound = parts
    if not (ready.isdecimal() and expires.isdecimal()) or len(ready) > 12 or len(expires) > 12:
        return Answer(Outcome.GARBLED)
    if not hmac.compare_digest(lock_tag(secret, body), tag):
        return Answer(Outcome.FORGED)
    if int(expires) <= now:
        return Answer(Outcome.EXPIRED)
    if bound != binding:
        return Answer(Outcome.FOREIGN)
    if int(ready) > now:
        return Answer(Outcome.TOO_EARLY)
    return Answer(Outcome.PASSED, nonce, int(expires))


def lock_tag(secret: bytes, body: str) -> str:
    """Return the tag of a form token (its label keeps it apart from puzzles and clearances)."""
    return hmac.digest(secret, b"form\0" + body.encode(), "sha256").hex()[:32]
