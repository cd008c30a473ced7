"""What humans ask of a running agent: one small file a request, its answer beside it.

A command renames a whole file into `levers/`; the main loop takes it up, OrderActor answers once
what it did is on disk, and only then the request is gone. Until then it is told again: a lever asks
for a state, so twice is once. One that nobody waits for any more is not obeyed late.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from domain import clock
from domain.errors import ConfigError, SutradharError
from domain.levers import Lever
from domain.units import Micros, seconds

log = logging.getLogger(__name__)

NAME = "levers"
"""The folder, in the state directory."""

KILL = "KILL"
"""The file of the kill switch, in the state directory."""

STALE = seconds(60)
"""In real time; whoever asked has given up long before."""


class NoRoom(SutradharError):
    """The disk takes no file; exit code 1."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A lever to be pulled; `name` is the latch to clear. `at` is real time."""

    at: Micros
    lever: Lever
    name: str = ""
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: an empty `refusal` if it is so."""

    refusal: str
    mode: str
    latches: tuple[str, ...]


class Dropbox:
    """Both sides of the folder; one writer for each file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / NAME

    def put(self, request: Request) -> str:
        """Leave a request and return its id.

        Raises ConfigError if this user may not, NoRoom if the disk takes no file.
        """
        name = f"{request.at}-{os.getpid()}"
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            hand_over(self._folder, self._path)
            self._write(f"{name}.json", msgspec.json.encode(request))
        except PermissionError as error:
            raise ConfigError(
                f"{self._path}: cannot be written ({error.strerror}); ask as root, or as the user "
                "the agent runs as"
            ) from error
        except OSError as error:
            drop(self._path / f"{name}.json.new")
            raise NoRoom(
                f"{self._path}: cannot be written ({error.strerror}); make room in {self._folder}, "
                "or signal the agent, its pid is in the file lock there: kill -USR1 freezes, a "
                "second one within 10 s flattens, as `run.py flatten` does then"
            ) from error
        return name

    def waiting(self, wall: Micros) -> Iterator[tuple[str, Request]]:
        """Return requests with their ids, oldest first; what cannot be obeyed is thrown away."""
        for path in sorted(self._path.glob("*.json")):
            try:
                request = msgspec.json.decode(path.read_bytes(), type=Request)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
                log.warning("a lever cannot be read file=%s %s", path.name, error)
                drop(path)
                continue
            if abs(wall - request.at) > STALE:
                log.warning("a lever came too late file=%s lever=%s", path.name, request.lever)
                drop(path)
                continue
            yield path.stem, request

    def answer(self, name: str, answer: Answer) -> None:
        """Answer a request that is still there, and take it away. Never raises."""
        path = self._path / f"{name}.json"
        if not path.exists():
            return
        try:
            self._write(f"{name}.said", msgspec.json.encode(answer))
        except OSError as error:
            log.warning("a lever was pulled, but cannot be answered: %s", error)
        drop(path)

    def answered(self, name: str) -> Answer | None:
        """Return the answer to a request, None while there is none."""
        try:
            return msgspec.json.decode((self._path / f"{name}.said").read_bytes(), type=Answer)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def forget(self, name: str) -> None:
        """Take a request and its answer away; one that was not taken up is not obeyed any more."""
        for suffix in ("json", "said"):
            drop(self._path / f"{name}.{suffix}")

    def _write(self, name: str, content: bytes) -> None:
        new = self._path / f"{name}.new"
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        hand_over(self._folder, new)
        new.replace(self._path / name)


def request(lever: Lever, name: str = "", reason: str = "BY_HAND") -> Request:
    """Return a request made now."""
    return Request(at=clock.wall(), lever=lever, name=name, reason=reason)


def hand_over(folder: Path, path: Path) -> None:
    """Give what root made to the owner of the state directory, as whom the agent runs."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def drop(path: Path) -> None:
    """Take a file away; one that does not go stays, and is too old soon."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", path, error)


def kill_fault(folder: Path) -> str:
    """Return why the file KILL cannot be read, '' if it can be or is not there."""
    try:
        (folder / KILL).read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return error.strerror or str(error)
    return ""


def kill_text(folder: Path) -> str | None:
    """Return what the file KILL holds; None without one, '' if it cannot be read."""
    try:
        return (folder / KILL).read_text("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        return ""
