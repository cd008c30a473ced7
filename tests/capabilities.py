"""What a test may need of the machine: programs, root, name spaces; named with who brings it.

    needs("nspawn", "gcc")      in a test, in a fixture, or at the top of a module

Without it a test skips and names the Debian packages to install; under SUTRADHAR_CI=1 it fails,
since CI installs them all.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

PROBE_S = 20


@dataclass(frozen=True)
class Capability:
    """Programs that must all be found, further capabilities it rests on, and a question to ask.

    `package` is the Debian package that brings it, or what else to do for it.
    """

    package: str
    programs: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    is_there: Callable[[], bool] = field(default=lambda: True)


def _is_root() -> bool:
    return os.geteuid() == 0


@cache
def _may_unshare(*spaces: str) -> bool:
    """Whether the kernel lets this process make name spaces of these kinds."""
    if not shutil.which("unshare"):
        return False
    command = ["unshare", *(f"--{space}" for space in spaces), "true"]
    ran = subprocess.run(command, check=False, capture_output=True, timeout=PROBE_S)
    return ran.returncode == 0


def _has_chromium() -> bool:
    return Path("/usr/bin/chromium").exists()


def _has_headers() -> bool:
    return Path("/usr/include/stdio.h").exists()


KNOWN: dict[str, Capability] = {
    "root": Capability("run as root", is_there=_is_root),
    "containers": Capability(
        "a kernel that lets root make name spaces (util-linux)",
        rests_on=("root",),
        is_there=lambda: _may_unshare("mount", "pid", "fork", "uts", "ipc"),
    ),
    "netns": Capability(
        "iproute2",
        programs=("ip", "nsenter"),
        rests_on=("root",),
        is_there=lambda: _may_unshare("net"),
    ),
    "nspawn": Capability(
        "systemd-container", programs=("systemd-nspawn", "nsenter"), rests_on=("containers",)
    ),
    "mmdebstrap": Capability("mmdebstrap", programs=("mmdebstrap",)),
    "systemd-analyze": Capability("systemd", programs=("systemd-analyze",)),
    "dockerd": Capability("docker.io", programs=("dockerd", "docker"), rests_on=("containers",)),
    "docker-compose": Capability("docker-compose", programs=("docker-compose",)),
    "chromium": Capability("chromium", is_there=_has_chromium),
    "python3.11": Capability(
        "python3, and make .venv with it", is_there=lambda: sys.version_info[:2] == (3, 11)
    ),
    "gcc": Capability("gcc libc6-dev", programs=("gcc",), is_there=_has_headers),
    "nginx": Capability("nginx-light", programs=("nginx",)),
    "openssl": Capability("openssl", programs=("openssl",)),
    "promtool": Capability("prometheus", programs=("promtool",)),
    "shellcheck": Capability("shellcheck", programs=("shellcheck",)),
    "iptables": Capability("iptables", programs=("iptables",), rests_on=("root",)),
    "git": Capability("git", programs=("git",)),
}


def is_there(name: str) -> bool:
    """Whether the machine has the capability. Raises KeyError for one nobody knows."""
    known = KNOWN[name]
    return (
        all(map(shutil.which, known.programs))
        and all(map(is_there, known.rests_on))
        and known.is_there()
    )


def lacking(*names: str) -> str:
    """Return one line that says what is missing and what brings it, empty if nothing is."""
    gone = [f"{name} (Debian: {KNOWN[name].package})" for name in names if not is_there(name)]
    return f"this machine lacks {', '.join(gone)}" if gone else ""


def needs(*names: str) -> None:
    """Go on if the machine has it all; else skip and say which package brings it, in CI fail."""
    if why := lacking(*names):
        if os.environ.get("SUTRADHAR_CI") == "1":
            pytest.fail(why, pytrace=False)
        pytest.skip(f"{why}; skipped", allow_module_level=True)
