"""The faults of the orders drill: a swarm drawn for each session from a catalogue.

A session draws which kinds exist in it at all (three in ten each), and makes one of them heavy, so
that frequent faults do not hide rare ones. Each kind has a window of its own, and all of them are
over when the session has to come to rest.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.session import instant, show
from domain.units import SECOND, Day, Micros
from research.order_tape import OPTIONS
from sandbox.faults.places import PLACES

Entry = dict[str, Any]
Do = Callable[[random.Random], Entry]

IN_A_SESSION = 0.3
WRITES = ("placeorder", "modifyorder", "cancelorder")
BOOKS = ("orderbook", "tradebook", "positionbook")
HOWS = ("timeout", "reset", "http_500", "html_502", "http_400")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: where, what, and how often a call in its window is hit.

    `is_instant`: it happens once, at the beginning of its window.
    """

    places: tuple[str, ...]
    do: Do
    chances: tuple[float, ...] = (0.1, 0.3, 0.6)
    longest_s: int = 40
    is_instant: bool = False


def _fixed(**do: Any) -> Do:
    return lambda _: do


def _how(verb: str) -> Do:
    return lambda draw: {verb: {"how": draw.choice(HOWS)}}


def _late_accept(draw: random.Random) -> Entry:
    late_s = draw.choice((0.5, 5, 40, 60, 100))
    return {"drop_after_accept": {"how": draw.choice(HOWS), "late_s": late_s}}


def _status(*codes: int) -> Do:
    return lambda draw: {"status": {"code": draw.choice(codes)}}


def _delay(*spans: float) -> Do:
    return lambda draw: {"delay": {"seconds": draw.choice(spans)}}


def _human(draw: random.Random) -> Entry:
    symbol = draw.choice(("ours", "ours", str(OPTIONS[0])))
    action = draw.choice(("BUY", "SELL"))
    return {"human_trade": {"symbol": symbol, "action": action, "lots": draw.choice((1, 2, 10))}}


def _rest(routes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"rest:{route}" for route in routes)


ANYWHERE = _rest((*WRITES, *BOOKS, "multiquotes"))

CATALOGUE: Mapping[str, Kind] = {
    "lost_before": Kind(_rest(WRITES), _how("drop_before_accept")),
    "lost_after": Kind(_rest(WRITES), _how("drop_after_accept")),
    "late_accept": Kind(_rest(WRITES[:1]), _late_accept, (0.2, 0.5)),
    "placed_but_400": Kind(_rest(WRITES), _fixed(placed_but_400={})),
    "nameless": Kind(_rest(WRITES[:1]), _fixed(ack_without_orderid={}), (0.05, 0.2)),
    "partly_rejected": Kind(
        _rest(WRITES[:1]), lambda draw: {"partial_then_reject": {"after_s": draw.choice((1, 5))}}
    ),
    "slow_cancel": Kind(
        _rest(WRITES[1:]),
        lambda draw: {"delay_effect": {"seconds": draw.choice((0.5, 2, 3))}},
        (0.5, 1.0),
    ),
    "slow_write": Kind(_rest(WRITES), _delay(1, 6, 15, 30), (0.1, 0.3)),
    "write_errors": Kind(_rest(WRITES), _status(500, 503)),
    "rate_limited": Kind(_rest(WRITES), _status(429)),
    "html_on_write": Kind(_rest(WRITES), _fixed(html_502={}), (0.1, 0.3)),
    "torn_answer": Kind(_rest((*WRITES, *BOOKS)), _fixed(truncate_json={"keep_pct": 60})),
    "wrong_shape": Kind(_rest((*WRITES, *BOOKS)), _fixed(wrong_schema={}), (0.1, 0.3)),
    "null_answer": Kind(_rest((*WRITES, *BOOKS)), _fixed(null_data={}), (0.1, 0.3)),
    "slow_books": Kind(_rest(BOOKS), _delay(0.5, 2, 6, 12)),
    "book_errors": Kind(_rest(BOOKS), _status(500, 503)),
    "no_quotes": Kind(_rest(("multiquotes",)), _status(500, 503), (0.3, 1.0)),
    "dark": Kind(ANYWHERE, _status(503), (1.0,), longest_s=30),
    "empty_orders": Kind(("book:orders",), _fixed(success_empty={}), (0.3, 1.0)),
    "empty_trades": Kind(("book:trades",), _fixed(success_empty={}), (0.3, 1.0)),
    "empty_positions": Kind(("book:positions",), _fixed(success_empty={}), (0.3, 1.0)),
    "late_rows": Kind(
        ("book:orders",), lambda draw: {"late_visible": {"seconds": draw.choice((2, 10, 45, 120))}}
    ),
    "late_trades": Kind(
        ("book:trades", "book:positions"),
        lambda draw: {"late_visible": {"seconds": draw.choice((2, 5, 15))}},
    ),
    "stale_books": Kind(
        ("book:orders", "book:trades", "book:positions"),
        lambda draw: {"stale_versions": {"k": draw.choice((1, 3))}},
    ),
    "holes": Kind(("book:orders", "book:trades"), _fixed(missing_ids={"probability": 0.5})),
    "shuffled": Kind(("book:orders", "book:trades"), _fixed(reorder={}), (1.0,)),
    "leaks": Kind(("book:orders",), _fixed(status_leak={"probability": 0.5})),
    "pushes_twice": Kind(("ws:order_update",), _fixed(duplicate={"copies": 2}), (0.5,)),
    "pushes_mixed": Kind(("ws:order_update",), _fixed(reorder={"within_s": 3}), (1.0,)),
    "pushes_late": Kind(("ws:order_update",), _fixed(late={"seconds": 8}), (1.0,)),
    "pushes_lost": Kind(("ws:order_update",), _fixed(drop={}), (0.5, 1.0)),
    "pushes_odd": Kind(("ws:order_update",), _fixed(garbage={}), (0.5,)),
    "human": Kind(("account",), _human, is_instant=True),
    "session_lost": Kind(("account",), _fixed(revoke_session={}), longest_s=30),
    "writes_denied": Kind(("account",), _fixed(static_ip_denied={}), longest_s=30),
    "other_mode": Kind(("account",), _fixed(mode_flip={}), longest_s=15),
    "semi_auto": Kind(("account",), _fixed(semi_auto={}), longest_s=15),
    "less_margin": Kind(("account",), _fixed(margin_shrink={"to_pct": 5})),
    "halt": Kind(("market",), _fixed(halt={}), longest_s=20),
    "frozen_band": Kind(("market",), _fixed(lpp_freeze={})),
    "gap": Kind(
        ("market",), lambda draw: {"gap": {"pct": draw.choice((-30, 15, 40, 100))}}, longest_s=30
    ),
}
RARE = frozenset({"nameless", "other_mode", "semi_auto", "human", "session_lost"})
"""What ends all entering, or the like: it is in one session of sixteen."""


def swarm(
    draw: random.Random, begin: Micros, until: Micros, forced: str = ""
) -> tuple[list[Entry], tuple[str, ...]]:
    """Return the entries of a fault script, and the kinds they are of.

    A kind that is `forced` is there in any case, and the heavy one.
    """
    kinds = [name for name in CATALOGUE if draw.random() < _chance(name) or name == forced]
    heavy = draw.choice(kinds) if kinds else ""
    heavy = forced or heavy
    entries: list[Entry] = []
    for name in kinds:
        entries += _entries(name, draw, (begin, until), is_heavy=name == heavy)
    return entries, tuple(kinds)


def dark_spans(entries: Iterable[Entry], day: Day) -> tuple[tuple[Micros, Micros], ...]:
    """Return when no call of the order path got through."""
    windows = {tuple(e["when"]["between"]) for e in entries if e["id"].startswith("dark__")}
    return tuple(sorted((instant(day, begin), instant(day, end)) for begin, end in windows))


def priceless_spans(entries: Iterable[Entry], day: Day) -> tuple[tuple[Micros, Micros], ...]:
    """Return when quotes may not have got through."""
    windows = {
        tuple(e["when"]["between"])
        for e in entries
        if e["at"] in {"rest:quotes", "rest:multiquotes"}
    }
    return tuple(sorted((instant(day, begin), instant(day, end)) for begin, end in windows))


def is_known(place: str, do: Entry) -> bool:
    """Whether the exchange can do this there."""
    return all(verb in PLACES.get(place, {}) for verb in do)


def _chance(name: str) -> float:
    return IN_A_SESSION / 5 if name in RARE else IN_A_SESSION


def _entries(
    name: str, draw: random.Random, span: tuple[Micros, Micros], *, is_heavy: bool
) -> list[Entry]:
    kind = CATALOGUE[name]
    since, until = _window(kind, draw, span, is_heavy=is_heavy)
    many = name == "dark" or (kind.places[0].startswith("book:") and draw.random() < 0.5)
    places = kind.places if many else (draw.choice(kind.places),)
    when: Entry = (
        {"at": show(since)} if kind.is_instant else {"between": [show(since), show(until)]}
    )
    chance = max(kind.chances) if is_heavy else draw.choice(kind.chances)
    if not {"account", "market"} & set(places):
        when["probability"] = chance
    do = kind.do(draw)
    return [
        {"id": f"{name}__{number}", "at": place, "when": dict(when), "do": do}
        for number, place in enumerate(places)
        if is_known(place, do)
    ]


def _window(
    kind: Kind, draw: random.Random, span: tuple[Micros, Micros], *, is_heavy: bool
) -> tuple[Micros, Micros]:
    """Return whole seconds within a span; a heavy fault is there for longer."""
    begin, end = span
    length = min((end - begin) // SECOND - 1, kind.longest_s * (2 if is_heavy else 1))
    length = draw.randint(min(3, length), max(3, length))
    since = Micros(begin + draw.randint(0, max(0, (end - begin) // SECOND - length)) * SECOND)
    return since, min(end, Micros(since + length * SECOND))
