"""A Debian that boots: systemd-nspawn over a throw-away layer, with a clock that tests set.

Everything written lands in memory over the tree of `rootfs` and goes with the machine. The project
stands in /opt/sutradhar as an operator has it there; its libraries are those of this interpreter.
The clock is shifted by wallshift.c for every program of the machine, systemd included.
"""

import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from domain import clock
from domain.units import Micros
from tests.deploy import rootfs
from tests.shared import ROOT
from tests.waiting import until

HOME = "opt/sutradhar"
LIBRARIES = "lib/python3.11/site-packages"
WALLSHIFT = Path(__file__).with_name("wallshift.c")
SHIFT_FILE = "etc/wallshift"
PATIENCE_S = 60.0
ANSWERS = {"starting", "running", "degraded"}
NAMESPACES = ("-m", "-u", "-i", "-n", "-p", "-C")


def run(*words: object, **options: object) -> str:
    """Run a program of this machine to its end and return what it said; it must succeed."""
    ran = subprocess.run(
        [str(word) for word in words],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        **options,  # type: ignore[call-overload]  # cwd or env, as the caller has it
    )
    assert ran.returncode == 0, f"{words}: {ran.returncode}\n{ran.stdout}"
    return str(ran.stdout)


class Machine:
    """One machine, off until `boot`. What its disk holds survives a reboot and a cut of power."""

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self._log = log
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    @cached_property
    def state(self) -> Path:
        """The agent's state directory, seen from outside."""
        return self.root / "var/lib/private/sutradhar"

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """Write a file of the machine, with its folders."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "ascii")
        file.chmod(mode)
        return file

    def chroot(self, *words: object) -> str:
        """Run a program of the machine while it is off."""
        return run("chroot", self.root, *words)

    def set_clock(self, at: Micros) -> None:
        """Move the wall clock of the whole machine, at once if it is on."""
        with (self.root / SHIFT_FILE).open("r+b") as file:
            file.write(struct.pack("=q", at - clock.wall()))

    def boot(self) -> None:
        """Switch it on and wait until its systemd answers; units may still be starting."""
        command = ["systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot"]
        command += ["--register=no", "--keep-unit", "--private-network", "--machine=sutradhar"]
        with self._log.open("ab") as log:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._leader = until(self._init, PATIENCE_S)
        until(self._is_up, PATIENCE_S)

    def inside(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run a program of the machine while it is on."""
        command = ["nsenter", "-t", str(self._leader), *NAMESPACES, "--", *map(str, words)]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )

    def wait_for(self, test: str) -> None:
        """Wait until a shell's test holds in the machine, asked there five times a second."""
        loop = f"until {test}; do sleep 0.2; done"
        ran = self.inside("timeout", str(PATIENCE_S), "sh", "-c", loop)
        assert ran.returncode == 0, f"{test}: still not so after {PATIENCE_S} s; {ran.stderr}"

    def systemctl(self, *words: object) -> str:
        """Ask its systemd, and return the answer."""
        return self.inside("systemctl", *words).stdout.strip()

    def journal(self, unit: str) -> str:
        """Return what a unit said, in all boots."""
        return self.inside("journalctl", "-u", unit, "-o", "cat", "--no-pager").stdout

    def cut_power(self) -> None:
        """End everything at once."""
        self.inside("sh", "-c", "kill -9 -1")
        subprocess.run(["kill", "-9", str(self._leader)], check=False)
        self._gone()

    def power_off(self) -> None:
        """Shut it down in order; units are stopped and waited for."""
        self.systemctl("--no-block", "poweroff")
        self._gone()

    def close(self) -> None:
        """Cut the power if it is on."""
        if self._nspawn is not None:
            self.cut_power()

    def _gone(self) -> None:
        assert self._nspawn is not None
        self._nspawn.wait(PATIENCE_S)
        self._nspawn = None

    def _init(self) -> int:
        """Return the pid of its first process, 0 while there is none."""
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, self._log.read_text("utf-8", "replace")
        listed = subprocess.run(
            ["pgrep", "-P", str(self._nspawn.pid)], check=False, capture_output=True, text=True
        )
        for pid in listed.stdout.split():
            comm = Path("/proc", pid, "comm")
            if comm.exists() and comm.read_text("ascii").strip() == "systemd":
                return int(pid)
        return 0

    def _is_up(self) -> bool:
        return self.systemctl("is-system-running") in ANSWERS


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Give a machine with the project on its disk, and take it away afterwards.

    Lazily, since a reader of its journal may not have let go yet.
    """
    tree, disk, root = rootfs.tree(), folder / "disk", folder / "root"
    disk.mkdir()
    root.mkdir()
    with ExitStack() as stack:
        # In memory, since an overlay may not be written to another overlay.
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "sutradhar", disk)
        stack.callback(run, "umount", "--lazy", disk)
        upper, work = disk / "upper", disk / "work"
        upper.mkdir()
        work.mkdir()
        layers = f"lowerdir={tree},upperdir={upper},workdir={work}"
        run("mount", "-t", "overlay", "-o", layers, "sutradhar", root)
        stack.callback(run, "umount", "--lazy", root)
        made = Machine(root, folder / "console.log")
        _furnish(made, folder)
        libraries = root / HOME / ".venv" / LIBRARIES
        run("mount", "--bind", "-o", "ro", Path(sys.prefix) / LIBRARIES, libraries)
        stack.callback(run, "umount", "--lazy", libraries)
        stack.callback(made.close)
        yield made


def _furnish(made: Machine, folder: Path) -> None:
    """Put the project, its libraries and the shifted clock on the disk."""
    home = made.root / HOME
    home.mkdir(parents=True)
    copy_project(home)
    made.chroot("python3", "-m", "venv", "--without-pip", f"/{HOME}/.venv")
    # As .ci/venv leaves it.
    shutil.copy(ROOT / "requirements.lock", home / ".venv")
    made.write(f"{HOME}/.venv/made-in", f"/{HOME}\n")
    made.write(SHIFT_FILE, "\0" * 8)
    library = folder / "wallshift.so"
    run("gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2", "-o", library, WALLSHIFT)
    shutil.copy(library, made.root / "usr/local/lib/wallshift.so")
    made.write("etc/ld.so.preload", "/usr/local/lib/wallshift.so\n")


def copy_project(home: Path) -> None:
    """Copy what is committed, or would be, from this checkout."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    there = [name for name in names.split(b"\0") if name and (ROOT / name.decode()).exists()]
    packed = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"],
        cwd=ROOT,
        input=b"\0".join(there),
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(home)], input=packed, check=True)
