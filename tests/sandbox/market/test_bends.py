"""Updates bent from an instant on: what is shown, and what goes on below."""

import msgspec

from domain.units import MINUTE, SECOND, Micros, Paise, Units
from sandbox.kinds import Level, PriceOut, Shown
from sandbox.market import bends
from sandbox.market.line import Line
from tests.sandbox.stage import AT, a_price, an_option


class Steady(Line):
    """A print at 100.00 every twenty seconds, a quote ten seconds later."""

    def __init__(self) -> None:
        super().__init__(an_option(), AT, Paise(9_000))
        self.lasts: list[int] = []

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        self.lasts.append(last.ltp)
        start = AT + minute * MINUTE
        outs = []
        for n in range(6):
            at = Micros(start + n * 10 * SECOND)
            out = a_price(at=at, ltp=Paise(10_000), bid=Paise(9_995), ask=Paise(10_005))
            is_print = n % 2 == 0
            last = msgspec.structs.replace(
                out,
                ltt=at if is_print else last.ltt,
                high=Paise(10_000),
                low=Paise(10_000),
                volume=Units(last.volume + 65 * is_print),
            )
            outs.append(last)
        return outs


def at_s(after_s: int) -> Micros:
    return Micros(AT + after_s * SECOND)


def told(line: Line, *after_s: int) -> list[tuple[int, int, int]]:
    return [(out.ltp, out.bid, out.ask) for out in (line.at(at_s(s)) for s in after_s)]


STILL = (10_000, 9_995, 10_005)
HIGH = (15_000, 14_995, 15_005)


def test_line_leaps_and_comes_back_and_goes_on_below_as_ever() -> None:
    line = Steady()
    line.at(at_s(15))
    line.bend("f", at_s(15), bends.leap(5_000))
    assert told(line, 10, 20, 30, 70) == [STILL, HIGH, HIGH, HIGH]
    line.straighten("f", at_s(75))
    assert told(line, 70, 80, 130) == [HIGH, STILL, STILL]
    assert line.lasts == [9_000, 10_000, 10_000], "each minute follows the market's own price"
    out = line.at(at_s(130))
    assert (out.high, out.low) == (15_000, 10_000), "the day's range stays"


def test_quote_without_a_print_repeats_the_price_that_was_shown() -> None:
    line = Steady()
    line.at(at_s(25))
    line.bend("f", at_s(25), bends.leap(5_000))
    assert told(line, 30, 40) == [(10_000, 14_995, 15_005), HIGH]


def test_price_falls_no_lower_than_a_tick() -> None:
    line = Steady()
    line.at(at_s(15))
    line.bend("f", at_s(15), bends.leap(-20_000))
    assert told(line, 20) == [(5, 5, 5)]


def test_two_bends_add_up_and_end_by_their_names() -> None:
    line = Steady()
    line.at(at_s(5))
    line.bend("a", at_s(5), bends.leap(5_000))
    line.bend("b", at_s(5), bends.one_sided("bid"))
    assert told(line, 20) == [(15_000, 0, 15_005)]
    line.straighten("a", at_s(20))
    assert told(line, 40) == [(10_000, 0, 10_005)]


def test_levels_of_a_book_move_and_vanish_too() -> None:
    book = Shown((Level(Paise(9_995), Units(65), 1),), (Level(Paise(10_005), Units(65), 1),))
    out = a_price(shown=book)
    leapt = bends.leap(1_000)(out, out)
    assert leapt is not None
    assert leapt.shown == Shown(
        (Level(Paise(10_995), Units(65), 1),), (Level(Paise(11_005), Units(65), 1),)
    )
    both = bends.one_sided("both")(out, out)
    assert both is not None
    assert (both.shown, both.bid, both.ask) == (Shown((), ()), 0, 0)


def test_silence_shows_nothing_and_bars_miss_it() -> None:
    line = Steady()
    line.at(at_s(15))
    line.bend("f", at_s(15), bends.silence)
    line.straighten("f", at_s(200))
    assert line.at(at_s(190)).at == at_s(10)
    minutes = [bar.minute for bar in line.bars(at_s(259))]
    assert minutes == [at_s(0), at_s(180), at_s(240)]
