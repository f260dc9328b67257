"""Clearances: what is sealed is unsealed, by whom it was given to, where, and as long as it holds."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.clearance import (
    KINDS,
    LAYOUT,
    TOKEN_LENGTH,
    Clearance,
    Kind,
    Refusal,
    bind,
    decode,
    encode,
    seal,
    sign,
    unseal,
)
from tests.strategies import any_text, clearances

KEY, OLD_KEY, OTHER_KEY = b"k" * 32, b"o" * 32, b"x" * 32
BINDING = bind("192.0.2.0/24", b"Firefox")
GIVEN = Clearance("00112233445566ff", Kind.WORK, 2_000, 3)
TOKEN = seal(KEY, GIVEN, BINDING)


def opened(
    token: str, *, keys: tuple[bytes, ...] = (KEY,), binding: bytes = BINDING, now: float = 1_000.0, epoch: int = 3
) -> Clearance | Refusal:
    """Return what a verifier with one key, the right binding, time and epoch says, changed by what is given."""
    return unseal(keys, token, binding=binding, now=now, epoch=epoch)


@given(clearances, st.binary(min_size=1, max_size=64), st.binary(min_size=8, max_size=8))
def test_what_is_sealed_is_unsealed(clearance: Clearance, key: bytes, binding: bytes) -> None:
    """Every clearance comes out of its token as it went in, one second before it expires."""
    token = seal(key, clearance, binding)
    assert len(token) == TOKEN_LENGTH
    assert unseal([key], token, binding=binding, now=clearance.expires - 1, epoch=clearance.epoch) == clearance


def test_a_token_can_be_a_cookie_and_a_word_of_a_log() -> None:
    """A token is letters, digits, dash, underscore and one dot."""
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert TOKEN.count(".") == 1


def test_every_flipped_bit_of_the_bytes_is_refused() -> None:
    """Whichever bit of body or tag changes, the token is forged."""
    body, tag = (decode(part) for part in TOKEN.split("."))
    for data, place in ((body, 0), (tag, 1)):
        for bit in range(len(data) * 8):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            parts = [encode(body), encode(tag)]
            parts[place] = encode(bytes(changed))
            assert opened(".".join(parts)) is Refusal.FORGED


def test_every_flipped_bit_of_the_text_is_refused() -> None:
    """A token has one spelling: not even the unused bits of its last letter may differ."""
    for bit in range(len(TOKEN) * 7):
        changed = list(TOKEN)
        changed[bit // 7] = chr(ord(changed[bit // 7]) ^ 1 << bit % 7)
        assert opened("".join(changed)) is Refusal.FORGED


NO_TOKENS = [
    # nothing and pieces
    "",
    ".",
    TOKEN.partition(".")[0],
    TOKEN.partition(".")[0] + ".",
    "." + TOKEN.partition(".")[2],
    # too long, too short, padded, quoted
    TOKEN + "A",
    TOKEN[:-1],
    TOKEN + "=",
    TOKEN[:-1] + "=",
    f'"{TOKEN}"',
    " " + TOKEN[:-1],
    # the halves changed over, and a dot too many
    ".".join(reversed(TOKEN.split("."))),
    TOKEN[:-1] + ".",
    # letters base64 does not have, and none of ASCII
    "!" * TOKEN_LENGTH,
    "é" * TOKEN_LENGTH,
    "\udcff" * TOKEN_LENGTH,
    "\0" * TOKEN_LENGTH,
    "A" * 1_000_000,
]


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: repr(token[:20]))
def test_what_is_no_token_is_forged(token: str) -> None:
    """Pieces, junk and other spellings are refused like forgeries, without raising."""
    assert opened(token) is Refusal.FORGED


def test_the_other_alphabet_is_another_spelling() -> None:
    """A token whose dashes and underscores are written as plus and slash is refused."""
    for serial in range(256):
        token = seal(KEY, GIVEN._replace(serial=f"{serial:016x}"), BINDING)
        other = token.replace("-", "+").replace("_", "/")
        assert other == token or opened(other) is Refusal.FORGED


@given(st.one_of(any_text, st.text(st.sampled_from(TOKEN + "+/="), min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)))
def test_any_text_is_refused_without_raising(token: str) -> None:
    """Nothing that a cookie can hold makes the verifier raise or pass."""
    assert token == TOKEN or opened(token) is Refusal.FORGED


REFUSED = [
    # elsewhere, with another browser
    (opened(TOKEN, binding=bind("198.51.100.0/24", b"Firefox")), Refusal.FOREIGN),
    (opened(TOKEN, binding=bind("192.0.2.0/24", b"curl")), Refusal.FOREIGN),
    # in time
    (opened(TOKEN, now=1_999.9), GIVEN),
    (opened(TOKEN, now=2_000.0), Refusal.EXPIRED),
    (opened(TOKEN, now=1e12), Refusal.EXPIRED),
    # by epoch
    (opened(TOKEN, epoch=2), GIVEN),
    (opened(TOKEN, epoch=4), Refusal.REVOKED),
    # by key: an old one holds as long as it is in the ring
    (opened(TOKEN, keys=(OTHER_KEY, KEY)), GIVEN),
    (opened(seal(OLD_KEY, GIVEN, BINDING), keys=(KEY, OLD_KEY)), GIVEN),
    (opened(seal(OLD_KEY, GIVEN, BINDING), keys=(KEY,)), Refusal.FORGED),
    (opened(TOKEN, keys=()), Refusal.FORGED),
    # several reasons: a forger learns nothing else
    (opened(TOKEN, keys=(OTHER_KEY,), binding=b"\0" * 8, now=1e12, epoch=9), Refusal.FORGED),
    (opened(TOKEN, binding=b"\0" * 8, now=1e12, epoch=9), Refusal.EXPIRED),
]


@pytest.mark.parametrize(("found", "expected"), REFUSED)
def test_a_clearance_holds_where_when_and_for_whom_it_was_given(found: object, expected: object) -> None:
    """Another place, browser, time, epoch or key is refused under its own word."""
    assert found == expected


def test_a_signed_body_of_another_kind_is_refused() -> None:
    """A later version or a kind we do not know is no clearance, though we signed it."""
    for version, kind in ((0, 0), (2, 0), (255, 0), (1, len(KINDS)), (1, 255)):
        body = LAYOUT.pack(version, kind, 3, 2_000, bytes(8), BINDING)
        assert opened(f"{encode(body)}.{encode(sign(KEY, body))}") is Refusal.FORGED


def test_a_tag_speaks_for_its_body_alone() -> None:
    """The tag of one clearance does not serve another."""
    other = seal(KEY, GIVEN._replace(expires=9_999_999), BINDING)
    body, tag = other.partition(".")[0], TOKEN.partition(".")[2]
    assert opened(f"{body}.{tag}") is Refusal.FORGED


def test_kinds_keep_their_numbers() -> None:
    """The order of kinds is the wire format: tokens of last week must still say the same."""
    assert KINDS == (Kind.WORK, Kind.FORM)
    assert LAYOUT.size == 30


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
)
def test_bindings_are_apart(prefix: str, agent: bytes, other_prefix: str, other_agent: bytes) -> None:
    """Different places or browsers have different bindings, and a binding fits its field."""
    mine, other = bind(prefix, agent), bind(other_prefix, other_agent)
    assert len(mine) == 8
    same = prefix.encode() + b"\0" + agent == other_prefix.encode() + b"\0" + other_agent
    assert (mine == other) is same


@given(st.binary())
def test_base64url_is_the_standards(data: bytes) -> None:
    """Encoding is RFC 4648's without padding, and decoding takes it back."""
    assert encode(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert decode(encode(data)) == data


@given(any_text)
def test_decoding_never_raises(text: str) -> None:
    """What is no base64url decodes to nothing."""
    assert isinstance(decode(text), bytes)
