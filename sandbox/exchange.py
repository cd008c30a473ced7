"""The paper exchange as one object: market, order life and account behind a small, pure face.

Nothing here reads a clock, sleeps, opens a file or draws from an ambient source: each method takes
the instant `at`, and randomness is counter-based (`sandbox.md` 1). An `at` before the last one
counts as the last one. One thread at a time.

The shell (server or pump) does: `advance(at)`, send what came out; hand a write in with `place`,
`modify` or `cancel` and answer it with `Deferred.result()` once `advance(deferred.ready_at)` ran.
How fine the steps are makes no difference to what happens.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.books import Action
from domain.errors import ConfigError
from domain.rules import RulePack
from domain.session import instant
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units
from sandbox.account import Account
from sandbox.facts import DayFacts, facts, holidays, timings
from sandbox.kinds import (
    STRAIGHT,
    BarLine,
    DepthLine,
    FundsLine,
    HolidayLine,
    InstrumentLine,
    MarginLine,
    ModifyIn,
    OrderIn,
    OrderLine,
    Out,
    PositionLine,
    QuoteLine,
    TimingLine,
    TradeLine,
    Twist,
)
from sandbox.market import build, depth, master
from sandbox.market.live import LiveDay, live
from sandbox.market.market import Market
from sandbox.market.recorded import Tape
from sandbox.market.ticks import TickTape
from sandbox.matching import Matching
from sandbox.params import SandboxParams
from sandbox.truth import Arrived, Met, Payload, Row, Started, TimePassed, Truth
from sandbox.venue import Venue
from sandbox.writes import Deferred, Timeline, Writes

__all__ = ["Deferred", "Exchange", "Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What one day is played with: the `sandbox` settings, and the tape of a recorded day.

    `live` is a day that another server lists and tells of.
    """

    params: SandboxParams
    tape: Tape | TickTape | None = None
    live: LiveDay | None = None

    @property
    def day(self) -> Day:
        """The day being played: that of the tape or of the other server, else the configured."""
        if self.live is not None:
            return self.live.day
        return self.tape.day if self.tape else Day(self.params.date)

    @property
    def started(self) -> Started:
        """How ground truth says that such a day began."""
        if self.live is not None:
            return Started(
                day=self.day,
                source="openalgo",
                random_seed=self.params.seed,
                regime="",
                made_up=self.params.upstream.mode != "depth",
                around=self.live.around,
            )
        return Started(
            day=self.day,
            source="tape" if self.tape else "synthetic",
            random_seed=self.params.seed,
            regime="" if self.tape else self.params.market.regime,
            made_up=self.tape is not None and self.tape.made_up,
        )


class Exchange:
    """One trading day of the paper exchange.

    `rules` is the dated pack, `truth` collects what really happened. A `truth` that already holds
    rows continues their day: the account is folded from them and time goes on at the last one;
    writes that were on their way are lost. Raises ConfigError where rows and settings disagree, or
    where the tape does not fit the rules of its date.
    """

    def __init__(self, setup: Setup, rules: RulePack, truth: Truth) -> None:
        params = setup.params
        self.day = setup.day
        self._rules = rules.override(*params.rules)
        self._facts = facts(self._rules, params.broker, self.day)
        self.quirks: frozenset[str] = frozenset(params.broker_profile)
        if "protect_market" in self.quirks:
            self._facts = replace(self._facts, market_orders="protect")
        self.market = _market(setup, self._rules, self._facts)
        self._venue = Venue(params, self._facts, self.market)
        self._master = self._venue.master
        self.now = truth.rows[-1].at if truth.rows else instant(self.day, "00:00")
        """The instant up to which everything has happened."""
        self._begin(setup, truth)
        self._account = Account(self._venue, truth, self._price)
        self._matching = Matching(self._venue, self._account)
        self._timeline = Timeline()
        self._writes = Writes(
            self._venue, self._account, self._matching, self._timeline, len(truth.rows)
        )
        self.has_funds = True
        self.is_live = params.profile == "live_quirks"
        self.capital = params.capital_p
        self.stamp_form = params.seed % 4
        self.skews: dict[str, Micros] = {}
        """Who moves the stamps of answers, and by how much; truth keeps its own."""
        self._watched: frozenset[Symbol] = frozenset()
        self.market.skip(self.now)
        self._matching.restore(self.now)
        self._schedule()

    def advance(self, at: Micros) -> tuple[Out, ...]:
        """Let the market, triggers and latencies run up to and including `at`.

        Returns what came out since the last call, in order of time: prices of watched symbols and
        changes of orders. Outs of writes and reads in between are included.
        """
        self._run(at)
        outs = tuple(self._account.outs)
        self._account.outs.clear()
        return outs

    def watch(self, symbols: Iterable[Symbol]) -> None:
        """Replace the set of symbols whose prices `advance` returns; unknown ones are ignored.

        Watching changes nothing but what is reported: a symbol's prices are the same either way.
        """
        self._watched = frozenset(symbols) & self.market.lines.keys()

    def place(self, at: Micros, order: OrderIn, twist: Twist = STRAIGHT) -> Deferred:
        """Take a new order; `Done(orderid)` or `No(status, text)`.

        An order refused by the exchange itself (trigger side, band, margin) is `Done` with a
        `rejected` row, unless `sandbox.reject_style` is `analyze`.
        """
        return self._writes.place(self._run(at), order, twist)

    def modify(self, at: Micros, change: ModifyIn, twist: Twist = STRAIGHT) -> Deferred:
        """Change a live order to absolute values. A fill may come first. 404 for an unknown id."""
        return self._writes.modify(self._run(at), change, twist)

    def cancel(self, at: Micros, orderid: str, twist: Twist = STRAIGHT) -> Deferred:
        """End a live order. Fills before the effective instant are real; then the answer is 400."""
        return self._writes.cancel(self._run(at), orderid, twist)

    def human(self, at: Micros, symbol: Symbol, action: Action, lots: int) -> bool:
        """Let the account's owner trade at the touch; False where nothing is taken now."""
        return self._writes.human(self._run(at), symbol, action, lots)

    def square_off(self, at: Micros) -> None:
        """Let the broker's risk desk end what is intraday, now."""
        self._writes.square_off(self._run(at))

    def withhold(self, name: str, to_pct: int | None) -> None:
        """Leave the account a share of what it has available, until None takes that back."""
        if to_pct is None:
            self._account.withheld.pop(name, None)
        else:
            self._account.withheld[name] = to_pct

    def arrived(self, at: Micros, route: str, digest: str, answer: str, peer: str = "") -> None:
        """Record in ground truth that the shell received a write, whatever became of it.

        `answer` is its class: `passed` on to the exchange, `schema`, `rate`, `auth` or `fault`.
        """
        row = Arrived(route=route, digest=digest, peer=peer, answer=answer)
        self._account.note(self._run(at), row)

    def met(self, at: Micros, fault_id: str, verb: str, place: str) -> None:
        """Record in ground truth that a fault of the script hit something at `place`."""
        self._account.note(self._run(at), Met(id=fault_id, verb=verb, place=place))

    def note(self, at: Micros, payload: Payload) -> None:
        """Record in ground truth something that changes neither orders nor money."""
        self._account.note(self._run(at), payload)

    def leave(self, at: Micros) -> None:
        """Record in ground truth how far the market got; a later life of the day goes on there."""
        self._account.note(self._run(at), TimePassed(left=True))

    def instrument(self, symbol: str, exchange: str) -> InstrumentLine | None:
        """Return one row of the symbol master, or None."""
        found = self._master.get(Symbol(symbol))
        return found if found and found.exchange == exchange else None

    def instruments(self) -> tuple[InstrumentLine, ...]:
        """Return the symbol master of the day, indices first, then by expiry, strike and kind."""
        return tuple(sorted(self._master.values(), key=_place))

    def expiries(self, name: str, exchange: str, kind: str) -> tuple[Day, ...]:
        """Return the expiry days of `kind` futures or options, ascending, none of them past."""
        wanted = {master.FUTURE} if kind == "futures" else {"CE", "PE"}
        found = (
            line.expiry
            for line in self._master.values()
            if line.name == name and line.exchange == exchange and line.kind in wanted
        )
        return tuple(sorted({day for day in found if day is not None and day >= self.day}))

    def quote(self, at: Micros, symbol: Symbol) -> QuoteLine:
        """Return the quote of a known symbol; KeyError for an unknown one."""
        return self.depth(at, symbol).quote

    def depth(self, at: Micros, symbol: Symbol) -> DepthLine:
        """Return the quote with five levels a side; KeyError for an unknown symbol."""
        last = self._venue.last(symbol, self._run(at))
        shown = depth.shown(last)
        quote = QuoteLine(
            ltp=last.ltp,
            bid=last.bid,
            ask=last.ask,
            bid_quantity=shown.bids[0].quantity if shown.bids else Units(0),
            ask_quantity=shown.asks[0].quantity if shown.asks else Units(0),
            open=last.open,
            high=last.high,
            low=last.low,
            prev_close=last.prev_close,
            volume=last.volume,
            oi=last.oi,
        )
        return DepthLine(
            quote=quote, last_quantity=last.last_quantity, bids=shown.bids, asks=shown.asks
        )

    def history(
        self, at: Micros, symbol: Symbol, from_day: Day, to_day: Day
    ) -> tuple[BarLine, ...]:
        """Return the one-minute bars of these days up to `at`, the forming one included.

        Only the day being played has bars. KeyError for an unknown symbol.
        """
        line = self.market.lines[symbol]
        is_asked = from_day <= self.day <= to_day
        return line.bars(self._run(at)) if is_asked else ()

    def order(self, orderid: str) -> OrderLine | None:
        """Return one order, or None."""
        return self._account.book.orders.get(orderid)

    def orders(self) -> tuple[OrderLine, ...]:
        """Return the true order book, oldest first."""
        return tuple(self._account.book.orders.values())

    def trades(self) -> tuple[TradeLine, ...]:
        """Return the true trades, oldest first."""
        return tuple(self._account.book.trades)

    def positions(self, at: Micros) -> tuple[PositionLine, ...]:
        """Return every position opened today, marked at the last prices, in order of opening."""
        self._run(at)
        return self._account.positions()

    def funds(self, at: Micros) -> FundsLine:
        """Return the account, marked at the last prices."""
        self._run(at)
        return self._account.funds()

    def margin(self, at: Micros, order: OrderIn) -> MarginLine:
        """Return what `order` alone would block; KeyError for an unknown symbol.

        Without a price of its own it is reckoned at the last one.
        """
        self._run(at)
        price = order.price or self._price(order.symbol)
        return self._account.blocks(order.symbol, order.action, order.quantity, price)

    def timings(self, day: Day) -> tuple[TimingLine, ...]:
        """Return the hours of each exchange on `day`; a closed exchange is absent."""
        return timings(self._rules, day)

    def holidays(self, year: int) -> tuple[HolidayLine, ...]:
        """Return the holidays of a year, ascending."""
        return holidays(self._rules, year)

    def lot(self, symbol: Symbol) -> Units:
        """Return the lot of a known symbol; KeyError for an unknown one."""
        return self._master[symbol].lot

    def _begin(self, setup: Setup, truth: Truth) -> None:
        started = setup.started
        if not truth.rows:
            truth.add(self.now, started)
        elif truth.rows[0].payload != started:
            raise ConfigError(
                f"--state-dir: its ground truth began otherwise ({_others(truth.rows[0], started)})"
                "; give the same settings or a fresh directory"
            )

    def _schedule(self) -> None:
        cut, close = self._facts.square_off, self._facts.close
        if self.now < close:
            self._timeline.add(close, self._writes.close)
            if cut is not None and cut < close:
                self._timeline.add(max(cut, self.now), self._writes.square_off)

    def _run(self, at: Micros) -> Micros:
        """Let everything up to `at` happen; return `at`, or now if that is later."""
        at = max(at, self.now)
        while True:
            due = self._timeline.next_at()
            step = self._step_end(at if due is None else min(at, due))
            self._reach(step)
            if due is not None and due <= step:
                _, act = self._timeline.take()
                act(due)
            elif step == at:
                return at

    def _reach(self, step: Micros) -> None:
        """Let the market run up to `step`, and write down the end of a minute of the session."""
        is_new = step > self.now
        self._follow(step)
        self.now = step
        opened, close = self._facts.open, self._facts.close
        if is_new and opened <= step < close and (step + 1 - opened) % MINUTE == 0:
            self._account.note(step, TimePassed())

    def _step_end(self, until: Micros) -> Micros:
        """Return `until`, or the end of the minute now running: lines never look ahead of it."""
        opened, close = self._facts.open, self._facts.close
        if self.now + 1 < opened:
            return min(until, Micros(opened - 1))
        if self.now >= close:
            return until
        minute = (self.now + 1 - opened) // MINUTE
        return min(until, Micros(opened + (minute + 1) * MINUTE - 1))

    def _follow(self, until: Micros) -> None:
        live = self._account.book.symbols
        taken = self.market.take(until, self._watched | live)
        outs, watched = self._account.outs, self._watched
        if not live:
            outs.extend(taken)
            return
        for out in taken:
            if out.symbol in watched:
                outs.append(out)
            if out.symbol in live:
                self.now = out.at
                self._matching.price(out)

    def _price(self, symbol: Symbol) -> Paise:
        return self._venue.last(symbol, self.now).ltp


def _market(setup: Setup, rules: RulePack, day_facts: DayFacts) -> Market:
    if setup.live is not None:
        return live(setup.params, day_facts, setup.live)
    if setup.tape is None:
        return build.synthetic(setup.params, rules, day_facts)
    return build.recorded(setup.params, rules, day_facts, setup.tape)


def _place(line: InstrumentLine) -> tuple[bool, str, int, str]:
    return line.expiry is not None, line.expiry or "", line.strike, line.kind


def _others(row: Row, asked: Started) -> str:
    """Return what differs between how a day began and how it is asked to, in words."""
    began = row.payload
    if not isinstance(began, Started):
        return f"with {row.kind}"
    pairs = ((name, getattr(began, name), getattr(asked, name)) for name in asked.__struct_fields__)
    told = [f"{name} was {was}, asked is {now}" for name, was, now in pairs if was != now]
    return ", ".join(told)
