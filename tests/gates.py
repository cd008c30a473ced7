"""What make check asks before it lints: are the lock files whole, and does no file tell a secret?

python -m tests.gates
"""

import configparser
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = "requirements.lock"
DEV = "requirements-dev.lock"

Pins = dict[str, str]

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<rest>.*)$")
# Joined here, so that this file does not name a host itself.
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org")

# Shapes that are secrets wherever they stand.
SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a cloud key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}"),
    "a Telegram token": re.compile(r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b"),
}
# A value with a name that asks for secrecy: long, with letters and digits mixed as if drawn.
_NAMED = re.compile(
    r"(?i)(?:api_?key|secret|passw(?:or)?d|token)\w*[\"']?\s*[:=]\s*[\"']?"
    r"(?P<value>(?=[A-Za-z0-9+/_-]*[0-9])(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{24,})"
)
_PRETENDED = re.compile(r"(?i)test|canary|example|sandbox|paper|fake|dummy|your|change")


def pins(lock: str) -> Pins:
    """Read `name==version` of each entry of a lock file."""
    found = (_PIN.match(line) for line in lock.splitlines())
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


def lock_complaints(name: str, lock: str) -> Iterator[str]:
    """Yield what makes one lock file unsafe to install from, or tells where it was made."""
    if re.search(r"[a-z]://|^\s*-{1,2}(?:[fi]|index|extra|find|trusted)", lock, re.MULTILINE):
        yield f"{name}: names a package host"
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    for entry in entries:
        pin = _PIN.match(entry.partition("\n")[0])
        if not pin:
            yield f"{name}: not a pin: {entry.splitlines()[0]}"
        elif "--hash=sha256:" not in entry:
            yield f"{name}: {pin['name']} has no hash"
    if not entries:
        yield f"{name}: pins nothing"


def superset_complaints(runtime: Pins, dev: Pins) -> Iterator[str]:
    """Yield where the tests would run on other versions than the product."""
    for name, version in runtime.items():
        if dev.get(name) != version:
            yield f"{DEV}: {name} is {dev.get(name)}, {RUNTIME} has {version}: make lock"


def declared(setup_cfg: str) -> dict[str, list[Requirement]]:
    """Read what setup.cfg asks for, by the lock file that must answer it."""
    config = configparser.ConfigParser()
    config.read_string(setup_cfg)
    runtime = config["options"]["install_requires"]
    dev = config["options.extras_require"]["dev"]
    asked = {RUNTIME: runtime, DEV: runtime + dev}
    return {
        lock: [Requirement(line) for line in lines.splitlines() if line]
        for lock, lines in asked.items()
    }


def unanswered(lock: str, asked: list[Requirement], pinned: Pins) -> Iterator[str]:
    """Yield what setup.cfg asks for and a lock file does not give."""
    for requirement in asked:
        if requirement.marker and not requirement.marker.evaluate():
            continue
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield f"{lock}: {requirement} of setup.cfg is pinned to {version}: make lock"


def secret_complaints(path: str, text: str) -> Iterator[str]:
    """Yield each line that seems to tell a secret, without repeating it, or names a host."""
    for number, line in enumerate(text.splitlines(), 1):
        for what, shape in SHAPES.items():
            if shape.search(line):
                yield f"{path}:{number}: looks like {what}"
        named = _NAMED.search(line)
        if named and not _PRETENDED.search(named["value"]):
            yield f"{path}:{number}: looks like a key, password or token"
        for host in HOSTS:
            if host in line:
                yield f"{path}:{number}: names a package host"


def texts() -> dict[str, str]:
    """Read every file that is committed or would be by `git add .`; binary files are left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, str] = {}
    for path in filter(None, listed.stdout.split("\0")):
        file = ROOT / path
        if file.is_file() and b"\0" not in (content := file.read_bytes()):
            found[path] = content.decode("utf-8", "replace")
    return found


def main() -> int:
    """Print every complaint, or one line per gate that held; return the exit code."""
    files = texts()
    locks = {name: files.get(name, "") for name in (RUNTIME, DEV)}
    pinned = {name: pins(lock) for name, lock in locks.items()}
    complaints = [c for name, lock in locks.items() for c in lock_complaints(name, lock)]
    complaints += superset_complaints(pinned[RUNTIME], pinned[DEV])
    for lock, asked in declared(files["setup.cfg"]).items():
        complaints += unanswered(lock, asked, pinned[lock])
    complaints += [c for path, text in files.items() for c in secret_complaints(path, text)]
    complaints += [f"{path}: is never committed" for path in files if Path(path).name == ".env"]
    print("\n".join(complaints) if complaints else f"secrets: none in {len(files)} files")
    if not complaints:
        print(f"locks: {len(pinned[RUNTIME])} runtime and {len(pinned[DEV])} dev pins, all hashed")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
