"""What an operator sees at a glance. Kept by MonitorActor, shown by `run.py status`.

The four blocks and their labels are scripted against by operators: they do not change.
"""

import msgspec

from domain.session import show
from domain.units import Micros


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot of the agent, as written to `state/status.json`."""

    at: Micros
    pid: int
    day: str
    url: str
    mode: str
    mode_reason: str = ""
    broker: str = ""
    connected: bool = False
    source: str = ""
    last_tick_at: Micros | None = None
    subscribed: int = 0
    seen: int = 0
    coverage: str = "0.0"
    authenticated: bool | None = None
    last_request: str = ""
    last_request_at: Micros | None = None
    last_response: str = ""
    last_orderid: str = ""
    bars: int = 0
    swings: int = 0
    ticks: int = 0
    stale: int = 0
    feed_switches: int = 0
    actor_restarts: int = 0
    positions: int = 0
    uncovered: int = 0
    refusals: int = 0
    ended: str = ""


DAY_DONE = "day done"
"""The last word of an agent that proved the book flat."""


def render(status: Status, *, alive: bool, again: str = "") -> str:
    """Return the four blocks as text: ASCII, and what a server said never makes a line.

    `again` says how a dead agent is started again.
    """
    tick = f"{show(status.last_tick_at)} IST" if status.last_tick_at else "never"
    lines = [
        "[CONNECTION STATUS]",
        f"OpenAlgo URL: {status.url}",
        f"WebSocket: {_socket(status, alive=alive)}",
        f"Last Tick: {tick}",
        f"Symbols Subscribed: {status.subscribed}",
        f"Coverage: {status.coverage}%",
        "",
        "[API STATUS]",
        f"Authentication: {_authentication(status)}",
        f"Last Request: {_request(status)}",
        f"Response: {status.last_response or '-'}",
        f"Order ID: {status.last_orderid or '-'}",
        "",
        "[DATA PIPELINE]",
        f"Bars Generated: {status.bars}",
        f"VWAP Calculations: {'Active' if alive and status.bars else 'Inactive'}",
        f"Stale Symbols: {status.stale}",
        "",
        "[RECOMMENDATION]",
        *(recommendations(status, alive=alive, again=again) or ["All systems operational"]),
    ]
    return "\n".join(map(_plain, lines))


def recommendations(status: Status, *, alive: bool, again: str = "") -> list[str]:
    """Return one line per problem, each with its remedy; empty when all is well."""
    found = [] if alive else _gone(status, again)
    if status.uncovered:
        found.append(
            f"{status.uncovered} units are short without a working stop: "
            "look at the broker's order book now"
        )
    if status.authenticated is False:
        found.append("OpenAlgo refuses the key or has no broker session: log in to OpenAlgo again")
    if alive and not status.ended:
        found += _feed_problems(status)
        found += _mode_problems(status)
    return found


def _gone(status: Status, again: str) -> list[str]:
    """Say that the agent is dead and, as far as it knew, what it leaves behind."""
    ended = f" ({status.ended})" if status.ended else ""
    remedy = again or "start it again as it was started, then look again"
    if status.ended == DAY_DONE:
        remedy = "nothing is left to do today"
    found = [f"Agent is not running{ended}: {remedy}"]
    if status.positions:
        found.append(_left_behind(status))
    return found


def _left_behind(status: Status) -> str:
    one = status.positions == 1
    count = "1 short is" if one else f"{status.positions} shorts are"
    if status.uncovered:
        cover = "only the agent can protect what is not covered"
    else:
        stop = "its stop rests" if one else "their stops rest"
        cover = f"{stop} at the broker"
    return f"{count} open, seen at {show(status.at)} IST: {cover}"


def _feed_problems(status: Status) -> list[str]:
    if status.mode in {"CLOSED", "STARTING", "RECOVERING", "WAIT_LOGIN"}:
        return []
    found = []
    if not status.connected:
        found.append("WebSocket is not connected: check that OpenAlgo's WebSocket service runs")
    elif status.source == "REST_POLLING":
        found.append(
            "Prices come by REST polling: the socket is silent; "
            "check the broker's streaming in OpenAlgo"
        )
    if status.stale:
        found.append(f"{status.stale} symbols are stale: compare them with the broker's terminal")
    return found


def _mode_problems(status: Status) -> list[str]:
    if status.mode == "WAIT_LOGIN" and status.authenticated is None:
        return [f"OpenAlgo does not answer at {status.url}: start it, the agent goes on by itself"]
    if status.mode == "WAIT_LOGIN":
        return ["Waiting for the broker login: log in to OpenAlgo, the agent goes on by itself"]
    if status.mode == "HALTED":
        return ["Halted by a human: clear the latch to go on"]
    if status.mode == "REDUCE_ONLY" and status.mode_reason:
        return [f"Entries are off ({status.mode_reason}): exits and stops go on"]
    return []


def _plain(line: str) -> str:
    return "".join(sign if " " <= sign <= "~" else "?" for sign in line)


def _socket(status: Status, *, alive: bool) -> str:
    return "CONNECTED" if alive and status.connected else "DISCONNECTED"


def _authentication(status: Status) -> str:
    if status.authenticated is None:
        return "UNKNOWN"
    return "VALID" if status.authenticated else "INVALID"


def _request(status: Status) -> str:
    if not status.last_request or status.last_request_at is None:
        return "-"
    return f"{status.last_request} @ {show(status.last_request_at)}"
