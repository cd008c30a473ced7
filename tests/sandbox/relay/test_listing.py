"""The day of another server: its contracts, its prices, its clock, and why it cannot be played."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain import clock
from domain.clock import Anchor
from domain.errors import ConfigError
from domain.session import trading_day
from domain.symbols import strikes
from domain.units import Day, Micros, Paise, Symbol
from sandbox.market.live import LiveDay
from sandbox.relay import listing
from sandbox.relay.listing import Wanted
from sandbox.relay.rest import Rest
from tests.broker.http_server import Reply, Request, serving
from tests.sandbox.pit import DAY, rules
from tests.trading import dashed

KEY = "SECRET-KEY"
WEEKLY, MONTHLY = Day("2026-11-23"), Day("2026-12-01")
FUTURE = "NIFTY30NOV26FUT"


def ok(**fields: Any) -> Reply:
    return Reply({"status": "success", **fields})


@dataclass
class OpenAlgo:
    """A server that lists 200 strikes around `atm`; `table` replaces answers."""

    atm: int = 26_000
    lot: int = 65
    table: dict[str, Reply | None] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply | None:
        self.asked.append((request.route, request.body))
        if request.route in self.table:
            return self.table[request.route]
        answers: dict[str, Callable[[Any], Reply]] = {
            "ping": lambda _: ok(data={"message": "pong", "broker": "zerodha"}),
            "expiry": self._expiry,
            "optionchain": self._chain,
            "multiquotes": self._quotes,
        }
        return answers[request.route](request.body)

    def _expiry(self, body: Any) -> Reply:
        is_future = body["instrumenttype"] == "futures"
        days = ["2026-11-30"] if is_future else ["2026-11-16", WEEKLY, MONTHLY, "2026-12-08"]
        return ok(data=[dashed(Day(day)) for day in days])

    def _chain(self, body: Any) -> Reply:
        wide = body["strike_count"] * 50
        rows = []
        for strike in strikes(Paise(self.atm * 100), wide, 50):
            name = f"NIFTY{body['expiry_date']}{strike // 100}"
            more = {"ltp": 100, "lotsize": self.lot, "tick_size": 0.05}
            sides = {side.lower(): {"symbol": f"{name}{side}", **more} for side in ("CE", "PE")}
            rows.append({"strike": strike / 100, **sides})
        return ok(atm_strike=self.atm, chain=rows)

    def _quotes(self, body: Any) -> Reply:
        rows = [{**pair, "data": {"ltp": self.atm}} for pair in body["symbols"]]
        return ok(results=[row for row in rows if row["symbol"] != "INDIAVIX"])


@pytest.fixture
def openalgo() -> OpenAlgo:
    return OpenAlgo()


@pytest.fixture
def rest(openalgo: OpenAlgo) -> Iterator[Rest]:
    with serving(openalgo) as server:
        yield Rest(server.url, KEY, 5)


def listed(rest: Rest, **wanted: Any) -> LiveDay:
    fields: dict[str, Any] = {"underlying": "NIFTY", "strikes": 30, "expiries": 1} | wanted
    return listing.listed(rest, Wanted(**fields), rules(), DAY)


def names(day: LiveDay) -> list[str]:
    return [line.symbol for line, _ in day.listed]


def test_chain_around_the_money_is_listed_with_index_and_future(rest: Rest) -> None:
    day = listed(rest, strikes=2)
    points = ["25900", "25950", "26000", "26050", "26100"]
    options = [f"NIFTY23NOV26{strike}{side}" for strike in points for side in ("CE", "PE")]
    assert names(day) == ["NIFTY", FUTURE, *options]
    assert (day.day, day.around) == (DAY, 2_600_000)
    assert [seen.ltp for _, seen in day.listed[:3]] == [2_600_000, 2_600_000, 10_000]


def test_expiries_wanted_are_the_nearest_not_past(rest: Rest) -> None:
    day = listed(rest, strikes=1, expiries=2)
    assert {line.expiry for line, _ in day.listed if line.kind == "CE"} == {WEEKLY, MONTHLY}


def test_default_is_wide_enough_for_the_agents_day_and_for_what_the_spot_may_do(rest: Rest) -> None:
    agents = {
        f"NIFTY23NOV26{strike // 100}{side}"
        for strike in strikes(Paise(2_600_000), 1000, 50)
        for side in ("CE", "PE")
    }
    assert len(agents) == 82
    assert agents < set(names(listed(rest)))
    assert {"NIFTY23NOV2627500CE", "NIFTY23NOV2624500PE"} < set(names(listed(rest)))


def test_lot_follows_the_dated_rules_and_a_difference_is_reported_once(
    openalgo: OpenAlgo, rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    openalgo.lot = 75
    with caplog.at_level(logging.WARNING):
        day = listed(rest)
    assert {line.lot for line, _ in day.listed if line.kind == "CE"} == {65}
    (said,) = [r.getMessage() for r in caplog.records if "lot" in r.getMessage()]
    assert "lot 75 upstream and 65 by our rules" in said


def test_nothing_is_reported_where_both_agree(rest: Rest, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        listed(rest)
    assert caplog.records == []


def test_earlier_life_keeps_its_contracts_wherever_the_spot_went(
    openalgo: OpenAlgo, rest: Rest
) -> None:
    first = listed(rest)
    openalgo.atm = 26_600
    traded = frozenset({Symbol("NIFTY23NOV2624000PE")})
    second = listed(rest, around=first.around, traded=traded)
    assert set(names(first)) | traded <= set(names(second))
    assert "NIFTY23NOV2628100CE" in names(second)
    assert second.around == first.around


def test_too_wide_a_chain_asks_for_no_more_than_the_route_takes(
    openalgo: OpenAlgo, rest: Rest
) -> None:
    listed(rest, around=Paise(100_000))
    counts = [body["strike_count"] for route, body in openalgo.asked if route == "optionchain"]
    assert counts == [30, 100]


def test_missing_future_is_said_and_borne(
    openalgo: OpenAlgo, rest: Rest, caplog: pytest.LogCaptureFixture
) -> None:
    def expiry(request: Request) -> Reply | None:
        if request.route == "expiry" and request.body["instrumenttype"] == "futures":
            return Reply({"status": "error", "message": "no"}, 500)
        return openalgo(request)

    with serving(expiry) as server:
        day = listed(Rest(server.url, KEY, 5), strikes=1)
    assert names(day)[:2] == ["NIFTY", "NIFTY23NOV2625950CE"]
    assert "no future is listed" in caplog.text


@pytest.mark.parametrize(
    ("route", "reply", "said"),
    [
        ("expiry", ok(data=[]), "no options of NIFTY"),
        ("multiquotes", ok(results=[]), "no price of NIFTY"),
        ("optionchain", ok(chain=1), "cannot be played"),
        ("optionchain", Reply({"message": "broker is away"}, 500), "broker is away"),
        ("multiquotes", Reply({"message": "Invalid openalgo apikey"}, 403), "OPENALGO_API_KEY"),
        ("expiry", None, "OPENALGO_HOST"),
    ],
)
def test_day_that_cannot_be_played_says_why_and_what_to_do(
    openalgo: OpenAlgo, rest: Rest, route: str, reply: Reply | None, said: str
) -> None:
    openalgo.table[route] = reply
    with pytest.raises(ConfigError) as refused:
        listed(rest)
    assert said in str(refused.value)
    assert rest.url in str(refused.value)
    assert KEY not in str(refused.value)


def test_day_of_a_real_server_is_today_by_the_wall_clock(rest: Rest) -> None:
    before = clock.wall()
    found = listing.pace(rest)
    after = clock.wall()
    assert before <= found.anchor.at(clock.wall()) <= clock.wall()
    assert (found.anchor.speed, found.is_paper) == (1, False)
    assert found.day in {trading_day(before), trading_day(after)}


def test_paper_exchange_brings_its_own_day_and_clock(
    openalgo: OpenAlgo, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    openalgo.table["ping"] = ok(data={"broker": "sutradhar_sandbox"})
    with pytest.raises(ConfigError, match="cannot be played"):
        listing.pace(rest)  # without its discovery document
    anchor = Anchor(r0=Micros(5), v0=Micros(7), speed=30)
    document = {
        "broker": "sutradhar_sandbox", "date": "2026-11-19", "speed": 30, "more": 1,
        "anchor": {"r0": 5, "v0": 7, "speed": 30, "paused": False, "jumps": 0},
    }  # fmt: skip
    monkeypatch.setattr(rest, "discovery", lambda: json.dumps(document).encode())
    found = listing.pace(rest)
    assert (found.day, found.anchor, found.is_paper) == (DAY, anchor, True)
