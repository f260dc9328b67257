"""The machine as the doctor sees it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from shieldproxy.cli.machine import Machine, OpenFiles


def test_this_machine_answers(tmp_path: Path) -> None:
    """On Linux the clock, the limits, the disk and the memory can be asked without privileges."""
    machine = Machine()
    clock = machine.clock()
    assert clock is None or clock.error >= 0.0
    space = machine.space(tmp_path)
    assert 0 < space.free <= space.total
    assert machine.writable(tmp_path)
    memory = machine.memory()
    assert memory is None or memory > 1 << 20


def test_open_files_of_the_node_are_read(tmp_path: Path) -> None:
    """The limits are those of the running node where they can be read, else those of this shell."""
    (tmp_path / "42").mkdir()
    (tmp_path / "42" / "limits").write_text(
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 unlimited            files     \n"
    )
    machine = Machine(tmp_path)
    assert machine.open_files(42) == OpenFiles(1024, resource.RLIM_INFINITY, "the running node")
    assert machine.open_files(43).of == "this shell"
    assert machine.open_files().of == "this shell"


@pytest.mark.parametrize(
    ("content", "value"), [("4096\n", 4096), ("4096\t87380\n", 4096), ("", None), ("x", None), (None, None)]
)
def test_a_kernel_setting_is_a_number_or_unknown(tmp_path: Path, content: str | None, value: int | None) -> None:
    """A setting that is not shown, as in some containers, is unknown and no error."""
    path = tmp_path / "sys" / "net" / "core" / "somaxconn"
    path.parent.mkdir(parents=True)
    if content is not None:
        path.write_text(content)
    assert Machine(tmp_path).kernel("net.core.somaxconn") == value


def test_memory_that_is_not_shown_is_unknown(tmp_path: Path) -> None:
    """Without /proc the available memory is unknown."""
    assert Machine(tmp_path).memory() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert Machine(tmp_path).memory() == 2048 * 1024


def test_a_directory_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """Space of a path that is not there is an OSError for the doctor to tell."""
    with pytest.raises(OSError, match="No such file"):
        Machine().space(tmp_path / "absent")
    assert not Machine().writable(tmp_path / "absent")
