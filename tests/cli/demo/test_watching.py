"""Watching: scenes are made even when the node does not answer."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.cli.demo.addresses import Ground
from shieldproxy.cli.demo.site import Site
from shieldproxy.cli.demo.stage import build_stage, free_ports
from shieldproxy.cli.demo.watching import Reporter
from tests.cli.demo.plays import played


async def test_a_silent_node_does_not_stop_the_show(tmp_path: Path) -> None:
    """Where nobody answers, citizens and the site are shown all the same."""
    stage = build_stage("now", tmp_path)
    stage.write_config(free_ports())
    (stage.directory / "state").mkdir()
    (stage.directory / "state" / "control.token").write_text("t" * 32 + "\n")
    (stage.directory / "state" / "control.token").chmod(0o600)
    town = Site(lambda _: False)
    grounds = {64500: Ground(64500, "Example", "hosting", ())}
    async with Reporter(stage, town, played().accounts, grounds, 948) as reporter:
        await reporter.scene(1.0, 40.0, -9.0)
        town.reached["citizens"] += 30
        scene = await reporter.scene(2.0, 40.0, -8.0)
    assert (scene.people, scene.fine, scene.challenged, scene.through) == (1, 1, 1, 1)
    assert scene.site_served == 30
    assert (scene.posture, scene.networks, scene.asked[-1]) == ("calm", (), 0.0)
