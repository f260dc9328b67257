"""Rights: in a process that may change the firewall and nothing else, as a service without root is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shieldproxy
from tests.lan import missing

ROOT = Path(shieldproxy.__file__).parent.parent
NET_ADMIN = 1 << 12
# setpriv plays the service manager: one capability, ambient; and root is nobody special, as for any other user.
ALONE = (
    "setpriv",
    "--securebits=+noroot,+noroot_locked",
    "--inh-caps=-all,+net_admin",
    "--ambient-caps=-all,+net_admin",
    "--bounding-set=-all,+net_admin",
)

PLAY = """
import subprocess, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
from shieldproxy.supervisor.rights import keep_from_children, lend_firewall_to_children

def child():
    said = subprocess.run(["/bin/grep", "CapEff", "/proc/self/status"], capture_output=True, text=True).stdout
    return int(said.split()[1], 16)

print(child())
print(int(keep_from_children()))
print(child())
with ThreadPoolExecutor(1, initializer=lend_firewall_to_children) as thread:
    print(thread.submit(child).result())
print(child())
print(int(open("/proc/self/status").read().partition("CapEff:")[2].split()[0], 16))
"""


def test_children_have_no_rights_but_those_of_one_thread() -> None:
    """Workers get nothing; nft, started from its own thread, may change the firewall; the process keeps its right."""
    if missing() == "root" or shutil.which("setpriv") is None:
        pytest.skip(missing() or "setpriv")
    done = subprocess.run(
        [*ALONE, sys.executable, "-c", PLAY, str(ROOT)], capture_output=True, text=True, check=True, timeout=60
    )
    assert [int(line) for line in done.stdout.split()] == [NET_ADMIN, 1, 0, NET_ADMIN, 0, NET_ADMIN]
