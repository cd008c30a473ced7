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
    "research.recorder": "RECORD",
    "research.recording": "RECORD",
    "sandbox": "EXCHANGE",
    "strategies": "SWING",
}
"""Tags by the longest prefix of a logger's name; others are tagged with their room."""

LINE = "%(at)s IST %(levelname)-8s [%(tag)s] %(message)s"
COLORED = "%(at)s IST %(log_color)s%(levelname)-8s%(reset)s [%(tag)s] %(message)s"
NOISY = ("urllib3", "websocket", "uvicorn", "asyncio")
"""Libraries whose INFO is not part of a trader's day."""


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


class _ColoredLine(_Line, colorlog.ColoredFormatter):
    """The same line with a colored level, for a terminal."""


def setup(
    redactor: Redactor,
    level: str = "INFO",
    stream: IO[str] | None = None,
    color: bool | None = None,
    file: Path | None = None,
) -> None:
    """Send every logger's lines to `stream` (stderr) and, plain, to `file`.

    `color` None: on a terminal, unless NO_COLOR is set. Replaces what an earlier call set up. Call
    it before threads start. Raises ConfigError if the file cannot be written.
    """
    target = stream or sys.stderr
    if color is None:
        color = target.isatty() and "NO_COLOR" not in os.environ
    handlers: list[logging.Handler] = [logging.StreamHandler(target)]
    handlers[0].setFormatter(_formatter(redactor, color=color))
    if file:
        handlers.append(_file_handler(redactor, file))
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, _Line):
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(redactor: Redactor, *, color: bool) -> _Line:
    line = _ColoredLine(COLORED, force_color=True) if color else _Line(LINE)
    line.redactor = redactor
    return line


def _file_handler(redactor: Redactor, file: Path) -> logging.Handler:
    try:
        handler = logging.FileHandler(file, encoding="ascii")
    except OSError as error:
        raise ConfigError(
            f"log file {file}: cannot be written ({error.strerror}); name a folder you may write to"
        ) from error
    handler.setFormatter(_formatter(redactor, color=False))
    return handler
