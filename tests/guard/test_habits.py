"""Habits: remembered answers are the answers the rules give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Crawler
from shieldproxy.core.rules import Condition, HeaderTest, Rule, compile_globs
from shieldproxy.guard.habits import GROUPS, LONGEST, WAYS, Habits, HabitsOfAll
from tests.scenes import request

RULES = (
    Rule("network alone", Condition(country=frozenset(("XX",))), weight=1),
    Rule("agent", Condition(user_agent=compile_globs(("curl*",), ignore_case=True)), weight=2),
    Rule("no language", Condition(header=(HeaderTest(b"accept-language", present=False),)), weight=3),
    Rule("impostor", Condition(crawler=frozenset((Crawler.IMPOSTOR,))), weight=4),
    Rule("place", Condition(path=compile_globs(("/login*",)), method=frozenset(("POST",))), weight=5),
    Rule("place and agent", Condition(path=compile_globs(("/x",)), user_agent=compile_globs(("curl*",))), weight=6),
)

headers = st.dictionaries(
    st.sampled_from([b"user-agent", b"accept-language", b"accept"]),
    st.sampled_from([b"", b"curl/8", b"Mozilla/5.0", b"x" * (LONGEST + 1)]),
)


@given(
    st.lists(
        st.tuples(
            headers,
            st.sampled_from(["/", "/x", "/login"]),
            st.sampled_from(["GET", "POST"]),
            st.sampled_from(list(Crawler)),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_memory_never_changes_an_answer(asked: list[tuple[dict[bytes, bytes], str, str, Crawler]]) -> None:
    """For any sequence of requests the remembered matches are those that each rule gives when asked."""
    habits = Habits(RULES)
    for head, path, method, crawler in asked:
        one = request(path, head, method=method)
        expected = [rule.name for rule in RULES if rule.when.fits_request(one, crawler)]
        assert [rule.name for rule in habits.matched(one, crawler)] == expected


def test_the_memory_is_bounded_and_takes_no_long_words() -> None:
    """More ways than fit turn it over; a word beyond LONGEST is not kept at all."""
    habits = Habits(RULES)
    for number in range(WAYS + 10):
        habits.matched(request("/", {b"user-agent": b"agent-%d" % number}), Crawler.NONE)
    habits.matched(request("/", {b"user-agent": b"a" * (LONGEST + 1)}), Crawler.NONE)
    remembered = habits._remembered.cache_info()
    assert remembered.currsize == WAYS
    assert remembered.misses == WAYS + 10


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from(["/", "/x", "/login"])), min_size=1))
def test_what_is_recalled_by_number_is_what_the_headers_match(asked: list[tuple[int, str]]) -> None:
    """Headers noted under a number give what the rules say of them, place by place; others are not recalled."""
    habits = Habits(RULES)
    heads = {1: {b"user-agent": b"curl/8"}, 2: {b"accept": b"*/*"}, 3: {}}
    noted = set()
    for number, path in asked:
        one = request(path, heads[number])._replace(known=number)
        expected = habits.matched(one, Crawler.NONE) if number in noted else None
        assert habits.recall(one) == expected
        if number != 3:
            habits.note(one)
            noted.add(number)


def test_headers_without_a_number_are_never_recalled() -> None:
    """Number 0 promises nothing, and what is noted is bounded."""
    habits = Habits(RULES)
    for number in range(1, WAYS + 10):
        habits.note(request("/", {b"user-agent": b"a"})._replace(known=number))
    assert habits.recall(request("/")) is None
    assert len(habits._numbered) <= WAYS


def test_visitors_of_alike_networks_share_their_habits() -> None:
    """As many as there are sets of rules; more sets than are kept cost time, not memory."""
    habits = HabitsOfAll()
    assert habits.of(RULES) is habits.of(tuple(RULES))
    assert habits.of(RULES[:1]) is not habits.of(RULES)
    first = habits.of(RULES)
    for number in range(GROUPS):
        habits.of((Rule(f"rule {number}", Condition(), weight=1),))
    assert habits.of(RULES) is not first
    first = habits.of(RULES)
    habits.clear()
    assert habits.of(RULES) is not first
