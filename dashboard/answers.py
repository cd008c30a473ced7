"""What the page answers: the agent's own snapshot with its age, and nothing worked out anew."""

from http import HTTPStatus
from typing import Any

import msgspec

from dashboard.board import Board
from domain.readiness import attention, illness
from domain.status import entries_off, recommendations

Answer = tuple[int, dict[str, Any]]
"""An HTTP status and a JSON document."""

STARTING = "STARTING nothing was said yet"


def health(board: Board) -> Answer:
    """Say whether the process lives and tells; who restarts what is dead asks this."""
    age_s = board.age_s()
    ill = illness(age_s)
    return _status(ill), {"healthy": not ill, "reason": ill, "age_s": round(age_s, 3)}


def readiness(board: Board) -> Answer:
    """Say whether the agent may enter, or does not for a reason that is meant to be."""
    seen = board.look()
    if seen is None:
        said: dict[str, Any] = {"ready": False, "reason": STARTING, "mode": "STARTING"}
        return HTTPStatus.SERVICE_UNAVAILABLE, said | {"codes": (), "entries_off": STARTING}
    status, age_s = seen
    reason = attention(status, age_s)
    return _status(reason), {
        "ready": not reason,
        "reason": reason,
        "mode": status.mode,
        "codes": tuple(hold.code for hold in (*status.latches, *status.conditions)),
        "entries_off": entries_off(status, alive=True, age_s=int(age_s)),
    }


def state(board: Board, version: str) -> Answer:
    """Show what the agent last said of itself, as it said it, and how old that is."""
    said: dict[str, Any] = {"alive": True, "version": version}
    said["healthy"] = health(board)[1]["healthy"]
    ready = readiness(board)[1]
    said |= {"ready": ready["ready"], "attention": ready["reason"]}
    seen = board.look()
    if seen is None:
        return HTTPStatus.OK, said | {"age_s": None, "entries_off": STARTING, "recommendations": []}
    status, age_s = seen
    advice = recommendations(status, alive=True, age_s=int(age_s))
    said |= {"age_s": round(age_s, 3), "entries_off": ready["entries_off"]}
    return HTTPStatus.OK, msgspec.to_builtins(status) | said | {"recommendations": advice}


def _status(reason: str) -> int:
    return HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
