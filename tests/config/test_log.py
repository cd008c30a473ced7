import io
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.groups import LogParams
from config.log import NOISY, WIRE, Redactor, setup, tag_of
from domain import clock
from domain.errors import ConfigError
from domain.session import instant
from domain.units import Day, Micros

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
CANARY = 'canary"key/with\\odd=signs+0123456789'
AT = Micros(instant(Day("2026-11-19"), "15:15:00") + 250_999)


class StillClock:
    """Stands at 15:15:00.250999 of the default day."""

    def now(self) -> Micros:
        return AT

    def machine(self) -> Micros:
        return Micros(0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def quiet_house() -> Iterator[None]:
    """Market time stands still; afterwards the loggers are as they were."""
    root = logging.getLogger()
    before = root.level, [(name, logging.getLogger(name).level) for name in NOISY]
    handlers = root.handlers[:]
    clock.use(StillClock())
    yield
    clock.use(clock.WallClock())
    for logger in (root, logging.getLogger(WIRE)):
        for handler in logger.handlers[:]:
            if handler not in handlers:
                logger.removeHandler(handler)
                handler.close()
    root.setLevel(before[0])
    for name, level in before[1]:
        logging.getLogger(name).setLevel(level)


def lines_of(*secrets: str, level: Level = "DEBUG") -> tuple[io.StringIO, logging.Logger]:
    stream = io.StringIO()
    setup(Redactor(*secrets), LogParams(level=level), stream=stream)
    return stream, logging.getLogger("actors.order")


def test_line_carries_market_time_level_and_tag() -> None:
    stream, log = lines_of()
    log.info("sent order=%s units=%d", "N-1", 650)
    assert stream.getvalue() == (
        "2026-11-19 15:15:00.250 IST INFO     [ORDER] sent order=N-1 units=650\n"
    )


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("actors.order", "ORDER"),
        ("actors.feed", "WEBSOCKET"),
        ("actors.strategy", "SWING"),
        ("actors.reconcile", "RECONCILE"),
        ("broker.stream", "WEBSOCKET"),
        ("broker.http", "API"),
        ("sandbox.market.synthetic", "EXCHANGE"),
        ("strategies.swing_break", "SWING"),
        ("cli.sandbox", "RUN"),
        ("journal.store", "JOURNAL"),
        ("actors.orderly", "ACTORS"),
        ("root", "ROOT"),
    ],
)
def test_tag_is_that_of_the_longest_prefix_or_the_room(name: str, tag: str) -> None:
    assert tag_of(name) == tag


def test_room_may_name_the_tag_itself() -> None:
    stream, log = lines_of()
    log.info("short 650", extra={"tag": "FILL"})
    assert "[FILL] short 650" in stream.getvalue()


@pytest.mark.incident("INC-105")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u20b9130.00 \u2713", "\\u20b9130.00 \\u2713"),
        ("\U0001f680 done", "\\U0001f680 done"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x1b[31mred\x1b[0m\x00", "\\x1b[31mred\\x1b[0m\\x00"),
        ("\ud800", "\\ud800"),
        ("100 % {plain} %s", "100 % {plain} %s"),
    ],
)
def test_every_log_line_is_ascii(text: str, shown: str) -> None:
    stream, log = lines_of()
    log.warning(text)
    log.warning("%s", text)
    lines = stream.getvalue().splitlines()
    assert [line.partition("] ")[2] for line in lines] == [shown, shown]


@pytest.mark.incident("INC-105")
@given(st.text())
def test_one_event_is_one_printable_line_whatever_it_says(text: str) -> None:
    stream, log = lines_of()
    log.info("said %s", text)
    out = stream.getvalue()
    assert out.endswith("\n")
    assert all(" " <= char <= "~" for char in out[:-1])


def failing() -> None:
    raise ValueError(f"refused for {CANARY} \u20b9")


@pytest.mark.incident("INC-109")
def test_canary_secret_appears_nowhere_in_the_log() -> None:
    stream, log = lines_of(CANARY, "")
    log.info("key is %s", CANARY)
    log.info("body %s", json.dumps({"apikey": CANARY}))
    log.info("GET /instruments?apikey=%s", quote(CANARY, safe=""))
    log.info("dict %s", {"apikey": CANARY})
    try:
        failing()
    except ValueError:
        log.exception("failed with %s", CANARY, stack_info=True)
    text = stream.getvalue()
    assert "odd" not in text
    assert text.count("***") >= 6
    assert "Traceback (most recent call last):\n" in text
    assert "ValueError: refused for *** \\u20b9" in text
    assert "Stack (most recent call last):\n" in text


@pytest.mark.incident("INC-109")
def test_secret_learned_later_is_hidden_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.clean("token-1234") == "token-1234"
    redactor.register("token-1234")
    redactor.register("token-1234-long")
    assert redactor.clean("a token-1234-long and a token-1234") == "a *** and a ***"


def test_record_is_left_as_it_was_for_other_handlers() -> None:
    _, log = lines_of(CANARY)
    kept: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(record)

    logging.getLogger().addHandler(Keeping())
    log.info("key %s", CANARY)
    assert kept[0].getMessage() == f"key {CANARY}"
    assert kept[0].levelname == "INFO"


def test_level_decides_what_is_told_and_libraries_are_quiet() -> None:
    stream, log = lines_of(level="INFO")
    log.debug("wire")
    logging.getLogger("urllib3.connectionpool").info("new connection")
    logging.getLogger("uvicorn.error").warning("slow")
    assert [line.partition(" IST ")[2] for line in stream.getvalue().splitlines()] == [
        "WARNING  [UVICORN] slow"
    ]


@pytest.mark.parametrize(
    ("stream", "color", "no_color", "colored"),
    [
        (Terminal(), None, "", True),
        (Terminal(), False, "", False),
        (Terminal(), None, "1", False),
        (io.StringIO(), None, "", False),
        (io.StringIO(), True, "", True),
    ],
)
def test_only_a_terminal_is_colored(
    stream: io.StringIO,
    color: bool | None,
    no_color: str,
    colored: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    setup(Redactor(CANARY), stream=stream, color=color)
    logging.getLogger("actors.order").info("rose\u20b9 %s", CANARY)
    text = stream.getvalue()
    assert ("\x1b[" in text) is colored
    assert "[ORDER] rose\\u20b9 ***" in text
    assert text.isascii()


def test_file_gets_the_same_lines_plain(tmp_path: Path) -> None:
    stream, path = Terminal(), tmp_path / "agent.log"
    setup(Redactor(), stream=stream, file=path)
    logging.getLogger("actors.order").info("sent")
    plain = "2026-11-19 15:15:00.250 IST INFO     [ORDER] sent\n"
    assert path.read_text("ascii") == plain
    assert stream.getvalue() != plain


def test_second_setup_replaces_the_first(tmp_path: Path) -> None:
    first, second = io.StringIO(), io.StringIO()
    setup(Redactor(), stream=first, file=tmp_path / "first.log")
    setup(Redactor(), stream=second)
    logging.getLogger("actors.order").info("once")
    assert (first.getvalue(), second.getvalue().count("once")) == ("", 1)


def test_log_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "agent.log"
    with pytest.raises(ConfigError, match=r"log file .*agent.log: cannot be written \(No such"):
        setup(Redactor(), file=path)


def test_journald_gets_priorities_and_no_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        there = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
        setup(Redactor(), stream=stream, color=True)
        logging.getLogger("actors.order").error("went\nwrong", exc_info=ValueError("why"))
        stream.flush()
        lines = (tmp_path / "journal").read_text().splitlines()
    assert lines == [
        "<3>2026-11-19 15:15:00.250 IST ERROR    [ORDER] went\\nwrong",
        "<3>ValueError: why",
    ]


@pytest.mark.parametrize("said", ["", "1:2"])
def test_another_s_journal_is_not_ours(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", said)
    with (tmp_path / "redirected").open("w+") as stream:
        setup(Redactor(), stream=stream)
        logging.getLogger("actors.order").info("sent")
        stream.flush()
    assert (tmp_path / "redirected").read_text().startswith("2026-11-19 15:15")
    text, log = lines_of()
    log.info("sent")
    assert text.getvalue().startswith("2026-11-19 15:15")


def test_container_s_terminal_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    seen = []
    for said in ("1", "0"):
        monkeypatch.setenv("DOCKER_ENV", said)
        stream = Terminal()
        setup(Redactor(), stream=stream)
        logging.getLogger("actors.order").info("sent")
        seen.append("\x1b[" in stream.getvalue())
    assert seen == [False, True]
