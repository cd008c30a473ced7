"""What an operator sees at a glance. Kept by MonitorActor, shown by `run.py status`.

The four blocks and their labels are scripted against by operators: they do not change.
"""

import msgspec

from domain.darkness import LOOK
from domain.feed_health import REST_REMEDY
from domain.feed_watch import DARK, FeedState
from domain.market import Source
from domain.reasons import Condition, remedy
from domain.session import show
from domain.strategy import Mode
from domain.units import SECOND, Micros


class FeedView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What people are told of the feed.

    `state` is a FeedState, held since `since`; the source in use was chosen at `source_since`.
    `is_trusted`: prices are good enough to enter on; `doubt` says why not. `is_rest_long`: prices
    were polled for more than `feed.rest_alert_s`.
    """

    state: str
    since: Micros
    source_since: Micros | None = None
    is_trusted: bool = False
    doubt: str = ""
    is_rest_long: bool = False


class Hold(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A latch or a condition by its code, and why it is there, in words."""

    code: str
    text: str


class Count(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many of a name there are."""

    name: str
    count: int


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One of the cast: what it is, how often it was rebuilt, when it last answered from its inbox.

    `state` is `alive`, `down` while it waits to be rebuilt, or `given up`; all bar actors are one
    member, whose state counts them. `echo_s` is the age of the oldest newest answer, in real
    seconds when it was told; None before the first.
    """

    address: str
    state: str
    restarts: int = 0
    echo_s: int | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot of the agent, as written to `state/status.json`.

    `feed` and what begins with it is of the watchdog (FeedView); `feed` is empty before it judged.
    `feed_source` is a Source. `stream_tick_at` is the newest tick of any WebSocket; `silent_since`
    is since when none ticked, None outside the session. Nothing is entered from `last_entry` on,
    nor while `latches` are up or `conditions` hold. `commit` is of the code that runs.
    `unanswered_since` is since when OpenAlgo answers no request at all; `reconnects` how often the
    worst WebSocket was opened again without a minute of prices since. `trades` are the day's shorts
    that are closed, `result_p` in paise after charges and `result_r` in R what they brought.
    `mode_since` is when the mode was entered, `opens_at` when the session opens. A short is
    uncovered since `uncovered_since`, and was so for `uncovered_us` microseconds in all today.
    `orders` counts today's by their state, `restarts` the actors that were rebuilt, `inboxes` the
    messages that actors have not looked at yet. `cast` is what the watchdog knows of each actor.
    `needs` is what somebody has to do for an agent that sleeps, in words; the night knows it.
    """

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
    feed: str = ""
    feed_since: Micros | None = None
    feed_source: str = ""
    feed_source_since: Micros | None = None
    feed_trusted: bool = False
    feed_doubt: str = ""
    feed_rest_long: bool = False
    stream_tick_at: Micros | None = None
    silent_since: Micros | None = None
    last_entry: Micros | None = None
    latches: tuple[Hold, ...] = ()
    conditions: tuple[Hold, ...] = ()
    commit: str = ""
    unanswered_since: Micros | None = None
    reconnects: int = 0
    trades: int = 0
    result_p: int = 0
    result_r: str = "+0.00"
    mode_since: Micros | None = None
    opens_at: Micros | None = None
    uncovered_since: Micros | None = None
    uncovered_us: int = 0
    orders: tuple[Count, ...] = ()
    restarts: tuple[Count, ...] = ()
    inboxes: tuple[Count, ...] = ()
    cast: tuple[Member, ...] = ()
    needs: str = ""


OLD_S = 30
"""Real seconds; an agent that lives writes its status every 2."""

MUTE_S = 60
"""Market seconds after which a connected WebSocket without a tick is called so."""

DAY_DONE = "day done"
"""The last word of an agent that proved the book flat."""


def render(status: Status, *, alive: bool, again: str = "", age_s: int = 0) -> str:
    """Return the four blocks as text: ASCII, and what a server said never makes a line.

    `again` says how a dead agent is started again; `age_s` is how old the snapshot is, in real
    seconds.
    """
    tick = f"{show(status.last_tick_at)} IST" if status.last_tick_at else "never"
    advice = recommendations(status, alive=alive, again=again, age_s=age_s)
    lines = [
        "[CONNECTION STATUS]",
        f"OpenAlgo URL: {status.url}",
        f"WebSocket: {_socket(status, alive=alive)}",
        f"Last Tick: {tick}",
        f"Symbols Subscribed: {status.subscribed}",
        f"Coverage: {status.coverage}%",
        *_standing(status, alive=alive, is_old=age_s > OLD_S),
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
        *(advice or ["All systems operational"]),
    ]
    return "\n".join(map(_plain, lines))


def entries_off(status: Status, *, alive: bool, age_s: int = 0) -> str:
    """Return why nothing may be entered now, '' if mode, time and prices allow it.

    Each order is still judged by the risk gate, which knows more.
    """
    if not alive or age_s > OLD_S:
        return "unknown, the status is old" if alive else "the agent is not running"
    if status.mode != Mode.ACTIVE:
        return f"{status.mode} {status.mode_reason}".strip()
    if status.last_entry is not None and status.at >= status.last_entry:
        return f"the last entry was possible at {show(status.last_entry)} IST"
    if status.feed_trusted:
        return ""
    return status.feed_doubt or "the feed was not judged yet"


def recommendations(status: Status, *, alive: bool, again: str = "", age_s: int = 0) -> list[str]:
    """Return one line per problem, each with its remedy; empty when all is well."""
    found = [] if alive else _gone(status, again)
    if alive and age_s > OLD_S:
        found.append(
            f"The agent lives, but wrote its status {age_s} s ago: do not trust what is shown, look"
            " at its log; if that stands still too, end the agent and start it again"
        )
    if status.uncovered:
        found.append(
            f"{status.uncovered} units are short without a working stop: "
            "look at the broker's order book now"
        )
    if status.authenticated is False:
        found.append("OpenAlgo refuses the key or has no broker session: log in to OpenAlgo again")
    if alive and not status.ended:
        found += _darkness(status)
        found += _feed_problems(status)
        found += _mode_problems(status)
        found += [status.needs] if status.needs else []
    return found + _held(status, alive=alive)


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


def _darkness(status: Status) -> list[str]:
    if status.feed not in DARK or status.mode == Mode.CLOSED:
        return []
    since = f"{status.feed.upper()} since {_wall(status.feed_since)}"
    if status.feed == FeedState.HALT:
        held = "Nothing is entered, shorts are kept, stops rest at the exchange"
        return [f"{since}, the exchange itself may have stopped: look at its news. {held}"]
    left = f" {_flattened(status)}" if status.positions else ""
    return [f"{since}: no source has live prices. {LOOK}{left}"]


def _flattened(status: Status) -> str:
    shorts = "The short is" if status.positions == 1 else f"The {status.positions} shorts are"
    return f"{shorts} left after exit.blind_flatten_s of it, unless that is 0: the log counts down"


def _feed_problems(status: Status) -> list[str]:
    if status.mode in {"CLOSED", "STARTING", "RECOVERING", "WAIT_LOGIN"}:
        return []
    found = []
    if not status.connected:
        found.append("WebSocket is not connected: check that OpenAlgo's WebSocket service runs")
    if status.feed in DARK:
        return found
    if status.source == Source.REST.tag:
        found += _polled(status)
    else:
        found += _doubted(status)
    if status.stale:
        found.append(f"{status.stale} symbols are stale: compare them with the broker's terminal")
    return found


def _doubted(status: Status) -> list[str]:
    """Say what a feed is suspected of, or why its prices are not entered on."""
    if status.feed == FeedState.SUSPECT:
        return [
            f"The feed is suspect ({status.feed_doubt}): check the broker's streaming in OpenAlgo"
        ]
    if status.feed == FeedState.HEALTHY and not status.feed_trusted and status.mode == Mode.ACTIVE:
        return [f"Entries are off ({status.feed_doubt}): exits and stops go on"]
    return []


def _polled(status: Status) -> list[str]:
    if status.feed_rest_long:
        since = _wall(status.feed_source_since)
        return [f"REST_POLLING since {since}, longer than feed.rest_alert_s: {REST_REMEDY}"]
    if not status.connected:
        return []
    remedy = "check the broker's streaming in OpenAlgo"
    return [f"Prices come by REST polling: the socket is silent; {remedy}"]


def _held(status: Status, *, alive: bool) -> list[str]:
    """Say which latches are up and, of an agent that lives, which conditions hold."""
    found = [f"Latch {hold.code} ({hold.text}): {remedy(hold.code)}" for hold in status.latches]
    if alive and not status.ended:
        others = (hold for hold in status.conditions if hold.code not in _silent(status))
        found += [f"{hold.code} ({hold.text}): {remedy(hold.code)}" for hold in others]
    return found


def _silent(status: Status) -> set[str]:
    """Return conditions that are told otherwise, or follow from another one with its own remedy."""
    is_elsewhere = any(hold.code == Condition.OTHER_WORLD for hold in status.conditions)
    return {Condition.LOGIN, Condition.BOOKS} if is_elsewhere else {Condition.LOGIN}


def _mode_problems(status: Status) -> list[str]:
    if status.mode == "WAIT_LOGIN" and status.authenticated is None:
        return [f"OpenAlgo does not answer at {status.url}: start it, the agent goes on by itself"]
    if status.mode == "WAIT_LOGIN":
        return ["Waiting for the broker login: log in to OpenAlgo, the agent goes on by itself"]
    if status.mode == "HALTED":
        return ["Halted by a human: no exit and no stop is sent; clear the latch to go on"]
    if status.mode == "REDUCE_ONLY" and status.mode_reason:
        return [_reduced(status)]
    return []


def _reduced(status: Status) -> str:
    """Say what goes on; the reasons are not said twice where latches and conditions follow."""
    if any(hold.code == Condition.OTHER_WORLD for hold in status.conditions):
        return "Nothing is sent to this server: no entry, no exit and no stop; what rests stays"
    latches = " ".join(hold.code for hold in status.latches)
    conditions = "; ".join(hold.text for hold in status.conditions)
    is_told = status.mode_reason in {latches, conditions}
    reason = "" if is_told else f" ({status.mode_reason})"
    return f"Entries are off{reason}: exits and stops go on"


def _plain(line: str) -> str:
    return "".join(sign if " " <= sign <= "~" else "?" for sign in line)


def _standing(status: Status, *, alive: bool, is_old: bool) -> list[str]:
    """Say whether it is safe: what is thought of the feed, where prices come from, entries."""
    if not alive or is_old:
        off = "OFF (the agent is not running)" if not alive else "UNKNOWN"
        seen = f"Shorts: {status.positions} when last seen"
        return ["Feed State: UNKNOWN", "Price Source: UNKNOWN", f"Entries: {off}", seen]
    feed, source = "UNKNOWN", "UNKNOWN"
    if status.feed:
        feed = f"{status.feed.upper()} since {_wall(status.feed_since)}"
    if status.feed_source:
        is_polled = status.feed_source == Source.REST
        source = status.source if is_polled else f"{status.source} {status.feed_source}"
    if status.feed_source_since is not None:
        source = f"{source} since {_wall(status.feed_source_since)}"
    off = entries_off(status, alive=alive)
    bare = f", {status.uncovered} units UNCOVERED" if status.uncovered else ""
    return [
        f"Feed State: {feed}",
        f"Price Source: {source}",
        f"Entries: {f'OFF ({off})' if off else 'ON'}",
        f"Shorts: {status.positions}{bare}",
    ]


def _wall(at: Micros | None) -> str:
    return f"{show(at)} IST" if at is not None else "an unknown time"


def _socket(status: Status, *, alive: bool) -> str:
    if not (alive and status.connected):
        return "DISCONNECTED"
    silent_s = (status.at - status.silent_since) // SECOND if status.silent_since else 0
    return f"CONNECTED, no tick for {silent_s} s" if silent_s >= MUTE_S else "CONNECTED"


def _authentication(status: Status) -> str:
    if status.authenticated is None:
        return "UNKNOWN"
    return "VALID" if status.authenticated else "INVALID"


def _request(status: Status) -> str:
    if not status.last_request or status.last_request_at is None:
        return "-"
    return f"{status.last_request} @ {show(status.last_request_at)}"
