"""Open files: raised as far as the configuration needs and the operator allows, never lowered."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from shieldproxy.settings.reading import load
from shieldproxy.supervisor.open_files import OTHERS, allow, wanted


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """The limits of this process, brought back in the end."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_to_what_is_needed(limits: tuple[int, int]) -> None:
    """A shell's 1,024 is no limit for a node whose operator lets it have more."""
    hard = limits[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    assert allow(1_000) == 1_000
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1_000, hard)


def test_the_operators_limit_stays(limits: tuple[int, int]) -> None:
    """Beyond the hard limit nothing is asked for."""
    soft, hard = limits
    if hard == resource.RLIM_INFINITY:
        pytest.skip("no limit")
    assert allow(hard + 1_000) == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard
    assert soft <= hard


def test_a_larger_limit_is_not_lowered(limits: tuple[int, int]) -> None:
    """What is enough already stays as it is."""
    assert allow(10) >= 10
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits


def test_what_is_needed_follows_the_configuration() -> None:
    """Visitors, connections to the site, as many upgraded ones, and the rest."""
    assert wanted(load(None, ("server.max_connections=1000", "origin.max_connections=10"))) == 1_020 + OTHERS
