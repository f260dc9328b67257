"""Checkups: what the doctor looks at, each a question about machine, files or node answered in one line."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from shieldproxy.cli.machine import Machine, OpenFiles, Space
from shieldproxy.cli.spans import written_size, written_span
from shieldproxy.core.errors import StartError
from shieldproxy.intel.databases import STALE_DAYS, Database
from shieldproxy.journal.timekeeping import ClockState
from shieldproxy.settings.certificate_files import Lasting
from shieldproxy.settings.schema import Settings
from shieldproxy.state.files import read_secret

MIB = 1 << 20
GIB = 1 << 30
# A flood of 10,000 requests a second writes about 8 MB of records a second.
LITTLE_SPACE, NO_SPACE = 5 * GIB, 200 * MIB
FEW_FILES = 1_000
# Beside connections: shared memory, logs, databases, sockets between processes.
OTHER_FILES = 200
LARGE_CLOCK_ERROR = 1.0
# Above it the kernel queues what arrives while a worker is busy; below it a burst loses its first packets.
SMALL_BACKLOG = 1_024


class Level(StrEnum):
    """How it stands: well, worth a look, or not working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One line of the doctor: ``todo`` says what to do, '' when nothing."""

    level: Level
    subject: str
    text: str
    todo: str = ""


def check_clock(state: ClockState | None) -> Finding:
    """Records are evidence only when their time is right."""
    if state is None:
        return Finding(Level.WARN, "clock", "this system does not tell whether its clock is set", "compare: date -u")
    if not state.synchronised:
        todo = "run chrony, systemd-timesyncd or ntpd; on a virtual guest, on its host"
        return Finding(Level.WARN, "clock", "the kernel says that nobody keeps the clock right", todo)
    if state.error > LARGE_CLOCK_ERROR:
        text = f"set by a time service, but may be wrong by {state.error:.1f} s"
        return Finding(Level.WARN, "clock", text, "look at: chronyc tracking, or timedatectl timesync-status")
    return Finding(Level.OK, "clock", f"kept right by a time service, wrong by {state.error * 1000:.0f} ms at most")


def check_secret(path: Path, subject: str) -> Finding:
    """Secrets belong to the service's user alone."""
    try:
        text = read_secret(path)
    except StartError as fault:
        return Finding(Level.FAIL, subject, str(fault), f"chmod 600 {path}, as the user the service runs as")
    if text is None:
        return Finding(Level.OK, subject, f"{path} is not there yet; made at the first start")
    mode = path.stat().st_mode & 0o777
    return Finding(Level.OK, subject, f"{path}, mode {mode:04o}")


def check_certificate(one: Lasting, now: float) -> Finding:
    """Browsers warn of a certificate that has ended, and renewals fail in silence. ``now`` is unix seconds."""
    warning, days = one.warning(now), one.days(now)
    text = f"{one.file} for {one.names[0] if one.names else 'no host'}"
    if not warning:
        return Finding(Level.OK, "certificate", f"{text}: {days} days left")
    useless = now >= one.ends or now < one.begins
    todo = "renew it, then shieldproxy reload; look why the renewal does not work"
    return Finding(Level.FAIL if useless else Level.WARN, "certificate", f"{text} {warning}", todo)


def check_directory(directory: Path, subject: str, machine: Machine) -> Iterator[Finding]:
    """The directory can be written and its disk has room."""
    place = nearest(directory)
    writable = machine.writable(place)
    if not place.is_dir():
        yield Finding(Level.FAIL, subject, f"{place} is no directory", "move it away, or name another directory")
        return
    if not writable:
        todo = f"give it to the user the service runs as: chown -R shieldproxy {directory}"
        yield Finding(Level.FAIL, subject, f"{place} cannot be written by this user", todo)
    elif place != directory.absolute():
        yield Finding(Level.OK, subject, f"{directory} is not there yet; made at the first start")
    else:
        yield Finding(Level.OK, subject, f"{directory} can be written")
    try:
        yield check_space(machine.space(place), f"{subject} disk")
    except OSError as fault:
        yield Finding(Level.FAIL, f"{subject} disk", f"cannot be asked: {fault.strerror}", "look at: df -h")


def check_space(space: Space, subject: str) -> Finding:
    """A full disk stops no request, but from then on decisions are lost."""
    text = f"{written_size(space.free)} of {written_size(space.total)} free"
    todo = "make room, or lower journal.retention"
    if 0 <= space.files < FEW_FILES:
        return Finding(Level.FAIL, subject, f"{text}, but only {space.files} more files", todo)
    if space.free < NO_SPACE:
        return Finding(Level.FAIL, subject, text, todo)
    return Finding(Level.WARN, subject, text, todo) if space.free < LITTLE_SPACE else Finding(Level.OK, subject, text)


def check_open_files(limits: OpenFiles, settings: Settings) -> Finding:
    """Each visitor and each connection to the origin is an open file of a worker."""
    needed = settings.server.max_connections + settings.origin.max_connections + OTHER_FILES
    text = f"{limits.of} may open {'any number' if _endless(limits.soft) else limits.soft}, up to {needed} are needed"
    if _endless(limits.soft) or limits.soft >= needed:
        return Finding(Level.OK, "open files", text)
    todo = f"LimitNOFILE={needed} in the unit (ulimit -n {needed}), or lower server.max_connections"
    return Finding(Level.WARN, "open files", text, todo)


def check_databases(databases: Sequence[Database], problems: Sequence[str], now: float) -> Iterator[Finding]:
    """Networks are named by databases that age. ``now`` is unix seconds."""
    for problem in problems:
        yield Finding(Level.WARN, "geo", problem, "shieldproxy geo update says where files belong")
    for database in databases:
        age = database.age_days(now)
        text = f"{database.kind}: {database.type} of {database.built:%Y-%m-%d}, {age:.0f} days old"
        if age > STALE_DAYS:
            yield Finding(Level.WARN, "geo", text, "shieldproxy geo update says where a newer one belongs")
        else:
            yield Finding(Level.OK, "geo", text)


def check_kernel(machine: Machine) -> Iterator[Finding]:
    """Settings of the kernel that decide how a burst of new connections is met."""
    backlog = machine.kernel("net.core.somaxconn")
    if backlog is not None:
        text = f"net.core.somaxconn = {backlog}"
        if backlog < SMALL_BACKLOG:
            yield Finding(
                Level.WARN, "kernel", f"{text}: bursts of visitors are turned away", "sysctl -w net.core.somaxconn=4096"
            )
        else:
            yield Finding(Level.OK, "kernel", text)
    cookies = machine.kernel("net.ipv4.tcp_syncookies")
    if cookies is not None:
        text = f"net.ipv4.tcp_syncookies = {cookies}"
        if cookies == 0:
            yield Finding(
                Level.WARN, "kernel", f"{text}: a SYN flood shuts everybody out", "sysctl -w net.ipv4.tcp_syncookies=1"
            )
        else:
            yield Finding(Level.OK, "kernel", text)


def check_memory(available: int | None, settings: Settings) -> Finding | None:
    """The table of buckets is one piece of shared memory of 16 bytes a bucket."""
    if available is None:
        return None
    needed = settings.state.buckets * 16
    text = f"{written_size(needed)} for {settings.state.buckets} buckets, {written_size(available)} available"
    if needed > available // 2:
        return Finding(Level.WARN, "memory", text, "lower state.buckets")
    return Finding(Level.OK, "memory", text)


def check_node(status: Mapping[str, Any], digest: str) -> Iterator[Finding]:
    """What a running node says of itself, and whether it runs what the file says (``digest``, '' when unknown)."""
    uptime = written_span(float(status["uptime"]))
    yield Finding(Level.OK, "node", f"{status['node']} answers, version {status['version']}, running for {uptime}")
    if digest and status["policy"] != digest:
        yield Finding(Level.WARN, "node", "runs another policy than the configuration says", "shieldproxy reload")
    for problem in status["reload_refused"]:
        yield Finding(Level.WARN, "node", f"refused the last reload: {problem}", "correct it, then shieldproxy reload")
    for problem in status["degraded"]:
        yield Finding(Level.WARN, "node", problem)
    if status["workers"] < status["workers_wanted"]:
        text = f"{status['workers']} of {status['workers_wanted']} workers are alive"
        yield Finding(Level.FAIL, "node", text, "look at the log of the service")
    if status["origin"]["up"] is False:
        yield Finding(
            Level.FAIL, "origin", f"{status['origin']['url']} does not answer", "start it, or correct origin.url"
        )
    journal = status["journal"]
    if journal["problem"] or journal["lost"]:
        text = journal["problem"] or f"{journal['lost']} records could not be written since the start"
        yield Finding(Level.WARN, "journal", text, "look at the disk and at the log of the service")


def nearest(path: Path) -> Path:
    """Return ``path``, or what of it is there already."""
    path = path.absolute()
    return next((found for found in (path, *path.parents) if found.exists()), path)


def _endless(limit: int) -> bool:
    return limit == resource.RLIM_INFINITY
