"""Puzzles: the same as ALTCHA's, to be answered once by whom they were given to, and a time-lock for the others."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import altcha
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shieldproxy.core.puzzles import (
    ALGORITHM,
    MAX_ANSWER,
    MAX_COUNTER,
    MOST_COST,
    Answer,
    Outcome,
    canonical,
    check,
    derive,
    difficulty,
    issue,
    issue_text,
    lock,
    parse_answer,
    signature,
    solve,
    unlock,
)
from tests.strategies import any_text

SECRET = b"a secret of thirty-two bytes ...."
BINDING = "0123456789abcdef"
NONCE = "00112233445566778899aabbccddeeff"
NOW = 1_000.0
EXPIRES = 1_300
FAR = 4_000_000_000  # the package asks the clock of the machine
PUZZLE = issue(SECRET, nonce=NONCE, work=1, expires=EXPIRES, binding=BINDING)
COUNTER = solve(PUZZLE)
SOLVED = {"challenge": PUZZLE, "solution": {"counter": COUNTER, "derivedKey": "", "time": 12}}


def payload(document: object) -> bytes:
    """Return ``document`` as a browser sends it."""
    return base64.b64encode(json.dumps(document).encode())


def outcome(document: object, *, secret: bytes = SECRET, binding: str = BINDING, now: float = NOW) -> Outcome:
    """Return what becomes of ``document``."""
    answer = check(secret, payload(document), binding=binding, now=now)
    assert answer.outcome is Outcome.PASSED or answer == Answer(answer.outcome)
    return answer.outcome


def changed(**given_changes: object) -> dict[str, Any]:
    """Return the solved answer with ``a__b=value`` set at ``document["a"]["b"]``; a value of ... takes it out."""
    document = copy.deepcopy(SOLVED)
    for path, value in given_changes.items():
        *folders, name = path.split("__")
        place: Any = document
        for folder in folders:
            place = place[folder]
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return document


def signed(**parameters: object) -> dict[str, Any]:
    """Return an answer to a puzzle of other parameters that is signed with our secret all the same."""
    other = {name: value for name, value in {**PUZZLE["parameters"], **parameters}.items() if value is not ...}
    return changed(challenge={"parameters": other, "signature": signature(SECRET, other)})


def test_a_solved_puzzle_passes() -> None:
    """The right answer passes and names the puzzle to spend, and until when it must be remembered."""
    assert check(SECRET, payload(SOLVED), binding=BINDING, now=NOW) == Answer(Outcome.PASSED, NONCE, EXPIRES)


def wrong_counter() -> int:
    """Return a counter that does not solve the puzzle."""
    return next(n for n in range(1_000) if derive(PUZZLE["parameters"], n)[0] != 0)


MUTATED = [
    # --- another answer
    (changed(solution__counter=wrong_counter()), Outcome.WRONG),
    (changed(solution__counter=-1), Outcome.GARBLED),
    (changed(solution__counter=MAX_COUNTER + 1), Outcome.GARBLED),
    (changed(solution__counter=10**400), Outcome.GARBLED),
    (changed(solution__counter=str(COUNTER)), Outcome.GARBLED),
    (changed(solution__counter=float(COUNTER)), Outcome.GARBLED),
    (changed(solution__counter=True), Outcome.GARBLED),
    (changed(solution__counter=None), Outcome.GARBLED),
    (changed(solution__counter=[COUNTER]), Outcome.GARBLED),
    (changed(solution__counter=...), Outcome.GARBLED),
    (changed(solution=...), Outcome.GARBLED),
    (changed(solution=[]), Outcome.GARBLED),
    # --- an easier or a later puzzle than was given
    (changed(challenge__parameters__cost=0), Outcome.FORGED),
    (changed(challenge__parameters__cost=1.0), Outcome.FORGED),
    (changed(challenge__parameters__cost=True), Outcome.FORGED),
    (changed(challenge__parameters__keyPrefix=""), Outcome.FORGED),
    (changed(challenge__parameters__keyLength=1), Outcome.FORGED),
    (changed(challenge__parameters__expiresAt=EXPIRES + 1), Outcome.FORGED),
    (changed(challenge__parameters__expiresAt=float("inf")), Outcome.FORGED),
    (changed(challenge__parameters__expiresAt=...), Outcome.FORGED),
    (changed(challenge__parameters__nonce="ff" * 16), Outcome.FORGED),
    (changed(challenge__parameters__salt="ff" * 16), Outcome.FORGED),
    (changed(challenge__parameters__algorithm="SHA-256"), Outcome.FORGED),
    (changed(challenge__parameters__data={"b": "somebody else"}), Outcome.FORGED),
    (changed(challenge__parameters__data={}), Outcome.FORGED),
    (changed(challenge__parameters__more=1), Outcome.FORGED),
    (changed(challenge__parameters={}), Outcome.FORGED),
    # --- another signature
    (changed(challenge__signature="0" * 64), Outcome.FORGED),
    (changed(challenge__signature=PUZZLE["signature"].upper()), Outcome.FORGED),
    (changed(challenge__signature=PUZZLE["signature"] + " "), Outcome.FORGED),
    (changed(challenge__signature=""), Outcome.FORGED),
    (changed(challenge__signature="é"), Outcome.GARBLED),
    (changed(challenge__signature=None), Outcome.GARBLED),
    (changed(challenge__signature=7), Outcome.GARBLED),
    (changed(challenge__signature=...), Outcome.GARBLED),
    # --- another shape
    (changed(challenge__parameters=[]), Outcome.GARBLED),
    (changed(challenge__parameters=None), Outcome.GARBLED),
    (changed(challenge__parameters="x"), Outcome.GARBLED),
    (changed(challenge=...), Outcome.GARBLED),
    ({}, Outcome.GARBLED),
    ([], Outcome.GARBLED),
    ("challenge", Outcome.GARBLED),
    (None, Outcome.GARBLED),
    (7, Outcome.GARBLED),
    # --- lone surrogates, which JSON can carry and UTF-8 cannot
    (changed(challenge__parameters__nonce="\ud800"), Outcome.FORGED),
    (changed(challenge__parameters__data={"b": "\ud800"}), Outcome.GARBLED),
    (changed(challenge__signature="\ud800"), Outcome.GARBLED),
    # --- signed with our secret by somebody who means another puzzle
    (signed(data=...), Outcome.FORGED),
    (signed(data={}), Outcome.FORGED),
    (signed(data=[]), Outcome.GARBLED),
    (signed(expiresAt=...), Outcome.FORGED),
    (signed(expiresAt=None), Outcome.FORGED),
    (signed(expiresAt="never"), Outcome.FORGED),
    (signed(keyPrefix=""), Outcome.FORGED),
    (signed(keyPrefix="0"), Outcome.FORGED),
    (signed(keyPrefix="0" * 9), Outcome.FORGED),
    (signed(keyPrefix="00f"), Outcome.FORGED),
    (signed(cost=MOST_COST + 1), Outcome.FORGED),
    (signed(data={"b": 1}), Outcome.FORGED),
    (signed(data={"b": BINDING, "c": "1"}), Outcome.FORGED),
    (signed(keyLength=64), Outcome.FORGED),
    (signed(algorithm="SHA-256"), Outcome.FORGED),
    (signed(cost=0), Outcome.FORGED),
    (signed(cost="1"), Outcome.FORGED),
    (signed(nonce="no hexadecimal"), Outcome.FORGED),
    (signed(salt="abc"), Outcome.FORGED),
    (signed(keySignature="00"), Outcome.FORGED),
]


@pytest.mark.parametrize(("document", "expected"), MUTATED)
def test_every_other_answer_is_refused_under_its_word(document: object, expected: Outcome) -> None:
    """Whatever is changed in an answer, it is refused, and the word says what was wrong."""
    assert outcome(document) is expected


CIRCUMSTANCES = [
    # what is otherwise: the outcome
    ({"binding": "somebody else"}, Outcome.FOREIGN),
    ({"binding": ""}, Outcome.FOREIGN),
    ({"secret": b"another"}, Outcome.FORGED),
    ({"now": EXPIRES - 0.1}, Outcome.PASSED),
    ({"now": float(EXPIRES)}, Outcome.EXPIRED),
    ({"now": 1e12}, Outcome.EXPIRED),
    ({"now": 1e12, "binding": "somebody else"}, Outcome.EXPIRED),
]


@pytest.mark.parametrize(("otherwise", "expected"), CIRCUMSTANCES)
def test_a_right_answer_counts_for_whom_and_when_it_was_asked(otherwise: dict[str, Any], expected: Outcome) -> None:
    """Another client, another secret or a later time makes the right answer a wrong one."""
    assert outcome(SOLVED, **otherwise) is expected


BYTES = [
    b"",
    b"=",
    b"\x00",
    b"\xff" * 100,
    b"not base64 at all!",
    base64.b64encode(b"not json"),
    base64.b64encode(b"\xff\xfe\x00"),
    base64.b64encode(b"[" * 1_400),
    base64.b64encode(b'{"challenge":' * 100),
    base64.b64encode(b'{"solution":{"counter":' + b"9" * 1_400 + b"}}"),
    base64.b64encode(b"NaN"),
    payload(SOLVED) + b" " * MAX_ANSWER,
    b"A" * 10_000_000,
]


@pytest.mark.parametrize("data", BYTES, ids=lambda data: repr(data[:20]))
def test_junk_is_garbled(data: bytes) -> None:
    """What is no answer is refused before any work, however deep or long it is, without raising."""
    assert check(SECRET, data, binding=BINDING, now=NOW) == Answer(Outcome.GARBLED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
places = st.sampled_from(
    (
        *(f"challenge__parameters__{name}" for name in PUZZLE["parameters"]),
        "challenge__parameters__data__b",
        "challenge__parameters",
        "challenge__signature",
        "challenge",
        "solution__counter",
        "solution",
    )
)


@given(places, json_values)
def test_any_value_in_any_place_is_refused_or_the_same_answer(place: str, value: object) -> None:
    """No value in no place makes checking raise, and none but the right one passes."""
    found = check(SECRET, payload(changed(**{place: value})), binding=BINDING, now=NOW)
    if found.outcome is Outcome.PASSED:
        assert place == "solution__counter"
        assert derive(PUZZLE["parameters"], value)[0] == 0  # type: ignore[arg-type]  # it passed, so it is a counter


@given(st.one_of(st.binary(), json_values.map(payload)))
def test_any_bytes_are_refused_without_raising(data: bytes) -> None:
    """Nothing a stranger can send makes checking raise or pass."""
    assert check(SECRET, data, binding=BINDING, now=NOW).outcome in {Outcome.GARBLED, Outcome.FORGED}


@given(st.integers(0, len(payload(SOLVED)) * 8 - 1))
def test_a_flipped_bit_never_passes_as_another_puzzle(bit: int) -> None:
    """An answer damaged on its way is refused, or says the same as before (blanks and times are nobody's business)."""
    data = bytearray(payload(SOLVED))
    data[bit // 8] ^= 1 << bit % 8
    found = check(SECRET, bytes(data), binding=BINDING, now=NOW)
    assert found.outcome is not Outcome.PASSED or found == Answer(Outcome.PASSED, NONCE, EXPIRES)


# ---- how hard

WORKS = [
    # work, cost of a try, zeros
    (1, 1, "00"),
    (1_000, 1_000, "00"),
    (1_001, 63, "000"),
    (2_000, 125, "000"),
    (16_000, 1_000, "000"),
    (16_016, 63, "0000"),
    (100_000 * 64, 98, "000000"),
]


@pytest.mark.parametrize(("work", "cost", "prefix"), WORKS)
def test_harder_puzzles_take_more_tries_and_no_dearer_ones(work: int, cost: int, prefix: str) -> None:
    """The work in the mean is what was asked for, and a try, which is what verifying takes, never costs more."""
    found = difficulty(work)
    assert found == (cost, prefix)
    tries = 16 ** len(prefix)
    assert 0.9 <= 256 * work / (cost * tries) <= 1.0 + 1e-9
    assert cost <= MOST_COST


def test_a_puzzle_of_any_number_of_zeros_passes() -> None:
    """Three zeros are no whole bytes; who finds them is believed, who finds two of them is not."""
    puzzle = issue(SECRET, nonce=NONCE, work=MOST_COST + 1, expires=EXPIRES, binding=BINDING)
    puzzle["parameters"]["cost"] = 1  # a try of it costs a test too much
    puzzle["signature"] = signature(SECRET, puzzle["parameters"])
    counter = solve(puzzle)
    assert derive(puzzle["parameters"], counter).hex().startswith("000")
    answer = {"challenge": puzzle, "solution": {"counter": counter}}
    assert outcome(answer) is Outcome.PASSED
    near = next(c for c in range(100_000) if derive(puzzle["parameters"], c).hex()[:3] in {"001", "002", "003"})
    answer["solution"] = {"counter": near}
    assert outcome(answer) is Outcome.WRONG


def test_junk_that_takes_long_to_read_is_not_read() -> None:
    """Lists, deep objects and long texts are refused before anything parses them."""
    for document in (b"[" * 500, b'{"a":' * 100, b'{"challenge":{"parameters":[' + b"1.5e9," * 60):
        assert parse_answer(base64.b64encode(document)) is None


# ---- the altcha package, both ways


def test_altcha_solves_and_verifies_what_we_issue() -> None:
    """The package takes our puzzle for its own: same signature, same derivation, same end."""
    puzzle = issue(SECRET, nonce=NONCE, work=10, expires=FAR, binding=BINDING)
    challenge = altcha.Challenge.from_dict(puzzle)
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    assert solution.counter == solve(puzzle)
    verified = altcha.verify_solution(altcha.Payload(challenge, solution), SECRET)
    assert verified.verified
    answer = check(SECRET, altcha.Payload(challenge, solution).to_base64().encode(), binding=BINDING, now=NOW)
    assert answer.outcome is Outcome.PASSED


def test_we_solve_and_check_what_altcha_issues() -> None:
    """A puzzle of the package with our parameters is solved and checked here like one of ours."""
    challenge = altcha.create_challenge(ALGORITHM, 10, expires_at=EXPIRES, data={"b": BINDING}, hmac_secret=SECRET)
    puzzle = challenge.to_dict()
    counter = solve(puzzle)
    solution = altcha.Solution(counter, derive(puzzle["parameters"], counter).hex())
    sent = altcha.Payload(challenge, solution).to_base64().encode()
    assert len(sent) < MAX_ANSWER
    assert check(SECRET, sent, binding=BINDING, now=NOW) == Answer(Outcome.PASSED, challenge.parameters.nonce, EXPIRES)
    forged = altcha.create_challenge(ALGORITHM, 10, expires_at=EXPIRES, data={"b": BINDING}, hmac_secret=b"other")
    sent = altcha.Payload(forged, solution).to_base64().encode()
    assert check(SECRET, sent, binding=BINDING, now=NOW) == Answer(Outcome.FORGED)


@settings(max_examples=25)
@given(st.binary(min_size=16, max_size=16).map(bytes.hex), st.integers(1, 5), st.integers(2**31, 2**40), st.binary())
def test_signatures_are_altchas(nonce: str, cost: int, expires: int, binding: bytes) -> None:
    """For any puzzle the package computes the signature that we do, so both know a forgery from a puzzle."""
    puzzle = issue(SECRET, nonce=nonce, work=cost, expires=expires, binding=binding.hex())
    solution = altcha.Solution(0, derive(puzzle["parameters"], 0).hex())
    verified = altcha.verify_solution(altcha.Payload(altcha.Challenge.from_dict(puzzle), solution), SECRET)
    assert verified.invalid_signature is False


@given(
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.integers(1, 10**6),
    st.integers(0, 2**40),
    st.binary(max_size=16).map(bytes.hex),
)
def test_a_puzzle_written_out_is_the_same_puzzle(nonce: str, cost: int, expires: int, binding: str) -> None:
    """The fast way to write a puzzle into a page says what the slow one says, signature included."""
    written = json.loads(issue_text(SECRET, nonce=nonce, work=cost, expires=expires, binding=binding))
    assert written == issue(SECRET, nonce=nonce, work=cost, expires=expires, binding=binding)


def test_a_puzzle_tells_the_client_nothing_but_the_work() -> None:
    """What is sent is parameters and signature; the secret is in neither."""
    text = json.dumps(PUZZLE)
    assert set(PUZZLE) == {"parameters", "signature"}
    assert SECRET.hex() not in text
    assert SECRET.decode() not in text


def test_canonical_json_is_sorted_and_tight() -> None:
    """Keys in order, no blanks, letters as they are: the form that both sides sign."""
    assert canonical({"b": [1, {"z": None, "a": "é"}], "a": True}) == '{"a":true,"b":[1,{"a":"é","z":null}]}'.encode()


# ---- the form with the time-lock

READY = 1_003
TOKEN = lock(SECRET, nonce=NONCE, ready=READY, expires=EXPIRES, binding=BINDING)


def unlocked(token: str = TOKEN, *, secret: bytes = SECRET, binding: str = BINDING, now: float = 1_010.0) -> Answer:
    """Return what becomes of a form token in good time."""
    return unlock(secret, token, binding=binding, now=now)


LOCKS = [
    # in time
    (unlocked(), Answer(Outcome.PASSED, NONCE, EXPIRES)),
    (unlocked(now=float(READY)), Answer(Outcome.PASSED, NONCE, EXPIRES)),
    (unlocked(now=READY - 0.1), Answer(Outcome.TOO_EARLY)),
    (unlocked(now=0.0), Answer(Outcome.TOO_EARLY)),
    (unlocked(now=EXPIRES - 0.1), Answer(Outcome.PASSED, NONCE, EXPIRES)),
    (unlocked(now=float(EXPIRES)), Answer(Outcome.EXPIRED)),
    # for one client and one secret
    (unlocked(binding="somebody else"), Answer(Outcome.FOREIGN)),
    (unlocked(secret=b"another"), Answer(Outcome.FORGED)),
    # opened earlier, kept longer, used again under another name
    (unlocked(TOKEN.replace(f".{READY}.", ".0.")), Answer(Outcome.FORGED)),
    (unlocked(TOKEN.replace(f".{EXPIRES}.", ".999999.")), Answer(Outcome.FORGED)),
    (unlocked(TOKEN.replace(NONCE, "ff" * 16)), Answer(Outcome.FORGED)),
    (unlocked(TOKEN.replace(f".{READY}.", f".0{READY}.")), Answer(Outcome.FORGED)),
    (unlocked(TOKEN[:-1]), Answer(Outcome.FORGED)),
    (unlocked(TOKEN + "0"), Answer(Outcome.FORGED)),
    (unlocked(TOKEN.upper()), Answer(Outcome.FORGED)),
    # no token
    (unlocked(""), Answer(Outcome.GARBLED)),
    (unlocked("..."), Answer(Outcome.GARBLED)),
    (unlocked(TOKEN + "."), Answer(Outcome.GARBLED)),
    # whom it is for is read from the token, and signed like the rest
    (unlocked(TOKEN.replace(BINDING, "somebody else"), binding="somebody else"), Answer(Outcome.FORGED)),
    (unlocked(binding="somebody else", now=float(EXPIRES)), Answer(Outcome.EXPIRED)),
    (unlocked(f"{NONCE}.-1.{EXPIRES}.{BINDING}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"{NONCE}.1.5.{EXPIRES}.{BINDING}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"{NONCE}.1e3.{EXPIRES}.{BINDING}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"{NONCE}.{'9' * 13}.{EXPIRES}.{BINDING}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"{NONCE}.{READY}.{'9' * 100}.{BINDING}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"{NONCE}.\u0661.{EXPIRES}.{BINDING}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"\udcff.{READY}.{EXPIRES}.00"), Answer(Outcome.GARBLED)),
    (unlocked(f"{NONCE}.{READY}.{EXPIRES}.{BINDING}.é"), Answer(Outcome.GARBLED)),
    (unlocked("." * 10_000_000), Answer(Outcome.GARBLED)),
    # a puzzle's signature or a clearance's tag is no lock's
    (unlocked(f"{NONCE}.{READY}.{EXPIRES}.{BINDING}.{PUZZLE['signature'][:32]}"), Answer(Outcome.FORGED)),
]


@pytest.mark.parametrize(("found", "expected"), LOCKS)
def test_a_form_opens_in_its_time_for_its_client(found: Answer, expected: Answer) -> None:
    """Too early, too late, somebody else's, changed or junk: each is refused under its word."""
    assert found == expected


def test_every_flipped_bit_of_a_form_token_is_refused() -> None:
    """Whichever bit of the text changes, the form does not open."""
    for bit in range(len(TOKEN) * 7):
        letters = list(TOKEN)
        letters[bit // 7] = chr(ord(letters[bit // 7]) ^ 1 << bit % 7)
        assert unlocked("".join(letters)).outcome in {Outcome.FORGED, Outcome.GARBLED}


tokens = st.lists(st.one_of(any_text, st.integers(0, 10**13).map(str)), min_size=5, max_size=5).map(".".join)


@given(st.one_of(any_text, tokens), any_text)
def test_any_text_leaves_the_form_locked(token: str, binding: str) -> None:
    """Nothing a stranger can send makes unlocking raise or pass."""
    if binding.encode("utf-8", "replace").decode() != binding:
        return
    assert unlock(SECRET, token, binding=binding, now=NOW).outcome in {Outcome.GARBLED, Outcome.FORGED}


@given(
    st.binary(min_size=16, max_size=16).map(bytes.hex), st.integers(0, 10**10), st.integers(1, 10**6), st.floats(0, 1)
)
def test_a_lock_opens_between_its_times(nonce: str, ready: int, lasts: int, moment: float) -> None:
    """Every token opens at any moment from ready until it expires."""
    token = lock(SECRET, nonce=nonce, ready=ready, expires=ready + lasts, binding=BINDING)
    now = ready + moment * (lasts - 0.5)
    assert unlocked(token, now=now) == Answer(Outcome.PASSED, nonce, ready + lasts)
