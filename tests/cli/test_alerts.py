"""What speaks to people beside the agent: who is started, what only the main thread can tell."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import alerts
from cli.agent import DAY_IS_PAST, PARKED_LATE
from cli.alerts import NOTIFIED, Outside, beside
from cli.pager import Pager
from config.settings import Settings, load
from dashboard.board import Board
from domain.alerting import RUNNING, Memory
from domain.errors import ConfigError, JournalError
from domain.session import instant
from domain.units import Day
from messages.control import Ended
from sandbox.params import SandboxParams
from tests.cli.beats import Beats
from tests.cli.listener import SECRET, Listener
from tests.cli.openalgo import DAY, KEY, it_is
from tests.cli.test_doctor import NAMES, failing, lines
from tests.cli.typing_in import RunPy

NOWHERE = Path("/nowhere/.env")
SUNDAY = Day("2026-11-22")
GAVE_UP = ["Sutradhar CRITICAL: GAVE_UP"]
BOT = "7781234:AAH-a-secret-of-the-bot"


def loaded(flags: dict[str, Any]) -> Settings:
    return load("sandbox", flags, env_file=NOWHERE, rooms={"sandbox": SandboxParams()})


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


@pytest.fixture
def settings(run_py: RunPy, listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings under which the listener is told."""
    monkeypatch.delenv(NOTIFIED, raising=False)
    monkeypatch.setenv("SUTRADHAR_ALERT_URLS", listener.url)
    it_is("10:00")
    return loaded({"alerts.on": True})


def ended(code: int, reason: str, wall: str = "10:00", day: Day = DAY) -> Ended:
    return Ended(at=instant(day, wall), code=code, reason=reason)


def titles(listener: Listener) -> list[str]:
    return [got["title"] for got in listener.got]


def test_without_an_address_nobody_is_there(tmp_path: Path, run_py: RunPy) -> None:
    settings = loaded({"alerts.on": True})
    with beside(settings, tmp_path, Board()) as outside:
        assert outside.pager is None
        outside.ended(ended(0, PARKED_LATE))
        outside.refused(ConfigError("x"))
    assert list(tmp_path.iterdir()) == []


def test_sandbox_tells_nobody_unless_it_is_asked_to(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_TELEGRAM_TOKEN", BOT)
    monkeypatch.setenv("SUTRADHAR_HEARTBEAT_URL", f"http://127.0.0.1:9/{SECRET}")
    monkeypatch.setenv("SUTRADHAR_TELEGRAM__CHAT_ID", "5")
    usual = loaded({})
    assert alerts.targets_of(usual) == []
    assert not alerts.is_telegram_on(usual)
    assert not alerts.is_heartbeat_on(usual)


def test_everything_configured_is_started_and_ended_and_no_secret_is_logged(
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    beats = Beats()
    monkeypatch.setenv("SUTRADHAR_TELEGRAM_TOKEN", BOT)
    monkeypatch.setenv("SUTRADHAR_HEARTBEAT_URL", f"{beats.url}/{SECRET}")
    on = {"alerts.on": True, "telegram.on": True, "heartbeat.on": True}
    chat = {"telegram.chat_id": "5", "telegram.api_url": "http://127.0.0.1:9"}
    full = loaded(on | chat)
    with beside(full, tmp_path, Board()) as outside:
        assert outside.pager is not None
    beats.close()
    assert caplog.messages[:3] == [
        "alerts go to alert address 1 (json)",
        "commands by Telegram are taken from chat 5",
        "a heartbeat goes out every 60 s",
    ]
    assert SECRET not in caplog.text
    assert BOT not in caplog.text


def test_address_that_is_none_refuses_the_start(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_ALERT_URLS", f"nosuch://{SECRET}")
    wrong = loaded({"alerts.on": True})
    with (
        pytest.raises(ConfigError, match=r"alert address 1 \(nosuch\)"),
        beside(wrong, tmp_path, Board()),
    ):
        pass


@pytest.mark.parametrize(
    ("end", "told", "life"),
    [
        (ended(0, "PARKED: stops verified 1/1"), ["Sutradhar INFO: PARKED"], ""),
        (ended(0, PARKED_LATE), ["Sutradhar CRITICAL: PARKED_LEFT"], ""),
        (ended(10, "day done, proved flat"), [], ""),
        (ended(130, "interrupted twice"), [], ""),
        (ended(78, "the server is live"), [], ""),
        (ended(70, "order: KeyError('x')"), [], "it gave up: order: KeyError('x')"),
        (ended(70, "order: x", "16:00"), GAVE_UP, "it gave up: order: x"),
        (ended(70, "order: x", day=SUNDAY), GAVE_UP, "it gave up: order: x"),
        (ended(70, DAY_IS_PAST), GAVE_UP, f"it gave up: {DAY_IS_PAST}"),
        (ended(70, DAY_IS_PAST, "00:00", SUNDAY), GAVE_UP, f"it gave up: {DAY_IS_PAST}"),
        (ended(10, "day done, proved flat", "16:00"), [], ""),
    ],
)
def test_end_of_a_day_is_told_and_kept_for_the_next_life(
    tmp_path: Path,
    settings: Settings,
    listener: Listener,
    end: Ended,
    told: list[str],
    life: str,
) -> None:
    with beside(settings, tmp_path, Board()) as outside:
        assert outside.pager is not None
        outside.pager.keep(Memory(life=RUNNING))
        outside.ended(end)
    assert titles(listener) == told
    assert Pager(tmp_path, (), 1).recall().life == life


@pytest.mark.parametrize("error", [ConfigError("openalgo.port: 0"), JournalError("disk I/O")])
def test_refused_start_is_told_once_an_hour(
    tmp_path: Path, settings: Settings, listener: Listener, error: ConfigError | JournalError
) -> None:
    for _ in range(4):
        with pytest.raises(type(error)), beside(settings, tmp_path, Board()):
            raise error
    assert titles(listener) == ["Sutradhar CRITICAL: REFUSED_START"]
    assert Pager(tmp_path, (), 1).recall().life == ""
    assert f"the agent did not start: {error}" in listener.got[0]["message"]


@pytest.mark.parametrize("error", [OSError(28, SECRET), KeyError(SECRET), ZeroDivisionError()])
def test_error_nobody_foresaw_is_told_by_its_name_also_under_systemd(
    tmp_path: Path,
    settings: Settings,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    monkeypatch.setenv(NOTIFIED, "/run/systemd/notify")
    for _ in range(3):
        with pytest.raises(type(error)), beside(settings, tmp_path, Board()):
            raise error
    assert titles(listener) == ["Sutradhar CRITICAL: REFUSED_START"]
    words = listener.got[0]["message"]
    assert f"an error nobody foresaw, {type(error).__name__}: the log has its words." in words
    assert SECRET not in words
    assert "***" not in words


def test_secret_in_the_words_of_others_is_not_sent(
    tmp_path: Path, settings: Settings, listener: Listener
) -> None:
    with beside(settings, tmp_path, Board()) as outside:
        outside.refused(ConfigError(f"proxy said {SECRET}"))
    assert "proxy said ***" in listener.got[0]["message"]


def test_under_systemd_the_failure_unit_tells_of_a_refused_start(
    tmp_path: Path, settings: Settings, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NOTIFIED, "/run/systemd/notify")
    with pytest.raises(ConfigError), beside(settings, tmp_path, Board()):
        raise ConfigError("x")
    assert listener.got == []


def test_word_of_the_main_thread_leaves_what_actors_told_as_it_is(
    tmp_path: Path, settings: Settings
) -> None:
    with beside(settings, tmp_path, Board()) as outside:
        assert outside.pager is not None
        before = outside.pager.recall()
        outside.ended(ended(0, "PARKED: stops verified 0/0"))
        kinds = [told.kind for told in outside.pager.recall().told]
    assert (before.told, kinds) == ((), ["PARKED"])
    assert isinstance(outside, Outside)


@pytest.fixture
def no_server(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody listens: alerts are looked at all the same."""
    monkeypatch.setenv("OPENALGO_PORT", "1")
    monkeypatch.setenv("SUTRADHAR_PAGE__PORT", "0")
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)


def test_doctor_names_who_is_told_and_sends_a_test_if_asked(
    settings: Settings, listener: Listener, run_py: RunPy, no_server: None
) -> None:
    assert "alerts" in NAMES
    text = lines(run_py("doctor"))["alerts"]
    rest = "commands by Telegram off, heartbeat off"
    assert (text, listener.got) == (f"PASS alert address 1 (json); {rest}", [])
    said = run_py("doctor", "--alert")
    assert lines(said)["alerts"] == f"PASS a test was taken by alert address 1 (json); {rest}"
    assert titles(listener) == ["Sutradhar INFO: TEST"]
    assert SECRET not in said.out + said.err


def test_doctor_says_which_address_took_no_test(
    settings: Settings, listener: Listener, run_py: RunPy, no_server: None
) -> None:
    listener.refuses = 1
    found = failing(run_py("doctor", "--alert"))["alerts"]
    assert found == (
        "FAIL alert address 1 (json) took no test. Correct SUTRADHAR_ALERT_URLS, or see that it is"
        " up."
    )
