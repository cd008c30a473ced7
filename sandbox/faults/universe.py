"""Who is meant by a word of the script, so that one need not know the day's symbols.

| Word | Means |
|---|---|
| a symbol | itself, such as `NIFTY24NOV2626000CE` |
| `spot` | the index with the options |
| `future` | its nearest future |
| `options`, `calls`, `puts` | all of its options, calls or puts |
| `atm_ce`, `atm_pe`, `atm_ce+2`, `atm_pe-1` | the option of the nearest expiry whose strike is nearest to spot, or so many strikes above or below; chosen when the fault begins |
| `subscribed:3` | the third symbol that the connection subscribed |
| `traded` | whose order it was, with `when.after` |
| `ours` | what the account holds, or without that what it has live orders in, when the fault begins |

Pure but for the exchange it looks at.
"""  # noqa: E501 - a table's row is one line

import re
from collections import Counter

from domain.units import Day, Micros, Paise, Symbol
from sandbox.exchange import Exchange
from sandbox.kinds import InstrumentLine

OURS = "ours"
KINDS = {"options": ("CE", "PE"), "calls": ("CE",), "puts": ("PE",)}
FIXED = ("spot", "future", *KINDS, "traded", OURS)
SUBSCRIBED = "subscribed:"
_ATM = re.compile(r"atm_(ce|pe)([+-][1-9][0-9]?)?")
_ORDER = re.compile(r"subscribed:[1-9][0-9]{0,3}")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9&_-]{0,63}")


def is_word(value: object) -> bool:
    """Whether the script may choose symbols by this word."""
    if not isinstance(value, str):
        return False
    return value in FIXED or any(each.fullmatch(value) for each in (_ATM, _ORDER, _SYMBOL))


def places(words: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers of `subscribed:n` words."""
    return frozenset(int(w.removeprefix(SUBSCRIBED)) for w in words if w.startswith(SUBSCRIBED))


class Universe:
    """The symbols of the day as the words see them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._lines = exchange.instruments()
        named = Counter(line.name for line in self._lines if line.kind in KINDS["options"])
        self._name = named.most_common(1)[0][0] if named else ""

    def chosen(self, words: tuple[str, ...], at: Micros) -> frozenset[Symbol]:
        """Return whom these words mean at an instant; `traded` and `subscribed:n` mean nobody."""
        found: set[Symbol] = set()
        for word in words:
            found |= self._meant(word, at)
        return frozenset(found)

    def _meant(self, word: str, at: Micros) -> set[Symbol]:
        if word == OURS:
            return self._ours(at)
        if word in KINDS:
            return {line.symbol for line in self._of(*KINDS[word])}
        return self._near_or_named(word, at)

    def _near_or_named(self, word: str, at: Micros) -> set[Symbol]:
        if matched := _ATM.fullmatch(word):
            kind, offset = matched.groups()
            return self._near(kind.upper(), int(offset or 0), at)
        match word:
            case "spot":
                spot = self._spot()
                return {spot.symbol} if spot else set()
            case "future":
                futures = sorted(self._of("FUT"), key=_expiry)
                return {line.symbol for line in futures[:1]}
            case _:
                return {line.symbol for line in self._lines if line.symbol == word}

    def _ours(self, at: Micros) -> set[Symbol]:
        held = {line.symbol for line in self._exchange.positions(at) if line.net}
        return held or {x.symbol for x in self._exchange.orders() if x.status.is_live}

    def _near(self, kind: str, offset: int, at: Micros) -> set[Symbol]:
        options, spot = self._of(kind), self._spot()
        if spot is None or not options:
            return set()
        nearest = min(map(_expiry, options))
        chain = sorted((x for x in options if x.expiry == nearest), key=_strike)
        level = self._exchange.quote(at, spot.symbol).ltp
        atm = min(range(len(chain)), key=lambda n: abs(chain[n].strike - level))
        place = atm + offset
        return {chain[place].symbol} if 0 <= place < len(chain) else set()

    def _spot(self) -> InstrumentLine | None:
        found = (line for line in self._lines if line.kind == "INDEX" and line.symbol == self._name)
        return next(found, None)

    def _of(self, *kinds: str) -> list[InstrumentLine]:
        day = self._exchange.day
        alive = (x for x in self._lines if x.expiry is None or x.expiry >= day)
        return [x for x in alive if x.name == self._name and x.kind in kinds]


def _expiry(line: InstrumentLine) -> Day:
    return line.expiry or Day("")


def _strike(line: InstrumentLine) -> Paise:
    return line.strike
