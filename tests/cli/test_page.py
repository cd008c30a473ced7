"""The page beside an agent: served while it runs, never in its way, levers through the drop-box."""

import errno
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from cli import levers, page
from cli.dropbox import KILL, Answer, Dropbox
from cli.holder import tap
from cli.levers import Refused
from cli.page import Hand
from cli.session import locked
from config.effective import Settings
from dashboard.pulling import Outcome, Pulled
from domain import clock
from domain.errors import ConfigError
from domain.levers import Lever
from tests.cli.openalgo import it_is
from tests.cli.test_levers import an_agent, left
from tests.config.reading import settings_of
from tests.domain.test_status import a_status
from tests.waiting import until

CONTROL, READ = "c" * 32, "r" * 32
FROZEN = Answer(refusal="", mode="REDUCE_ONLY", latches=("FREEZE",))
PATIENCE_S = 20.0


def the_settings(control: str = "", read: str = "", **changes: Any) -> Settings:
    settings = settings_of()
    keys = replace(settings.keys, control_token=SecretStr(control), read_token=SecretStr(read))
    return replace(settings, keys=keys, page=replace(settings.page, **changes))


def ask(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, Any]]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = HTTPConnection(host.strip("[]"), int(port), timeout=PATIENCE_S)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, msgspec.json.decode(answer.read())
    finally:
        connection.close()


def url_of(caplog: pytest.LogCaptureFixture) -> str:
    (line,) = [r.getMessage() for r in caplog.records if "page open url=" in r.getMessage()]
    return line.split("url=")[1].split()[0]


@pytest.fixture(autouse=True)
def _story(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO):
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    it_is("10:00")
    left(tmp_path)
    yield tmp_path
    clock.use(clock.WallClock())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_page_shows_what_is_shown_to_the_board(
    folder: Path, caplog: pytest.LogCaptureFixture, host: str
) -> None:
    with page.beside(the_settings(host=host), folder) as board:
        url = url_of(caplog)
        assert ask(url, "/readyz")[0] == 503
        board.show(a_status(bars=42))
        assert ask(url, "/readyz")[0] == 200
        assert ask(url, "/state")[1]["bars"] == 42
    with pytest.raises(ConnectionRefusedError):
        ask(url, "/readyz")
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]


def test_port_that_is_taken_is_a_warning_and_the_agent_goes_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with page.beside(the_settings(port=port), folder) as board:
            board.show(a_status())
    (line,) = caplog.records
    told = f"no page: 127.0.0.1:{port} cannot be listened on (Address already in use); the agent"
    assert line.levelname == "WARNING"
    assert line.getMessage().startswith(f"{told} trades without it")


def test_page_that_is_off_is_none(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with page.beside(the_settings(on=False, host="0.0.0.0"), folder) as board:
        board.show(a_status())
    assert caplog.records == []


def test_page_that_breaks_is_said_and_ends_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(service: object, sockets: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("dashboard.service.Service.serve", die)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def said() -> list[str]:
        return [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]

    with page.beside(the_settings(), folder) as board:
        board.show(a_status())
        until(said, PATIENCE_S)
    (line,) = said()
    assert line.endswith("is served no more; the agent goes on")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"host": "0.0.0.0"}, "page.host: 0.0.0.0 is not allowed without a token"),
        ({"host": "::"}, "page.host: :: is not allowed without a token"),
        ({"host": "trader.lan"}, "page.host: trader.lan is not allowed without a token"),
        ({"control": CONTROL, "read": CONTROL}, "both are the same"),
    ],
)
def test_page_that_others_would_read_is_refused(
    folder: Path, changes: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError, match=told), page.beside(the_settings(**changes), folder):
        pass


@pytest.mark.parametrize("token", [{"control": CONTROL}, {"read": READ}])
def test_page_for_others_needs_one_token(folder: Path, token: dict[str, str]) -> None:
    page.check(the_settings(host="0.0.0.0", **token))
    assert not page.access_of(the_settings(host="0.0.0.0", **token)).is_loopback


def test_why_not_says_whether_it_could_be_served() -> None:
    params = the_settings().page
    assert page.why_not(params) == ""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        why = page.why_not(replace(params, port=port))
    assert why == f"127.0.0.1:{port} cannot be listened on (Address already in use)"
    nowhere = page.why_not(replace(params, host="nowhere.invalid"))
    assert nowhere.startswith("nowhere.invalid:0 cannot be listened on (")


def test_lever_by_http_reaches_the_agent_and_comes_back(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with an_agent(folder, FROZEN) as heard, page.beside(the_settings(CONTROL), folder):
        url = url_of(caplog)
        status, said = ask(url, "/levers/freeze", "POST", authorization=f"Bearer {CONTROL}")
    assert (status, said["done"], said["latches"]) == (200, True, ["FREEZE"])
    assert said["said"].startswith("FREEZE is up; the agent is REDUCE_ONLY, latches up: FREEZE\n")
    assert [request.lever for request in heard] == [Lever.FREEZE]
    assert CONTROL not in caplog.text


def pulled(folder: Path, lever: Lever, latch: str = "") -> tuple[Outcome, str]:
    found = Hand(folder).pull(lever, latch)
    return found.outcome, found.text


def test_what_an_agent_says_to_a_lever_is_passed_on(folder: Path) -> None:
    with an_agent(folder, Answer(refusal="not now", mode="ACTIVE", latches=())):
        assert pulled(folder, Lever.FREEZE) == (Outcome.REFUSED, "not now")
    with an_agent(folder, Answer(refusal="", mode="ACTIVE", latches=())) as heard:
        done = Pulled(
            outcome=Outcome.DONE,
            text="FREEZE is down; the agent is ACTIVE, latches up: none",
            mode="ACTIVE",
        )
        assert Hand(folder).pull(Lever.CLEAR, "freeze") == done
        assert [request.name for request in heard] == ["FREEZE"]


def test_latch_that_is_none_or_would_be_up_again_is_not_asked_for(folder: Path) -> None:
    with an_agent(folder, FROZEN) as heard:
        outcome, text = pulled(folder, Lever.CLEAR, "nonsense")
        assert (outcome, text) == (Outcome.WRONG, "--latch NONSENSE: is no latch; up: none")
        (folder / KILL).touch()
        outcome, text = pulled(folder, Lever.CLEAR, "FREEZE")
        assert outcome is Outcome.REFUSED
        assert "would raise FREEZE again" in text
    assert heard == []


def test_agent_that_says_nothing_is_told_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levers, "ANSWER_S", 0)
    with an_agent(folder):
        assert pulled(folder, Lever.HALT)[0] is Outcome.UNANSWERED
    assert pulled(folder, Lever.HALT) == (Outcome.UNANSWERED, pulled(folder, Lever.HALT)[1])


def test_agent_that_ends_meanwhile_is_told(folder: Path) -> None:
    assert pulled(folder, Lever.FREEZE) == (Outcome.GONE, "the agent ends; nobody answered")


def test_disk_that_takes_nothing_signals_a_flatten_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Dropbox, "_write", full)
    taps: list[Path] = []

    def tapped(where: Path) -> int:
        taps.append(where)
        return 4711

    with locked(folder):
        told = Hand(folder, tapped).pull(Lever.FLATTEN, "")
        assert told.outcome is Outcome.SIGNALLED
        assert "SIGUSR1 went to the agent, pid 4711" in told.text
        refused = Hand(folder, tapped).pull(Lever.FREEZE, "")
        assert refused.outcome is Outcome.IMPOSSIBLE
        assert "kill -USR1 freezes" in refused.text
    assert taps == [folder]


def test_flatten_without_disk_and_signal_says_both(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def refuse(_: Path) -> int:
        raise Refused("names no process")

    monkeypatch.setattr(Dropbox, "_write", full)
    told = Hand(folder, refuse).pull(Lever.FLATTEN, "")
    assert told.outcome is Outcome.IMPOSSIBLE
    assert "No space left" in told.text
    assert told.text.endswith("; names no process")


def test_folder_that_cannot_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(levers, "ask_for", broken)
    assert pulled(folder, Lever.FREEZE) == (Outcome.IMPOSSIBLE, "[Errno 5] Input/output error")


def test_hand_signals_by_the_way_flatten_does() -> None:
    assert Hand(Path())._tap is tap
