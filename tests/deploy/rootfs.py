"""A small Debian to boot and to build on, made once and kept in .deploy/ while a run lasts.

    python -m tests.deploy.rootfs      make it, in half a minute; CI does so in the background

It holds what the README asks for and an init. Its packages come from wherever apt is set up to ask.
Whoever needs it waits for whoever makes it. The standard library is enough: no .venv is needed.
"""

import fcntl
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".deploy"
SUITE = "bookworm"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "libpam-systemd", "ca-certificates"),
    *("python3", "python3-venv", "python3-pip", "make", "git"),
)


def tar() -> Path:
    """Return the root file system as a tar file, making it if need be."""
    file = FOLDER / "base.tar"
    with _alone("tar"):
        if not file.exists():
            _bootstrap(file)
    return file


def tree() -> Path:
    """Return it as a folder, which is to be left as it is: mount something over it."""
    folder, file = FOLDER / "root", tar()
    with _alone("tree"):
        if not folder.exists():
            half = FOLDER / "root.half"
            subprocess.run(["rm", "-rf", str(half)], check=True)
            half.mkdir()
            subprocess.run(["tar", "-C", str(half), "-xpf", str(file)], check=True)
            half.rename(folder)
    return folder


def mirror() -> str:
    """Return where apt fetches this suite from. Raises LookupError if it does not."""
    asked = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    found = re.search(rf"^{SUITE} (\S+)$", said, re.MULTILINE)
    if found is None:
        raise LookupError(f"apt has no source of {SUITE}: add one and run apt-get update")
    return found[1]


def _bootstrap(file: Path) -> None:
    half = file.with_suffix(".half.tar")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    command += [SUITE, str(half), mirror()]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"mmdebstrap: {ran.stderr[-2000:]}")
    half.rename(file)


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """Let nobody else of this machine be in here."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    started = perf_counter()
    sys.stderr.write(f"{tree()}: ready after {perf_counter() - started:.1f} s\n")
