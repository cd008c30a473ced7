"""Commands by Telegram: long polling in a thread of its own, for one chat, through the drop-box.

A lever goes the way of `run.py freeze` and its like, and each command gets one answer that says
what came of it. The token is a secret: no line of the log holds an address.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import requests

from dashboard.board import Board
from dashboard.pulling import Levers
from domain import clock
from domain.alert_params import TelegramParams
from domain.chat import HELP, LEVERS, Sent, Wish, brief, confirm, why_ignored, wish
from domain.units import SECOND

log = logging.getLogger(__name__)

NAME = "telegram.json"
"""Where the next update is kept, in the state directory."""

WAITS_S = (1.0, 5.0, 15.0, 60.0)
"""Real seconds between tries that fail in a row."""

PATIENCE_S = 10
"""How long an answer may take beyond the time a question is kept open."""


class Chat(msgspec.Struct, frozen=True):
    """Where a message stands."""

    id: int


class Message(msgspec.Struct, frozen=True):
    """A message as Telegram sends it; what else it holds is not read."""

    date: int
    chat: Chat
    text: str = ""


class Update(msgspec.Struct, frozen=True):
    """Something new; only messages are asked for."""

    update_id: int
    message: Message | None = None


class Updates(msgspec.Struct, frozen=True):
    """The answer to getUpdates."""

    ok: bool
    result: tuple[Update, ...] = ()


class Offset(msgspec.Struct, frozen=True):
    """The first update that was not taken yet."""

    offset: int


class Telegram:
    """Takes commands of one chat and answers them. Owned by the main thread."""

    def __init__(  # noqa: PLR0913 - who speaks, whom it obeys, what it moves
        self,
        token: str,
        params: TelegramParams,
        folder: Path,
        levers: Levers,
        board: Board,
        *,
        wall: Callable[[], int] = clock.wall,
        waits_s: tuple[float, ...] = WAITS_S,
    ) -> None:
        self._api = f"{params.api_url}/bot{token}"
        self._params = params
        self._path = folder / NAME
        self._levers = levers
        self._board = board
        self._wall = wall
        self._waits = waits_s
        # Telegram tells whole seconds: what was sent within this one may be older than we are.
        self._began_s = wall() // SECOND + 1
        self._offset = _offset(self._path)
        self._session = requests.Session()
        self._over = threading.Event()
        self._failed = 0
        self._strangers = 0
        self._thread = threading.Thread(  # noqa: TID251 - it waits for a server far away
            target=self._work, name="telegram", daemon=True
        )

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more. A question that is kept open is not waited for; it dies with us."""
        self._over.set()
        self._thread.join(0.5)

    def _work(self) -> None:
        while not self._over.is_set():
            if not self.poll():
                wait_s = self._waits[min(self._failed, len(self._waits)) - 1]
                self._over.wait(wait_s)

    def poll(self) -> bool:
        """Ask once for what is new and obey it; return whether the server answered."""
        wanted = {
            "offset": self._offset,
            "timeout": self._params.poll_s,
            "allowed_updates": ["message"],
        }
        content = self._call("getUpdates", wanted, self._params.poll_s + PATIENCE_S)
        try:
            updates = msgspec.json.decode(content, type=Updates) if content else None
        except msgspec.DecodeError:
            updates = None
        if updates is None or not updates.ok:
            return self._fail("Telegram gave no updates")
        if self._failed:
            log.info("Telegram answers again, after %d tries", self._failed)
        self._failed = 0
        for update in updates.result:
            self._take(update)
        return True

    def _take(self, update: Update) -> None:
        """Take one update for good, then obey it: what dies of a command is not asked again."""
        self._offset = max(self._offset, update.update_id + 1)
        self._keep()
        message = update.message
        if message is None or self._over.is_set():
            return
        sent = Sent(chat=str(message.chat.id), at_s=message.date, text=message.text)
        if sent.chat != self._params.chat_id:
            self._strangers += 1
            if self._strangers == 1:
                log.warning("Telegram: a message of another chat, %s, is not answered", sent.chat)
            return
        self._answer(self._obey(sent))

    def _obey(self, sent: Sent) -> str:
        wanted = wish(sent.text)
        ignored = why_ignored(sent, self._began_s, self._wall() / SECOND)
        if ignored:
            log.warning("by Telegram: %s is ignored: %s", wanted, ignored)
            return f"{wanted} is ignored: {ignored}."
        if wanted in LEVERS:
            lever, latch = LEVERS[wanted]
            pulled = self._levers.pull(lever, latch)
            log.warning("by Telegram: %s: %s", wanted, pulled.text.partition("\n")[0])
            return pulled.text
        status, age_s = self._board.look() or (None, 0.0)
        match wanted:
            case Wish.STATUS:
                return brief(status, age_s)
            case Wish.KILL:
                return confirm(status)
            case _:
                return HELP

    def _answer(self, text: str) -> None:
        said = {"chat_id": self._params.chat_id, "text": text}
        if self._call("sendMessage", said, PATIENCE_S) is None:
            log.warning("an answer by Telegram could not be sent")

    def _call(self, method: str, params: dict[str, Any], timeout_s: float) -> bytes | None:
        try:
            answer = self._session.post(f"{self._api}/{method}", json=params, timeout=timeout_s)
        except requests.RequestException:  # its words hold the token
            return None
        return answer.content if answer.ok else None

    def _fail(self, why: str) -> bool:
        if not self._failed:
            log.warning("%s; commands by Telegram wait until it does", why)
        self._failed += 1
        return False

    def _keep(self) -> None:
        new = self._path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(Offset(self._offset)))
            new.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)


def _offset(path: Path) -> int:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Offset).offset
    except (OSError, msgspec.DecodeError):
        return 0
