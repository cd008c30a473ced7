"""How a test talks to one stream session."""

import json
from typing import Any

from domain.units import SECOND, Micros
from sandbox.frames import Frames
from sandbox.stream import StreamSession
from tests.sandbox.stage import AT, CALL, KEY, a_desk, a_price

OPENED = Micros(77 * SECOND)
AUTH = {"action": "authenticate", "api_key": KEY}
BROKER = "sutradhar_sandbox"


def a_session(*, authenticated: bool = True, is_live: bool = False) -> StreamSession:
    session = StreamSession(a_desk(is_live=is_live), Frames(is_live=is_live), OPENED)
    if authenticated:
        tell(session, **AUTH)
    return session


def tell_raw(session: StreamSession, raw: str | bytes) -> dict[str, Any]:
    (frame,) = session.receive(AT, raw)
    answer: dict[str, Any] = json.loads(frame)
    return answer


def tell(session: StreamSession, /, **said: Any) -> dict[str, Any]:
    return tell_raw(session, json.dumps(said))


def error(code: str, message: str) -> dict[str, str]:
    return {"status": "error", "code": code, "message": message}


def subscribed(session: StreamSession, mode: Any = 2, symbol: str = CALL) -> dict[str, Any]:
    return tell(session, action="subscribe", symbol=symbol, exchange="NFO", mode=mode)


def seen(session: StreamSession, **changes: Any) -> dict[str, Any] | None:
    frame = session.market(a_price(**changes))
    return None if frame is None else json.loads(frame)
