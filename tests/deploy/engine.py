"""A container engine started by hand, in a folder and a network of its own, and what it runs.

Built is on the host's network; then the engine is started anew in a network namespace, where it
publishes ports and sets up bridges that the machine never sees. Nothing of it is left behind.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.capabilities import needs
from tests.deploy import rootfs
from tests.shared import ROOT
from tests.waiting import until

BASE = "base:bookworm"
IMAGE = "sutradhar:test"
COMPOSE = ROOT / "docker" / "docker-compose.yml"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
STARTS_WITHIN_S = 30.0
LONG_S = 300
LEAVES_WITHIN_S = 60
NO_BRIDGE = ("--iptables=false", "--ip6tables=false", "--bridge=none")

# The base as CI has it: with the machine's own authorities and package index, never committed.
BASE_FILE = f"""\
FROM raw:bookworm
COPY ca.crt {CA_BUNDLE}
COPY pip.conf /etc/pip.conf
"""


class Engine:
    """One dockerd with its own data, socket and network namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._space = f"sut{os.getpid()}"
        self._daemon: subprocess.Popen[bytes] | None = None
        self._environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{folder}/d.sock",
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": str(folder),
            "COMPOSE_PROJECT_NAME": "sutradhar",
            "SUTRADHAR_IMAGE": IMAGE,
            "SUTRADHAR_DATA": str(folder / "kept"),
        }

    def docker(self, *words: object, check: bool = True) -> str:
        """Run a docker command and return what it printed."""
        return self._run("docker", *words, check=check)

    def compose(self, *words: object, override: Path | None = None) -> str:
        """Run a docker-compose command on the shipped file, and one of the test's beside it."""
        files = ["-f", COMPOSE, *(["-f", override] if override else [])]
        return self._run("docker-compose", *files, "--profile", "sandbox", *words)

    def about(self, name: str) -> dict[str, Any]:
        """Return what `docker inspect` says of a container or an image."""
        (found,) = json.loads(self.docker("inspect", name))
        return dict(found)

    def logs(self, name: str) -> str:
        """Return all that a container said, on both channels."""
        return self._run("docker", "logs", name, both=True)

    def evidence(self) -> str:
        """Return the state of every container and its last words."""
        names = self.docker("ps", "-a", "--format", "{{.Names}}").split()
        said = [f"{name}: {self.about(name)['State']}\n{self.logs(name)[-2000:]}" for name in names]
        return "\n".join(said)

    def outside(self, *words: object) -> str:
        """Run a program where the published ports are the loopback's."""
        return self._run("nsenter", f"--net=/run/netns/{self._space}", *words)

    def start(self, *options: str) -> None:
        """Start it on the machine's network with options, or in its own space without."""
        place = [] if options else ["nsenter", f"--net=/run/netns/{self._space}"]
        folder = self.folder
        command = [*place, "dockerd", *options, "--storage-driver=overlay2"]
        command += [f"--data-root={folder}/data", f"--exec-root={folder}/exec"]
        command += ["--default-ulimit", "nofile=4096:4096"]
        command += ["-H", f"unix://{folder}/d.sock", "-p", f"{folder}/pid"]
        with (folder / "dockerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self._answers, STARTS_WITHIN_S)

    def stop(self) -> None:
        """Stop the daemon and wait for it."""
        if self._daemon is not None:
            self._daemon.terminate()
            self._daemon.wait(LEAVES_WITHIN_S)
            self._daemon = None

    def unshare(self) -> None:
        """Make the network namespace."""
        self._run("ip", "netns", "add", self._space)
        self._run("ip", "-n", self._space, "link", "set", "lo", "up")

    def close(self) -> None:
        """End every container and the daemon, and remove what they lay on."""
        if self._daemon is not None and self._daemon.poll() is None:
            containers = self.docker("ps", "-aq", check=False).split()
            self.docker("rm", "-f", "-v", *containers, check=False)
            self.stop()
        self._run("ip", "netns", "del", self._space, check=False)
        for line in Path("/proc/self/mounts").read_text("utf-8").splitlines():
            place = line.split()[1]
            if place.startswith(f"{self.folder}/"):
                self._run("umount", "-l", place, check=False)
        # What the engine has just left may still be busy for a moment.
        self._run("umount", "-l", self.folder)

    def _answers(self) -> bool:
        assert self._daemon is not None
        assert self._daemon.poll() is None, (self.folder / "dockerd.log").read_text("utf-8")[-3000:]
        asked = ["docker", "version"]
        return (
            subprocess.run(
                asked, check=False, capture_output=True, env=self._environment
            ).returncode
            == 0
        )

    def _run(self, *words: object, check: bool = True, both: bool = False) -> str:
        ran = subprocess.run(
            [str(word) for word in words],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=LONG_S,
        )
        assert not check or ran.returncode == 0, (
            f"{words}: {ran.stdout[-2000:]}{ran.stderr[-3000:]}"
        )
        return ran.stdout + ran.stderr * both


@contextmanager
def engine() -> Iterator[Engine]:
    """Give an engine that runs on the machine's network; `move` takes it off."""
    needs("dockerd", "docker-compose", "netns", "iptables")
    # A socket's path may have 107 bytes, which the folders of pytest often exceed.
    folder = Path(tempfile.mkdtemp(prefix="sut-"))
    # In memory: a gigabyte of small files, all of them thrown away.
    mount = ["mount", "-t", "tmpfs", "-o", "mode=0700", "sutradhar", str(folder)]
    subprocess.run(mount, check=True)
    made = Engine(folder)
    try:
        made.start(*NO_BRIDGE)
        yield made
    finally:
        made.close()
        folder.rmdir()


def move(made: Engine) -> None:
    """Start it anew in its own network space."""
    made.stop()
    made.unshare()
    made.start()


def make_base(made: Engine) -> None:
    """Make the image that `ARG BASE` names: the small Debian, and how this machine fetches."""
    made.docker("import", rootfs.tar(), "raw:bookworm")
    context = made.folder / "base"
    context.mkdir()
    (context / "Dockerfile").write_text(BASE_FILE, "ascii")
    (context / "pip.conf").write_text(_pip_conf(), "utf-8")
    shutil.copy(CA_BUNDLE, context / "ca.crt")
    made.docker("build", "-q", "-t", BASE, context)


def build(made: Engine, commit: str) -> None:
    """Build the shipped Dockerfile as CI and an operator do."""
    arguments = [
        word for each in (f"BASE={BASE}", f"COMMIT={commit}") for word in ("--build-arg", each)
    ]
    file = ROOT / "docker" / "Dockerfile"
    made.docker("build", "-q", "--network", "host", *arguments, "-t", IMAGE, "-f", file, ROOT)


def layers(made: Engine) -> str:
    """Return the image's layers with their sizes, newest first, for the record."""
    form = "{{.Size}}\t{{.CreatedBy}}"
    lines = made.docker("history", "--format", form, IMAGE).splitlines()
    shown = [line.replace("/bin/sh -c ", "").replace("#(nop) ", "") for line in lines]
    return "\n".join(line[:90] for line in shown if not line.startswith("0B\t"))


def _pip_conf() -> str:
    """Return the settings of pip that say where it fetches, as they are in force here."""
    said = subprocess.run(
        ["python3", "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    parts = [line.partition("=") for line in said.splitlines()]
    found = {key.rpartition(".")[2]: value.strip("'\"") for key, _, value in parts}
    found["cert"] = str(CA_BUNDLE)
    wanted = ("index-url", "trusted-host", "proxy", "cert")
    lines = [f"{name} = {found[name]}" for name in wanted if name in found]
    return "\n".join(["[global]", *lines, ""])
