"""The paper exchange as one object: market, order life and account behind a small, pure face.

Nothing here reads a clock, sleeps, opens a file or draws from an ambient source: each method takes
the instant `at`, and randomness is counter-based (`sandbox.md` 1). Calls must not go back in time;
an `at` before the last one counts as that one. One thread at a time.

The shell (server or pump) does: `advance(at)`, send what came out; hand a write in with `place`,
`modify` or `cancel` and answer it with `Deferred.result()` once `advance(deferred.ready_at)` ran.
"""

from collections.abc import Iterable

from domain.units import Day, Micros, Symbol, Units
from sandbox.kinds import (
    Answer,
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
)


class Deferred:
    """The answer to a write that becomes known at `ready_at`.

    A refusal that needs no exchange is ready at the instant of the call.
    """

    def __init__(self, ready_at: Micros, answer: Answer | None = None) -> None:
        self.ready_at = ready_at
        self._answer = answer

    def settle(self, answer: Answer) -> None:
        """Fill the answer in. For the exchange only."""
        self._answer = answer

    def result(self) -> Answer:
        """Return the answer; LookupError before `advance(ready_at)` has run."""
        if self._answer is None:
            raise LookupError(f"not answered before {self.ready_at}")
        return self._answer


class Exchange:
    """One trading day of the paper exchange.

    Built as `Exchange(setup, rules, truth)`: `setup` holds day, random seed, the `sandbox` settings
    and, for a recorded day, its tape; `rules` is the dated pack; `truth` collects what really
    happened (`truth.Truth`).
    """

    day: Day
    now: Micros
    """The instant up to which everything has happened."""

    def advance(self, at: Micros) -> tuple[Out, ...]:
        """Let the market, triggers and latencies run up to and including `at`.

        Returns what came out since the last call, in order of time: prices of watched symbols and
        changes of orders. Outs of writes and reads in between are included.
        """
        raise NotImplementedError

    def next_timer(self) -> Micros | None:
        """Return when the next order write takes effect or scheduled act falls due, if one waits.

        Prices are not in here: they come with whatever instant `advance` is called for.
        """
        raise NotImplementedError

    def watch(self, symbols: Iterable[Symbol]) -> None:
        """Replace the set of symbols whose prices `advance` returns; unknown ones are ignored.

        Watching changes nothing but what is reported: a symbol's prices are the same either way.
        """
        raise NotImplementedError

    def place(self, at: Micros, order: OrderIn) -> Deferred:
        """Take a new order; `Done(orderid)` or `No(status, text)`.

        An order refused by the exchange itself (trigger side, band, margin) is `Done` with a
        `rejected` row, unless `sandbox.reject_style` is `analyze`.
        """
        raise NotImplementedError

    def modify(self, at: Micros, change: ModifyIn) -> Deferred:
        """Change a live order to absolute values. A fill may come first. 404 for an unknown id."""
        raise NotImplementedError

    def cancel(self, at: Micros, orderid: str) -> Deferred:
        """End a live order. Fills before the effective instant are real; then the answer is 400."""
        raise NotImplementedError

    def arrived(self, at: Micros, route: str, digest: str, answer: str, peer: str = "") -> None:
        """Record in ground truth that the shell received a write, whatever became of it.

        `answer` is its class: `passed` on to the exchange, `schema`, `rate`, `auth` or `fault`.
        """
        raise NotImplementedError

    def instrument(self, symbol: str, exchange: str) -> InstrumentLine | None:
        """Return one row of the symbol master, or None."""
        raise NotImplementedError

    def instruments(self) -> tuple[InstrumentLine, ...]:
        """Return the symbol master of the day, indices first, then by expiry, strike and kind."""
        raise NotImplementedError

    def expiries(self, name: str, exchange: str, kind: str) -> tuple[Day, ...]:
        """Return the expiry days of `kind` futures or options, ascending, none of them past."""
        raise NotImplementedError

    def quote(self, at: Micros, symbol: Symbol) -> QuoteLine:
        """Return the quote of a known symbol; KeyError for an unknown one."""
        raise NotImplementedError

    def depth(self, at: Micros, symbol: Symbol) -> DepthLine:
        """Return the quote with five levels a side; KeyError for an unknown symbol."""
        raise NotImplementedError

    def history(
        self, at: Micros, symbol: Symbol, from_day: Day, to_day: Day
    ) -> tuple[BarLine, ...]:
        """Return the one-minute bars of these days up to `at`, the forming one included.

        Only the day being played has bars. KeyError for an unknown symbol.
        """
        raise NotImplementedError

    def order(self, orderid: str) -> OrderLine | None:
        """Return one order, or None."""
        raise NotImplementedError

    def orders(self) -> tuple[OrderLine, ...]:
        """Return the true order book, oldest first."""
        raise NotImplementedError

    def trades(self) -> tuple[TradeLine, ...]:
        """Return the true trades, oldest first."""
        raise NotImplementedError

    def positions(self, at: Micros) -> tuple[PositionLine, ...]:
        """Return every position opened today, marked at the last prices, in order of opening."""
        raise NotImplementedError

    def funds(self, at: Micros) -> FundsLine:
        """Return the account, marked at the last prices."""
        raise NotImplementedError

    def margin(self, at: Micros, order: OrderIn) -> MarginLine:
        """Return what `order` alone would block; KeyError for an unknown symbol."""
        raise NotImplementedError

    def timings(self, day: Day) -> tuple[TimingLine, ...]:
        """Return the hours of each exchange on `day`; a closed exchange is absent."""
        raise NotImplementedError

    def holidays(self, year: int) -> tuple[HolidayLine, ...]:
        """Return the holidays of a year, ascending."""
        raise NotImplementedError

    def lot(self, symbol: Symbol) -> Units:
        """Return the lot of a known symbol; KeyError for an unknown one."""
        raise NotImplementedError
