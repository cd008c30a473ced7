"""What the README promises, on a bare Debian that has only what it asks for.

    python -m tests.deploy.fresh_machine                      make run, then the whole make test
    python -m tests.deploy.fresh_machine domain threads       make run, then these layers only

The checkout is cloned as it is committed, with what is not yet committed laid over it. Nothing of
this machine is in there but the way to the package index: its certificates, pip's own settings and
the folders those name.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.deploy import rootfs
from tests.deploy.machine import copy_project
from tests.shared import ROOT

SESSION = "--speed max --from 09:14 --until 10:20 --seed 7"
PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NETWORK = re.compile(r"PIP_\w+|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|(?i:https?_proxy|no_proxy)")
FOLDER = re.compile(r"(?:file://)?(/[\w./-]+)")
SCRIPT = """\
set -e
git clone -q /src/project /root/sutradhar
cp -rT /src/changes /root/sutradhar
cd /root/sutradhar
make run ARGS="$SESSION"
echo "make run: ended well"
make test ARGS="$LAYERS"
"""


@dataclass(frozen=True)
class Ran:
    """How it ended, all it said, and the seconds that took."""

    code: int
    said: str
    seconds: float


def run(layers: Sequence[str], *, is_shown: bool = False) -> Ran:
    """Play a session and run these layers, all of them if none is named."""
    started = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        changes = Path(folder, "changes")
        changes.mkdir()
        copy_project(changes)
        said = []
        with subprocess.Popen(
            [*_machine(changes), "bash", "-c", SCRIPT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"SESSION": SESSION, "LAYERS": " ".join(layers)},
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if is_shown:
                    sys.stdout.write(line)
                    sys.stdout.flush()
        return Ran(process.wait(), "".join(said), perf_counter() - started)


def _machine(changes: Path) -> list[str]:
    command = ["systemd-nspawn", "--quiet", f"--directory={rootfs.tree()}", "--volatile=overlay"]
    command += ["--register=no", "--keep-unit", "--as-pid2", "--pipe", "--machine=fresh"]
    command += ["--resolv-conf=bind-host", f"--bind-ro={ROOT}:/src/project"]
    command += [f"--bind-ro={changes}:/src/changes", "--setenv=SESSION", "--setenv=LAYERS"]
    return command + list(_way_to_the_index())


def _way_to_the_index() -> Iterator[str]:
    """Yield what lets pip ask where it asks here."""
    files = [file for name in PIP_FILES if (file := Path(name).expanduser()).is_file()]
    names = {name: value for name, value in os.environ.items() if NETWORK.fullmatch(name)}
    for file in files:
        yield f"--bind-ro={file}"
    for name, value in names.items():
        yield f"--setenv={name}={value}"
    if CERTIFICATES.is_file():
        yield f"--bind-ro={CERTIFICATES}"
    texts = [*names.values(), *(file.read_text("utf-8") for file in files)]
    folders = {Path(path) for text in texts for path in FOLDER.findall(text)}
    tops = {folder.parents[-3] if len(folder.parents) > 2 else folder for folder in folders}
    for folder in sorted(top for top in tops if top.is_dir() and top.parts[1:2] != ("etc",)):
        yield f"--bind-ro={folder}"


if __name__ == "__main__":
    ran = run(sys.argv[1:], is_shown=True)
    sys.stdout.write(f"fresh machine: code {ran.code} after {ran.seconds:.1f} s\n")
    raise SystemExit(ran.code)
