"""What the tests of the supervisor share: a node made ready in this process, with workers that only listen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from shieldproxy.app.orders import Order
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.state.memory import Region
from shieldproxy.state.tallies import WorkerTallies
from shieldproxy.supervisor.kernel import KernelBans
from shieldproxy.supervisor.listening import close_sockets
from shieldproxy.supervisor.node import Supervisor
from shieldproxy.supervisor.workers import WorkerProcess
from tests.fakes.databases import asn_record, country_record, write_mmdb


class ListLog:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append((event, fields))

    warning = error = info

    @property
    def events(self) -> list[str]:
        """What was said, without its particulars."""
        return [event for event, _ in self.said]


class Listener:
    """Stands for a worker: keeps its orders."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.alive = True
        self.restarts = 0
        self.orders: list[Order] = []

    def order(self, order: Order) -> None:
        """Keep ``order``."""
        self.orders.append(order)


class PreparedNode:
    """A supervisor whose memory, lists and sockets are real; ``overrides`` may change between reloads."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.folder = folder
        self.overrides = overrides
        self.log = ListLog()
        self.supervisor = Supervisor(self.load)
        self.supervisor.log = self.log
        self.supervisor._prepare()
        self.workers = [Listener(0), Listener(1)]
        self.supervisor.workers = cast("list[WorkerProcess]", self.workers)
        # What the kernel does for a node has tests of its own.
        self.supervisor.kernel = cast("KernelBans", SimpleNamespace(problems=(), elements=0))
        self.tallies = WorkerTallies(self.supervisor.memory.region(Region.TALLIES), 0)

    def load(self) -> Settings:
        """Read the configuration as it is now."""
        folder = self.folder
        return load(
            None,
            (
                "server={listen=['127.0.0.1:0'], workers=2}",
                f"state={{directory='{folder}/state', buckets=1024}}",
                f"journal.directory='{folder}/journal'",
                f"geo={{asn='{folder}/asn.mmdb', country='{folder}/country.mmdb'}}",
                f"control.listen='unix:{folder}/control'",
                *self.overrides,
            ),
        )

    @property
    def told(self) -> list[Order]:
        """What both workers were told, which must be the same."""
        first, second = self.workers
        assert first.orders == second.orders
        return first.orders

    def close(self) -> None:
        """Let go of sockets and memory."""
        close_sockets(self.supervisor.sockets)
        self.supervisor.memory.close()


@contextmanager
def prepared(folder: Path, *overrides: str) -> Iterator[PreparedNode]:
    """A node in ``folder``, with databases that know one network."""
    write_mmdb(folder / "asn.mmdb", {"5.6.7.0/24": asn_record(64500, "Flood Hosting")})
    write_mmdb(folder / "country.mmdb", {"5.6.7.0/24": country_record("CH")}, "GeoLite2-Country")
    node = PreparedNode(folder, *overrides)
    try:
        yield node
    finally:
        node.close()
