"""The market of bench/feed.py: any number of options around one index, and their frames.

Every frame of an option has a new price and a larger volume, so each counts. The same numbers give
the same frames, in whichever process.
"""

from dataclasses import dataclass, field

from domain.contracts import Chain, Contract, Side
from domain.units import Day, Micros, Paise, Symbol, Units

INDEX = Symbol("NIFTY")
EXPIRY = Day("2026-11-23")
SPOT = Paise(2_600_000)
STEP = 50
LOT = Units(65)
LEVEL = Paise(15_000)
TICK = 5
SWAY = 40
"""Over how many ticks a price moves up before it starts again."""

FIRST_VOLUME = 65_000


def chain(count: int) -> Chain:
    """Return `count` contracts around the money, calls and puts."""
    reach = count // 4 + 1
    strikes = sorted((SPOT + 100 * STEP * n for n in range(-reach, reach + 1)), key=_distance)
    contracts = [_contract(Paise(strike), side) for strike in strikes for side in Side]
    return Chain(
        underlying=INDEX,
        index_exchange="NSE_INDEX",
        expiry=EXPIRY,
        atm=SPOT,
        contracts=tuple(contracts[:count]),
    )


def _distance(strike: int) -> int:
    return abs(strike - SPOT)


def _contract(strike: Paise, side: Side) -> Contract:
    return Contract(
        symbol=Symbol(f"NIFTY23NOV26{strike // 100}{side}"),
        exchange="NFO",
        underlying=INDEX,
        expiry=EXPIRY,
        strike=strike,
        side=side,
        lot=LOT,
        tick=Paise(TICK),
        freeze=Units(1800),
    )


@dataclass(slots=True)
class Crier:
    """Says prices of a chain in turn, and remembers the last price and the volume of each."""

    symbols: tuple[Symbol, ...]
    said: int = 0
    last: dict[Symbol, tuple[int, int]] = field(default_factory=dict)

    def next(self) -> tuple[Symbol, Paise, Units]:
        """Return the next symbol, its price and its cumulative volume."""
        symbol = self.symbols[self.said % len(self.symbols)]
        turn = self.said // len(self.symbols)
        self.said += 1
        price = Paise(LEVEL + turn % SWAY * TICK)
        volume = Units(FIRST_VOLUME + turn * LOT)
        self.last[symbol] = (price, volume)
        return symbol, price, volume


def frame(symbol: Symbol, price: Paise, volume: Units, at: Micros) -> bytes:
    """Return a price as OpenAlgo sends it."""
    stamp = at // 1000
    return (
        f'{{"type":"market_data","symbol":"{symbol}","exchange":"NFO","mode":2,"broker":"x",'
        f'"data":{{"symbol":"{symbol}","exchange":"NFO","mode":"quote","ltp":{price / 100},'
        f'"ltt":{stamp},"timestamp":{stamp},"volume":{volume},"last_quantity":65,'
        f'"open":150.0,"high":152.0,"low":150.0,"close":149.0,"oi":650000}}}}'
    ).encode()


def index_frame(at: Micros) -> bytes:
    """Return a price of the index."""
    stamp = at // 1000
    return (
        f'{{"type":"market_data","symbol":"{INDEX}","exchange":"NSE_INDEX","mode":2,"broker":"x",'
        f'"data":{{"symbol":"{INDEX}","exchange":"NSE_INDEX","mode":"quote","ltp":{SPOT / 100},'
        f'"ltt":{stamp},"timestamp":{stamp},"volume":0}}}}'
    ).encode()


def is_index(data: bytes) -> bool:
    """Whether a frame is one of the index."""
    return b'"NSE_INDEX"' in data
