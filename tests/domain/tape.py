"""Builders of the market's values, and an oracle for bars that shares no code with the builder."""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from domain.contracts import Chain, Contract, Side
from domain.market import Bar, HistoryBar, Provenance, Source, Tick
from domain.session import DayPlan, instant
from domain.units import MINUTE, SECOND, Day, Micros, Paise, Symbol, Units

DAY = Day("2026-11-19")
OPEN = instant(DAY, "09:15")
NIFTY = Symbol("NIFTY")
CALL = Symbol("NIFTY24NOV2626000CE")


def at(wall: str) -> Micros:
    """HH:MM or HH:MM:SS[.ffffff] of the test day."""
    return instant(DAY, wall)


def a_plan(close: str = "15:40", *, day: Day = DAY) -> DayPlan:
    return DayPlan(
        day=day,
        open=instant(day, "09:15"),
        close=instant(day, close),
        last_entry=instant(day, "15:10"),
        force_close=instant(day, "15:15"),
        square_off=None,
        quiet=None,
    )


def a_chain(*points: int) -> Chain:
    """Calls and puts at these strikes around 26,000 in index points; by default two each way."""
    strikes = [Paise(100 * (26_000 + p)) for p in points or (-100, -50, 0, 50, 100)]
    return Chain(
        underlying="NIFTY",
        index_exchange="NSE_INDEX",
        expiry=Day("2026-11-24"),
        atm=Paise(2_600_000),
        contracts=tuple(
            Contract(
                symbol=Symbol(f"NIFTY24NOV26{strike // 100}{side}"),
                exchange="NFO",
                underlying="NIFTY",
                expiry=Day("2026-11-24"),
                strike=strike,
                side=side,
                lot=Units(65),
                tick=Paise(5),
                freeze=Units(1800),
            )
            for strike in strikes
            for side in Side
        ),
    )


def a_tick(
    wall: str | Micros = "10:00:05",
    ltp: int = 10_000,
    cum: int | None = 1000,
    *,
    symbol: Symbol = CALL,
    exchange: str = "NFO",
    source: Source = Source.PRIMARY,
    epoch: int = 1,
    seq: int = 0,
    exch: str | Micros | None = None,
    low: int | None = None,
    high: int | None = None,
    volume: int = 0,
    gap: bool = False,
) -> Tick:
    return Tick(
        symbol=symbol,
        exchange=exchange,
        source=source,
        epoch=epoch,
        seq=seq,
        recv_at=at(wall) if isinstance(wall, str) else wall,
        exch_at=at(exch) if isinstance(exch, str) else exch,
        ltp=Paise(ltp),
        low=Paise(ltp if low is None else low),
        high=Paise(ltp if high is None else high),
        cum_volume=None if cum is None else Units(cum),
        volume=Units(volume),
        gap=gap,
    )


def an_index_tick(wall: str | Micros = "10:00:05", ltp: int = 2_600_000, **changes: int) -> Tick:
    return a_tick(wall, ltp, None, symbol=NIFTY, exchange="NSE_INDEX", **changes)  # type: ignore[arg-type]  # the counts only


def a_bar(
    wall: str | Micros = "10:00",
    prices: tuple[int, int, int, int] = (10_000, 10_200, 9_800, 10_000),
    volume: int = 1000,
    *,
    symbol: Symbol = CALL,
    vwap: tuple[int, int] = (0, 0),
    ticks: int = 0,
    provenance: Provenance = Provenance.WS,
) -> Bar:
    """A bar from (open, high, low, close)."""
    first, high, low, last = prices
    return Bar(
        symbol=symbol,
        minute=at(wall) if isinstance(wall, str) else wall,
        open=Paise(first),
        high=Paise(high),
        low=Paise(low),
        close=Paise(last),
        volume=Units(volume),
        vwap_num=vwap[0],
        vwap_den=vwap[1],
        ticks=ticks,
        provenance=provenance,
    )


def a_row(
    wall: str | Micros = "10:00",
    prices: tuple[int, int, int, int] = (10_000, 10_200, 9_800, 10_000),
    volume: int = 1000,
) -> HistoryBar:
    first, high, low, last = prices
    return HistoryBar(
        minute=at(wall) if isinstance(wall, str) else wall,
        open=Paise(first),
        high=Paise(high),
        low=Paise(low),
        close=Paise(last),
        volume=Units(volume),
    )


def row_of(bar: "Bar | Truth") -> HistoryBar:
    """The row a broker would send for a bar."""
    return a_row(Micros(bar.minute), (bar.open, bar.high, bar.low, bar.close), bar.volume)


class Trade(NamedTuple):
    """One update of a clean tape: when, at what price, and the day's quantity so far."""

    at: int
    price: int
    cum: int


class Truth(NamedTuple):
    """What a minute really was; VWAP in paise."""

    minute: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    vwap: Fraction
    ticks: int = 0

    @property
    def facts(self) -> tuple[int | Fraction, ...]:
        return self[:7]


def truth_of(bar: Bar) -> Truth:
    """A bar in the oracle's words; its VWAP must be known."""
    vwap = Fraction(bar.vwap_num, bar.vwap_den)
    prices = (bar.open, bar.high, bar.low, bar.close)
    return Truth(bar.minute, *prices, bar.volume, vwap, bar.ticks)


def truths(tape: Iterable[Trade]) -> list[Truth]:
    """Work out by brute force what the bars of a clean tape in order are."""
    lasting: list[tuple[Trade, int]] = []
    price, cum = None, 0
    for trade in tape:
        if trade.cum > cum or trade.price != price:
            lasting.append((trade, trade.cum - cum))
        price, cum = trade.price, trade.cum
    found: list[Truth] = []
    for minute in sorted({trade.at // MINUTE for trade, _ in lasting}):
        inside = [(trade, added) for trade, added in lasting if trade.at // MINUTE == minute]
        prices = [trade.price for trade, _ in inside]
        four = (prices[0], max(prices), min(prices), prices[-1])
        volume = sum(added for _, added in inside)
        found.append(Truth(minute * MINUTE, *four, volume, Fraction(0), len(inside)))
    return [truth._replace(vwap=_vwap(found[: i + 1])) for i, truth in enumerate(found)]


def _vwap(day: list[Truth]) -> Fraction:
    traded = sum(bar.volume for bar in day)
    if not traded:
        return Fraction(day[-1].high + day[-1].low + day[-1].close, 3)
    return sum(
        (Fraction(bar.high + bar.low + bar.close, 3) * bar.volume for bar in day), Fraction(0)
    ) / Fraction(traded)


def ticks_of(tape: Iterable[Trade], *, stamped: bool = True) -> list[Tick]:
    """The ticks of a tape as the wire brings them, 50 ms after the exchange."""
    return [
        a_tick(
            Micros(trade.at + SECOND // 20),
            trade.price,
            trade.cum,
            seq=seq,
            exch=Micros(trade.at) if stamped else None,
        )
        for seq, trade in enumerate(tape)
    ]
