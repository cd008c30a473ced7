"""Commands by Telegram against a server of our own: one chat, nothing old, one answer each."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.telegram import NAME, Telegram
from dashboard.board import Board
from dashboard.pulling import Outcome, Pulled
from domain.alert_params import TelegramParams
from domain.levers import Lever
from domain.units import SECOND, Micros
from tests import waiting
from tests.domain.alarm_days import a_status

TOKEN = "7781234:AAH-a-secret-of-the-bot"
CHAT = "4711"
WALL = Micros(1_795_149_000_500_000)
BEGAN_S = WALL // SECOND + 1
PATIENCE_S = 10.0


class Api:
    """What Telegram's bot API does of what is used here."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.status = 200
        self.garbage = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                status, reply = outer.call(self.path, msgspec.json.decode(content))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))  # noqa: TID251 - a server of a test
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def call(self, path: str, content: dict[str, Any]) -> tuple[int, bytes]:
        assert path.startswith(f"/bot{TOKEN}/")
        if self.status != 200 or self.garbage:
            return self.status, self.garbage
        if path.endswith("/sendMessage"):
            self.answers.append(content)
            return 200, msgspec.json.encode({"ok": True})
        assert path.endswith("/getUpdates")
        self.asked.append(content)
        due = [update for update in self.updates if update["update_id"] >= content["offset"]]
        return 200, msgspec.json.encode({"ok": True, "result": due})

    def say(self, text: str, *, chat: int = int(CHAT), at_s: int = BEGAN_S) -> None:
        message = {"message_id": 1, "date": at_s, "chat": {"id": chat, "type": "private"}}
        self.updates.append(
            {"update_id": 100 + len(self.updates), "message": message | {"text": text}}
        )

    @property
    def texts(self) -> list[str]:
        return [answer["text"] for answer in self.answers]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class FakeLevers:
    """Levers that note who pulled them."""

    def __init__(self) -> None:
        self.pulled: list[tuple[Lever, str]] = []

    def pull(self, lever: Lever, latch: str) -> Pulled:
        self.pulled.append((lever, latch))
        return Pulled(outcome=Outcome.DONE, text=f"{lever} is up; the agent is REDUCE_ONLY\nmore")


class Stand:
    """A chat partner with a server, levers and a status."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api = api
        self.folder = folder
        self.levers = FakeLevers()
        self.board = Board()
        self.telegram = self.again()

    def again(self) -> Telegram:
        params = TelegramParams(chat_id=CHAT, api_url=self.api.url, poll_s=1)
        return Telegram(
            TOKEN,
            params,
            self.folder,
            self.levers,
            self.board,
            wall=lambda: WALL,
            waits_s=(0.001,),
        )


@pytest.fixture
def api() -> Iterator[Api]:
    found = Api()
    yield found
    found.close()


@pytest.fixture
def stand(api: Api, tmp_path: Path) -> Stand:
    return Stand(api, tmp_path)


def test_levers_are_pulled_and_each_answered_once(stand: Stand) -> None:
    for text in ("/pause", "/resume", "/kill yes"):
        stand.api.say(text)
    assert stand.telegram.poll()
    assert stand.levers.pulled == [
        (Lever.FREEZE, ""),
        (Lever.CLEAR, "FREEZE"),
        (Lever.FLATTEN, ""),
    ]
    assert stand.api.texts[0] == "freeze is up; the agent is REDUCE_ONLY\nmore"
    assert [answer["chat_id"] for answer in stand.api.answers] == [CHAT] * 3
    assert stand.telegram.poll()
    assert len(stand.api.answers) == 3


def test_kill_alone_only_asks_whether_it_is_meant(stand: Stand) -> None:
    stand.board.show(a_status(positions=2))
    stand.api.say("/kill")
    stand.telegram.poll()
    assert stand.levers.pulled == []
    assert stand.api.texts == [
        "This leaves 2 open shorts at once and ends the day. Send /kill yes to do it."
    ]


def test_status_and_help_are_answered(stand: Stand) -> None:
    stand.api.say("/status")
    stand.telegram.poll()
    stand.board.show(a_status(positions=2))
    stand.api.say("/status")
    stand.api.say("good morning")
    stand.telegram.poll()
    assert stand.api.texts[0] == "The agent has not said anything yet."
    assert stand.api.texts[1].startswith("ACTIVE at 10:00:00 IST")
    assert stand.api.texts[2].startswith("/status - what the agent does now")


@pytest.mark.incident("INC-115")
def test_command_older_than_this_boot_is_ignored(stand: Stand) -> None:
    """Within its own second nobody can tell: Telegram counts whole ones."""
    stand.api.say("/kill yes", at_s=BEGAN_S - 3600)
    stand.api.say("/kill yes", at_s=BEGAN_S - 1)
    stand.telegram.poll()
    assert stand.levers.pulled == []
    assert (
        stand.api.texts == ["/kill yes is ignored: it was sent before this agent was started."] * 2
    )


def test_command_that_took_too_long_is_ignored(stand: Stand) -> None:
    stand.telegram._wall = lambda: WALL + 120 * SECOND
    stand.api.say("/pause")
    stand.telegram.poll()
    assert stand.levers.pulled == []
    assert stand.api.texts == ["/pause is ignored: it is 120 s old."]


def test_stranger_is_neither_obeyed_nor_answered(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        stand.api.say("/kill yes", chat=666)
    stand.telegram.poll()
    assert (stand.levers.pulled, stand.api.answers) == ([], [])
    assert caplog.messages == ["Telegram: a message of another chat, 666, is not answered"]


def test_update_without_a_message_is_passed_over(stand: Stand) -> None:
    stand.api.updates.append({"update_id": 5, "edited_message": {"text": "/kill yes"}})
    assert stand.telegram.poll()
    assert (stand.levers.pulled, stand.api.answers) == ([], [])


def test_next_process_does_not_take_the_same_command_again(stand: Stand) -> None:
    stand.api.say("/pause")
    stand.telegram.poll()
    stand.again().poll()
    assert len(stand.levers.pulled) == 1
    assert [asked["offset"] for asked in stand.api.asked] == [0, 101]
    assert stand.api.asked[0] == {"offset": 0, "timeout": 1, "allowed_updates": ["message"]}


def test_command_is_taken_for_good_before_it_is_obeyed(stand: Stand) -> None:
    """Whatever dies of it does not meet it again."""

    class Dying(FakeLevers):
        def pull(self, lever: Lever, latch: str) -> Pulled:
            raise KeyboardInterrupt

    stand.telegram._levers = Dying()
    stand.api.say("/pause")
    with pytest.raises(KeyboardInterrupt):
        stand.telegram.poll()
    assert (stand.folder / NAME).read_bytes() == b'{"offset":101}'


def test_damaged_offset_is_none_and_old_commands_stay_old(stand: Stand) -> None:
    (stand.folder / NAME).write_bytes(b"{")
    stand.api.say("/kill yes", at_s=BEGAN_S - 10)
    stand.again().poll()
    assert stand.levers.pulled == []


def test_disk_that_takes_no_offset_stops_nothing(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.telegram._path = stand.folder / "gone" / NAME
    stand.api.say("/pause")
    assert stand.telegram.poll()
    assert stand.levers.pulled == [(Lever.FREEZE, "")]
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize(
    ("status", "garbage"),
    [(401, b""), (502, b"<html>"), (200, b"<html>"), (200, b'{"ok": false}')],
)
def test_server_in_trouble_is_said_once_and_its_address_never(
    stand: Stand, status: int, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stand.api.status, stand.api.garbage = status, garbage
    assert not stand.telegram.poll()
    assert not stand.telegram.poll()
    stand.api.status, stand.api.garbage = 200, b""
    assert stand.telegram.poll()
    assert caplog.messages == [
        "Telegram gave no updates; commands by Telegram wait until it does",
        "Telegram answers again, after 2 tries",
    ]


def test_nobody_there_leaks_no_token(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    stand.telegram._api = f"http://127.0.0.1:9/bot{TOKEN}"
    assert not stand.telegram.poll()
    stand.telegram._answer("lost")
    assert "an answer by Telegram could not be sent" in caplog.text
    assert TOKEN not in caplog.text


def test_thread_listens_until_it_is_closed(stand: Stand) -> None:
    stand.api.status = 502
    stand.telegram.start()
    stand.api.say("/pause")
    stand.api.status = 200
    waiting.until(lambda: stand.levers.pulled, PATIENCE_S)
    stand.telegram.close()
    waiting.until(lambda: not stand.telegram._thread.is_alive(), PATIENCE_S)
