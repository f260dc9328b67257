"""The live view: one scene a second, as a picture on a terminal and as a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

# Seconds of history in the curves; they fit beside their labels in 80 columns.
HISTORY = 44
BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = ".:-=+*%#"
WIDEST = 100
# Seconds between two lines where there is no terminal.
EVERY = 5
COLOURS = {"admit": "green", "challenge": "yellow", "throttle": "magenta", "refuse": "red", "drop": "red"}
POSTURES = {"calm": "green", "elevated": "yellow", "under_attack": "bold red"}


class Busy(NamedTuple):
    """A network among the busiest of the last minute."""

    asn: int
    name: str
    network_class: str
    requests: int
    reached: int


class Scene(NamedTuple):
    """One second of the show. Rates are requests a second; ``flood`` is seconds since it began, below 0 before."""

    at: float
    seconds: float
    flood: float
    posture: str
    actions: Mapping[str, float]
    asked: Sequence[float]
    reached: Sequence[float]
    networks: Sequence[Busy]
    site_served: int
    site_busy: int
    addresses: int
    people: int
    fine: int
    challenged: int
    through: int
    longest: float


class Watcher(Protocol):
    """Whoever looks at the show."""

    def begin(self) -> None:
        """The show begins."""

    def show(self, scene: Scene) -> None:
        """Look at one second."""

    def end(self) -> None:
        """The show is over."""


class Nobody:
    """Looks at nothing: for programs."""

    def begin(self) -> None:
        """Do nothing."""

    def show(self, scene: Scene) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class Lines:
    """Writes a line every few seconds."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._next = float(EVERY)

    def begin(self) -> None:
        """Nothing needs to be opened."""

    def show(self, scene: Scene) -> None:
        """Write a line when it is time."""
        if scene.at >= self._next:
            self._next = scene.at - scene.at % EVERY + EVERY
            self._write(f"{line(scene)}\n")

    def end(self) -> None:
        """Nothing is open."""


class Screen:
    """Draws the picture anew each second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")

    def begin(self) -> None:
        """Take the terminal."""
        self._live.start()

    def show(self, scene: Scene) -> None:
        """Draw ``scene``."""
        blocks = BLOCKS if self._console.encoding.lower().startswith("utf") else PLAIN_BLOCKS
        self._live.update(picture(scene, min(self._console.width, WIDEST), blocks), refresh=True)

    def end(self) -> None:
        """Give the terminal back."""
        self._live.stop()


def watcher_for(console: Console, *, silent: bool) -> Watcher:
    """Return who looks: nobody for programs, a picture on a terminal that can, lines elsewhere."""
    if silent:
        return Nobody()
    if console.is_terminal and not console.is_dumb_terminal:
        return Screen(console)

    def write(text: str) -> None:
        console.file.write(text)
        console.file.flush()

    return Lines(write)


def line(scene: Scene) -> str:
    """Return a scene as one line."""
    return (
        f"{scene.at:4.0f} s  {scene.posture:<12}  asked {_last(scene.asked):4.0f}/s  "
        f"reached the site {_last(scene.reached):4.0f}/s  citizens {scene.fine} of {scene.people} fine"
        + (f", {scene.challenged} challenged" if scene.challenged else "")
    )


def picture(scene: Scene, width: int, blocks: str = BLOCKS) -> Group:
    """Return a scene as a picture of at most ``width`` columns."""
    return Group(
        _heading(scene, width),
        Text(),
        _curve("asked", scene.asked, "yellow", blocks, max([1.0, *scene.asked])),
        _curve("reached the site", scene.reached, "green", blocks, max([1.0, *scene.asked])),
        Text(),
        _actions(scene),
        Text(),
        _networks(scene, width),
        Text(),
        _people(scene),
        _site(scene),
    )


def _heading(scene: Scene, width: int) -> Table:
    flood = f"flood from {scene.addresses} addresses" if scene.flood >= 0 else f"a flood comes in {-scene.flood:.0f} s"
    table = Table.grid(expand=False, padding=0)
    table.add_column(width=width - 16)
    table.add_column(width=16, justify="right")
    left = Text.assemble(("shieldproxy demo", "bold"), f"  {scene.at:.0f} of {scene.seconds:.0f} s  ", (flood, "dim"))
    table.add_row(left, Text(scene.posture.replace("_", " "), style=POSTURES.get(scene.posture, "")))
    return table


def _curve(label: str, values: Sequence[float], style: str, blocks: str, top: float) -> Text:
    shown = list(values)[-HISTORY:]
    bars = "".join(blocks[min(len(blocks) - 1, int(value / top * len(blocks)))] for value in shown)
    return Text.assemble((f"{label:<17}", "bold"), (f"{_last(values):5.0f}/s ", "bold"), (bars, style))


def _actions(scene: Scene) -> Text:
    parts: list[str | tuple[str, str]] = [("requests a second ", "bold")]
    for action, rate in scene.actions.items():
        parts.append((f"  {action} {rate:.0f}", COLOURS.get(action, "") if rate >= 0.5 else "dim"))
    return Text.assemble(*parts)


def _networks(scene: Scene, width: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, width=width)
    table.add_column("busiest networks, last minute", no_wrap=True, overflow="crop", ratio=1)
    table.add_column("kind", width=8)
    table.add_column("asked", justify="right", width=6)
    table.add_column("reached the site", justify="right", width=16)
    for busy in [*scene.networks, *[None] * 5][:5]:
        if busy is None:
            table.add_row("", "", "", "")
        else:
            name = f"AS{busy.asn} {busy.name}"
            table.add_row(name, busy.network_class, str(busy.requests), str(busy.reached))
    return table


def _people(scene: Scene) -> Text:
    style = "green" if scene.fine == scene.people else "bold red"
    text = Text.assemble(("citizens          ", "bold"), (f"{scene.fine} of {scene.people} fine", style))
    if scene.challenged:
        text.append(f"; {scene.challenged} challenged, {scene.through} through, longest {scene.longest:.1f} s")
    return text


def _site(scene: Scene) -> Text:
    busy = f"{scene.site_served:,} requests served so far, {scene.site_busy} being answered now"
    return Text.assemble(("the site          ", "bold"), busy)


def _last(values: Sequence[float]) -> float:
    return values[-1] if values else 0.0
