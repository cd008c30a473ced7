"""`run.py backup` and `run.py restore`: a state directory in one file, and back from it.

The file is a gzipped tar with a manifest: what it holds, by size and SHA-256. What is not in the
manifest, or is not as it says, is not put back.
"""

import hashlib
import io
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import msgspec

from cli.levers import check_folder, market_now
from cli.putting_back import put_back
from cli.session import is_held, locked
from cli.status import NAME as STATUS
from cli.version import commit
from domain import clock
from domain.errors import ConfigError, SutradharError
from domain.ledger import Ledger
from domain.session import local, trading_day
from domain.units import Micros
from journal.copying import copy
from journal.orders import NAME as JOURNAL
from journal.orders import verify
from sandbox.truth_file import NAME as TRUTH

FORM = 1
MANIFEST = "manifest.json"
STATE, SETTINGS = "state", "settings"
ENV = Path(".env")
LARGEST = 4 << 30
_NAME = re.compile(r"(state|settings)(/[A-Za-z0-9_][A-Za-z0-9._-]*){1,3}|settings/\.env")


class Unusable(SutradharError):
    """A file that is no backup, or not a whole one; exit code 1."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a backup."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `at` is real time, `market_at` that of the agent's market.

    `running`: an agent was at work while it was made. `config` and `env` name the settings that
    the agent was to be started with, whether they are in it or not.
    """

    form: int
    at: Micros
    market_at: Micros
    commit: str
    running: bool
    parts: dict[str, Part]
    config: str = ""
    env: str = ""
    has_secrets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says of a backup."""

    state_dir: Path
    out: Path
    config: Path | None = None
    secrets: bool = False


def backup(options: Options, say: TextIO) -> int:
    """Write a backup, also beside a running agent, and return 0.

    Raises NotRunning if no agent ever ran there, ConfigError for a file that is there already or
    cannot be written, JournalError for a journal that cannot be read.
    """
    folder, out = options.state_dir, options.out
    check_folder(folder)
    if options.config is not None and not options.config.is_file():
        raise ConfigError(f"--config {options.config}: is no file; name your own settings")
    if out.exists():
        raise ConfigError(f"--out {out}: is there already; name a new file")
    try:
        with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".backup-") as made:
            manifest = _collect(options, Path(made))
            _write(Path(made), manifest, out)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: cannot be written ({error.strerror}); name a file in a folder you may "
            "write to, with room for it"
        ) from error
    size = out.stat().st_size >> 10
    whose = "of a running agent" if manifest.running else "of an agent that is not running"
    say.write(f"{out}: {len(manifest.parts)} files, {size} KiB, {whose}\n")
    left = [name for name in (manifest.config, manifest.env) if name]
    if left and not manifest.has_secrets:
        say.write(f"settings: {', '.join(left)}; secrets are not in it\n")
    return 0


def restore(file: Path, folder: Path, say: TextIO) -> int:
    """Put a backup in the place of what a state directory holds, which is kept aside; return 0.

    Raises Unusable for a file that is no whole backup, Locked while an agent holds the folder,
    JournalError for a journal that is damaged, ConfigError for a folder that cannot be written.
    """
    with locked(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".restore-") as made:
        manifest = unpack(file, Path(made))
        new = Path(made) / STATE
        day = trading_day(manifest.market_at)
        events = verify(new / JOURNAL, day)
        told = put_back(new, folder, _market_now(folder, manifest))
        _settings(Path(made) / SETTINGS, folder, say)
    at = local(manifest.at).strftime("%Y-%m-%d %H:%M:%S")
    say.write(f"{folder} is as it was at {at} IST, by commit {manifest.commit}\n")
    shorts = [leg.symbol for leg in Ledger().fold(events).open_legs() if leg.short > 0]
    say.write(f"its journal of {day} knows of {', '.join(shorts) or 'no open short'}\n")
    say.writelines(f"{line}\n" for line in told)
    return 0


def _market_now(folder: Path, manifest: Manifest) -> Micros:
    """Return market time; of a paper exchange when its agent last spoke, or the copy was made."""
    if not (folder / TRUTH).exists():
        return clock.now()
    return market_now(folder) if (folder / STATUS).exists() else manifest.market_at


def unpack(file: Path, to: Path) -> Manifest:
    """Unpack a backup and return its manifest. Raises Unusable unless each part is as it says."""
    try:
        with tarfile.open(file, "r:gz") as tar:
            manifest = msgspec.json.decode(_read(tar, MANIFEST), type=Manifest)
            if manifest.form != FORM:
                raise Unusable(f"{file}: has form {manifest.form}, this version reads {FORM}")
            for name, part in manifest.parts.items():
                _unpack(tar, name, part, to)
    except FileNotFoundError:
        raise Unusable(f"{file}: is not there") from None
    except (OSError, EOFError, tarfile.TarError, KeyError, ValueError) as error:
        raise Unusable(f"{file}: is no whole backup of this kind ({error})") from error
    return manifest


def _unpack(tar: tarfile.TarFile, name: str, part: Part, to: Path) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no file of a state directory")
    data = _read(tar, name)
    if (len(data), hashlib.sha256(data).hexdigest()) != (part.size, part.sha256):
        raise ValueError(f"{name} is damaged")
    path = to / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.getmember(name)
    found = tar.extractfile(member) if member.isreg() and member.size <= LARGEST else None
    if found is None:
        raise ValueError(f"{name} is no plain file")
    return found.read()


def _collect(options: Options, made: Path) -> Manifest:
    folder = options.state_dir
    (made / STATE).mkdir()
    (made / SETTINGS).mkdir()
    is_running, market_at = is_held(folder), market_now(folder)
    names = [f"{STATE}/{name}" for name in copy(folder, made / STATE)]
    kept = [(options.config, "own.yaml"), (ENV if options.secrets else None, ENV.name)]
    for path, name in kept:
        if path is not None and path.exists():
            (made / SETTINGS / name).write_bytes(path.read_bytes())
            names.append(f"{SETTINGS}/{name}")
    return Manifest(
        form=FORM,
        at=clock.wall(),
        market_at=market_at,
        commit=commit(),
        running=is_running,
        parts={name: _part(made / name) for name in names},
        config=str(options.config.absolute()) if options.config else "",
        env=str(ENV.absolute()) if ENV.exists() else "",
        has_secrets=options.secrets,
    )


def _part(path: Path) -> Part:
    with path.open("rb") as file:
        return Part(
            size=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def _write(made: Path, manifest: Manifest, out: Path) -> None:
    """Write the file whole or not at all, for its owner only."""
    written = made / "written"
    number = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            with _plain(MANIFEST, msgspec.json.encode(manifest)) as (info, data):
                tar.addfile(info, data)
            for name in manifest.parts:
                with _plain(name, (made / name).read_bytes()) as (info, data):
                    tar.addfile(info, data)
        file.flush()
        os.fsync(file.fileno())
    os.link(written, out)


@contextmanager
def _plain(name: str, content: bytes) -> Iterator[tuple[tarfile.TarInfo, io.BytesIO]]:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(content), 0o600, clock.wall() // 10**6
    with io.BytesIO(content) as data:
        yield info, data


def _settings(made: Path, folder: Path, say: TextIO) -> None:
    """Lay settings beside, for a human to put where they belong."""
    if not made.is_dir():
        return
    home = folder / "restored-settings"
    home.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(made.iterdir()):
        path.replace(home / path.name)
        say.write(f"settings: {home / path.name}; put it where the agent reads it\n")
