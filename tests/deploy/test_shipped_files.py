"""The files of deploy/ that need another machine: what of them can be checked here."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from shieldproxy.core.verdict import Mode
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.listening import BACKLOG
from tests.deploy.conftest import DEPLOY

ROOT = DEPLOY.parent
UNIT = DEPLOY / "systemd" / "shieldproxy.service"
SOCKET = UNIT.with_suffix(".socket")
CONFIGS = (DEPLOY / "systemd" / "config.toml", DEPLOY / "container" / "config" / "config.toml")


def unit(path: Path = UNIT, section: str = "Service") -> dict[str, str]:
    """Return a section of a unit; of a key given several times the last value."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their letters
    parser.read(path)
    return dict(parser[section])


@pytest.mark.parametrize("path", CONFIGS, ids=str)
def test_a_shipped_configuration_is_good(path: Path) -> None:
    """Each passes the check, begins by observing, and writes only where its unit or image lets it."""
    settings = load(path)
    assert settings.server.mode is Mode.OBSERVE
    assert settings.journal.directory == Path("/var/log/shieldproxy")
    assert settings.state.directory == Path("/var/lib/shieldproxy")
    assert settings.control.token_file.parent == settings.state.directory


def test_the_unit_names_places_that_the_configuration_uses() -> None:
    """The directories of the configuration are those that systemd makes, for the service alone."""
    service = unit()
    assert (service["StateDirectory"], service["LogsDirectory"]) == ("shieldproxy", "shieldproxy")
    assert (service["StateDirectoryMode"], service["LogsDirectoryMode"]) == ("0700", "0700")
    assert service["ExecStart"].endswith("shieldproxy run -c /etc/shieldproxy/config.toml")


def test_the_unit_lets_the_product_work() -> None:
    """A wrong configuration is not tried for ever, a stop leaves time to drain, connections have descriptors."""
    service, settings = unit(), load(CONFIGS[0])
    assert service["RestartPreventExitStatus"] == "2"
    assert "-HUP" in service["ExecReload"]
    assert float(service["TimeoutStopSec"].removesuffix("s")) > settings.server.drain + 5
    assert int(service["LimitNOFILE"]) >= settings.server.max_connections + settings.origin.max_connections + 200
    assert "~@ipc" not in UNIT.read_text()


def test_the_socket_of_the_unit_is_what_the_service_expects() -> None:
    """The address of the shipped configuration, one socket, handed over listening, no IPv4 in disguise, a long queue."""
    sockets = unit(SOCKET, "Socket")
    assert [str(place) for place in load(CONFIGS[0]).server.listen] == [sockets["ListenStream"]]
    assert "Accept" not in sockets
    assert sockets["BindIPv6Only"] == "ipv6-only"
    assert int(sockets["Backlog"]) == BACKLOG
    assert unit()["Type"] == "notify"
    assert float(unit()["WatchdogSec"].removesuffix("s")) >= 10


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="not installed: systemd-analyze")
def test_systemd_understands_the_unit() -> None:
    """Every line is one that systemd knows, and its own audit calls the service well confined."""
    verify = ["systemd-analyze", "verify", str(UNIT), str(SOCKET)]
    seen = subprocess.run(verify, capture_output=True, text=True, check=False)
    complaints = [line for line in seen.stderr.splitlines() if "is not executable" not in line]
    assert not complaints
    audit = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)]
    assert subprocess.run(audit, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="not installed: systemd-analyze")
def test_systemd_understands_the_unit_with_its_drop_in(tmp_path: Path) -> None:
    """With the right to change the firewall, and with no other right, the service is still well confined."""
    folder = tmp_path / "shieldproxy.service.d"
    folder.mkdir()
    whole = shutil.copy(UNIT, tmp_path)
    shutil.copy(UNIT.with_name("offload.conf"), folder)
    seen = subprocess.run(["systemd-analyze", "verify", whole], capture_output=True, text=True, check=False)
    assert not [line for line in seen.stderr.splitlines() if "is not executable" not in line]
    audit = ["systemd-analyze", "security", "--offline=true", "--threshold=20", whole]
    assert subprocess.run(audit, capture_output=True, check=False).returncode == 0
    given = re.findall(
        r"^(?:CapabilityBoundingSet|AmbientCapabilities)=(.*)$", (folder / "offload.conf").read_text(), re.MULTILINE
    )
    assert given == ["CAP_NET_ADMIN", "CAP_NET_ADMIN"]


def test_the_image_is_made_of_files_that_exist() -> None:
    """Each COPY from the repository names something, which its ignore file lets through."""
    dockerfile = (DEPLOY / "container" / "Dockerfile").read_text()
    let_in = (DEPLOY / "container" / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert len(sources) >= 5
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == entry[1:] or source.startswith(entry[1:] + "/") for entry in let_in if entry[:1] == "!")


def test_the_image_runs_as_nobody_and_can_be_asked() -> None:
    """A numeric user that is not root, and a health check on the address the configuration listens at."""
    dockerfile = (DEPLOY / "container" / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert f"http://{load(CONFIGS[1]).control.listen}/readyz" in dockerfile


def test_advice_for_the_kernel_says_why() -> None:
    """Every setting is explained by the lines above it."""
    lines = (DEPLOY / "sysctl.d" / "90-shieldproxy.conf").read_text().splitlines()
    settings = [number for number, line in enumerate(lines) if re.match(r"-?[a-z0-9_.]+ = [0-9 ]+$", line)]
    assert len(settings) >= 5
    assert all(lines[number - 1].startswith("#") for number in settings)
    assert [line for line in lines if line and not line.startswith("#")] == [lines[number] for number in settings]
