"""The port of the control room and its values."""

from __future__ import annotations

from shieldproxy.control.node import Histogram, Node, Status, Tallies
from tests.fakes.node import FakeNode


def test_the_fake_has_the_shape_of_the_port() -> None:
    """The node of these tests is taken wherever a node is asked for."""
    node: Node = FakeNode()
    assert node.ready().ready


def test_a_fresh_node_has_values_for_everything() -> None:
    """Every value can be made without arguments, so a node that just started answers whole."""
    assert Status().requests == {}
    assert Tallies().request_duration == Histogram((), (0,), 0.0)
