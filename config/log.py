"""The log: one event, one line, in market time of Asia/Kolkata, tagged, ASCII, without secrets.

Rooms just call `logging.getLogger(__name__)`. The tag such as [ORDER] comes from the logger's name,
or from `extra={"tag": "FILL"}` where one room tells several kinds of story.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import IO
from urllib.parse import quote

import colorlog

from config import sources
from config.groups import LogParams
from config.logfile import DailyFile
from domain import clock
from domain.errors import ConfigError
from domain.session import local

TAGS = {
    "actors.bar": "BAR",
    "actors.feed": "WEBSOCKET",
    "actors.judge": "WATCHDOG",
    "actors.order": "ORDER",
    "actors.reconcile": "RECONCILE",
    "actors.strategy": "SWING",
    "actors.watchdog": "WATCHDOG",
    "broker": "API",
    "broker.stream": "WEBSOCKET",
    "cli": "RUN",
    "config": "RUN",
    "research.recorder": "RECORD",
    "research.recording": "RECORD",
    "sandbox": "EXCHANGE",
    "strategies": "SWING",
    "wire": "WIRE",
}
"""Tags by the longest prefix of a logger's name; others are tagged with their room."""

LINE = "%(at)s IST %(levelname)-8s [%(tag)s] %(message)s"
COLORED = "%(at)s IST %(log_color)s%(levelname)-8s%(reset)s [%(tag)s] %(message)s"
WIRE = "wire"
"""Whose loggers tell whole bodies: to the file alone, and only if that is asked for."""

PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""What journald wants before a line to know how bad it is; it takes it away again."""

NOISY = ("urllib3", "websocket", "uvicorn", "asyncio")
"""Libraries whose INFO is not part of a trader's day."""


CALM = LogParams()
SILENT = logging.CRITICAL + 1


class Redactor:
    """Knows the secrets and takes them out of any text. Safe to use from every thread."""

    def __init__(self, *secrets: str) -> None:
        self._hidden: tuple[str, ...] = ()
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Hide these from now on, also as JSON, in a repr and in a URL; '' is no secret."""
        spellings = {
            spelling
            for secret in secrets
            if secret
            for spelling in (
                secret,
                json.dumps(secret)[1:-1],
                repr(secret)[1:-1],
                quote(secret, safe=""),
            )
        }
        self._hidden = tuple(sorted({*self._hidden, *spellings}, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """Return the text with every secret replaced by ***."""
        for hidden in self._hidden:
            text = text.replace(hidden, "***")
        return text


def tag_of(name: str) -> str:
    """Return the tag of a logger's name."""
    parts = name.split(".")
    prefixes = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((TAGS[prefix] for prefix in prefixes if prefix in TAGS), parts[0].upper())


class _Line(logging.Formatter):
    """Turns a record into one plain line; a traceback follows on lines of its own."""

    redactor: Redactor

    def format(self, record: logging.LogRecord) -> str:
        """Format a copy: what other handlers make of the record is theirs."""
        at = record.__dict__.setdefault("market_at", clock.now())
        line = logging.makeLogRecord(record.__dict__)
        line.msg, line.args, line.exc_text = self._wash(record.getMessage(), ""), (), None
        line.at = local(at).isoformat(" ", "milliseconds").partition("+")[0]
        line.tag = getattr(record, "tag", None) or tag_of(record.name)
        return super().format(line)

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802 - logging's name
        """Format a traceback, cleaned like everything else."""
        return self._wash(super().formatException(ei), "\n")

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        """Format a stack, cleaned like everything else."""
        return self._wash(stack_info, "\n")

    def _wash(self, text: str, kept: str) -> str:
        """Leave printable ASCII: no secret, no line break and no escape code of a broker's text."""
        return "".join(
            char if " " <= char <= "~" or char in kept else char.encode("unicode_escape").decode()
            for char in self.redactor.clean(text)
        )


class _JournalLine(_Line):
    """The same line with its priority in front, for journald. It keeps its own time, India's."""

    def format(self, record: logging.LogRecord) -> str:
        """Format every line of the record with the priority."""
        priority = f"<{PRIORITIES.get(record.levelno, 5)}>"
        return "\n".join(priority + line for line in super().format(record).splitlines())


class _ColoredLine(_Line, colorlog.ColoredFormatter):
    """The same line with a colored level, for a terminal."""


def setup(
    redactor: Redactor,
    params: LogParams = CALM,
    stream: IO[str] | None = None,
    color: bool | None = None,
    file: Path | None = None,
) -> None:
    """Send all loggers' lines to `stream` (stderr) and, plain, to `file` and the settings' own.

    `color` None: on a terminal, unless NO_COLOR is set, or journald or a container engine takes the
    lines. Replaces what an earlier call set up. Call it before threads start. Raises ConfigError if
    a file cannot be written.
    """
    target = stream or sys.stderr
    files: list[logging.Handler] = []
    if file:
        files.append(_file_handler(redactor, file))
    if params.file:
        files.append(DailyFile(Path(params.file), params.keep_days))
        files[-1].setFormatter(_formatter(redactor, _Line(LINE)))
    terminal = logging.StreamHandler(target)
    terminal.setFormatter(_formatter(redactor, _line(target, color=color)))
    root, wire = logging.getLogger(), logging.getLogger(WIRE)
    for logger in (root, wire):
        for old in [each for each in logger.handlers if isinstance(each.formatter, _Line)]:
            logger.removeHandler(old)
            old.close()
    for handler in (terminal, *files):
        root.addHandler(handler)
    root.setLevel(params.level)
    wire.propagate = False
    wire.setLevel(logging.DEBUG if params.wire else SILENT)
    if params.wire:
        wire.addHandler(files[-1])
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _line(target: IO[str], *, color: bool | None) -> _Line:
    """Return how a line looks there."""
    if _is_journal(target):
        return _JournalLine(LINE)
    if color is None:
        color = target.isatty() and "NO_COLOR" not in os.environ and not sources.container()
    return _ColoredLine(COLORED, force_color=True) if color else _Line(LINE)


def _is_journal(target: IO[str]) -> bool:
    """Whether journald reads `target`: who inherits the variable may have been redirected since."""
    said = os.environ.get("JOURNAL_STREAM", "")
    try:
        there = os.fstat(target.fileno())
    except (OSError, ValueError):
        return False
    return said == f"{there.st_dev}:{there.st_ino}"


def _formatter(redactor: Redactor, line: _Line) -> _Line:
    line.redactor = redactor
    return line


def _file_handler(redactor: Redactor, file: Path) -> logging.Handler:
    try:
        handler = logging.FileHandler(file, encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"log file {file}: cannot be written ({error.strerror}); name a folder you may write to"
        ) from error
    handler.setFormatter(_formatter(redactor, _Line(LINE)))
    return handler
