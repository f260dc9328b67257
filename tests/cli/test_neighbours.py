"""Neighbours: the doctor asks the shared server, where there is one."""

from __future__ import annotations

from pathlib import Path

from shieldproxy.cli.neighbours import check_shared
from shieldproxy.settings.reading import load
from tests.redis_servers import RedisServer


def test_one_node_has_nothing_to_look_at() -> None:
    """No line is no question."""
    assert check_shared(load(None)) is None


def test_a_server_that_answers_and_one_that_does_not(tmp_path: Path) -> None:
    """How much it holds; or why it cannot be used, and what to do, without its password."""
    server = RedisServer(tmp_path / "redis", "--requirepass", "geheim").start()
    password = tmp_path / "password"
    password.write_text("geheim\n")
    password.chmod(0o600)
    overrides = (f"nodes.server='unix:{server.path}'", f"nodes.password_file='{password}'")
    try:
        found = check_shared(load(None, overrides))
        assert found is not None
        assert (found.level, found.text) == ("ok", f"unix:{server.path} answers and holds 0 rulings")
        password.write_text("secret\n")
        found = check_shared(load(None, overrides))
        assert found is not None
        assert found.level == "fail"
        assert "password" in found.text
        assert "secret" not in found.text
    finally:
        server.close()
    found = check_shared(load(None, overrides))
    assert found is not None
    assert (found.level, bool(found.todo)) == ("fail", True)
