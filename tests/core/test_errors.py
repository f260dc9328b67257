"""Errors: all problems at once, and an error that knows its side and its two faces."""

from __future__ import annotations

from shieldproxy.core.errors import ConfigurationError, ExchangeError, Problem, StartError
from shieldproxy.core.verdict import Side

RATE = Problem("config.toml", 12, "limits.client.rate", "0 is no rate; allowed: above 0")
SCOPE = Problem("config.toml", 30, "limits.crowd.action", "refuse is too strict for asn; allowed: challenge")


def test_a_problem_is_a_line_that_editors_jump_to() -> None:
    """File, line and key come first, then what is wrong and what is allowed."""
    assert str(RATE) == "config.toml:12: limits.client.rate: 0 is no rate; allowed: above 0"


def test_a_configuration_error_names_every_problem() -> None:
    """Not the first problem but all of them, one a line, and each still there to be counted."""
    error = ConfigurationError((RATE, SCOPE))
    assert str(error) == f"{RATE}\n{SCOPE}"
    assert error.problems == (RATE, SCOPE)


def test_an_exchange_error_tells_the_visitor_less_than_the_operator() -> None:
    """What is printed and logged is the private face; the public one has to be asked for."""
    error = ExchangeError(502, "The site does not answer.", "10.0.0.5:8080: connection refused", Side.ORIGIN)
    assert str(error) == "10.0.0.5:8080: connection refused"
    assert (error.status, error.public, error.side) == (502, "The site does not answer.", Side.ORIGIN)
    assert "10.0.0.5" not in error.public


def test_errors_of_one_kind_are_not_caught_as_another() -> None:
    """Whoever handles a failed start does not swallow a failed exchange by it."""
    assert not issubclass(ExchangeError, StartError)
    assert not issubclass(StartError, ConfigurationError)
