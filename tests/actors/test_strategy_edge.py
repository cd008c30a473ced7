"""StrategyActor near the last strikes: others are asked for, join, and are told to everybody."""

import pytest

from domain.calls import ChainRead, Failed, Outcome, ReadChain
from domain.contracts import Contract, Side
from domain.units import SECOND, Day, Micros, Paise
from messages.control import ChainChosen, StrikesFound
from messages.market import BarsBackfilled, BarsWanted, BarUpdated
from messages.orders import JoinContracts, PlaceEntry
from tests.actors.fakes import To
from tests.actors.strategy_stand import CHAIN, INDEX, Hands, Stand, a_read, of, to
from tests.strategies.player import a_low
from tests.trading import PLAN, a_contract, a_forming, at, minute

NEW = a_contract(27_050), a_contract(27_050, Side.PE)
GROWN = CHAIN.grown(NEW)
NOW = at("09:25")
FAILED = Failed(call="ReadChain", outcome=Outcome.UNKNOWN, at=NOW, status=500, text="no")


class Near(Stand):
    """The actor that plays the morning's chain, and an index that comes near its end."""

    def sees(self, points: int, when: Micros = NOW) -> list[To]:
        """Show the index at a price in points, and let a second pass."""
        now = a_forming(10, points * 100, symbol=INDEX, second=0)
        return self.hear(BarUpdated(now=now), when) + self.pulse(when)

    def asked(self) -> list[int]:
        """The strikes of the question that is out, in points."""
        calls = [call for call, _ in self.broker.reads]
        assert all(isinstance(call, ReadChain) for call in calls)
        return [s // 100 for call in calls if isinstance(call, ReadChain) for s in call.strikes]

    def found(self, *contracts: Contract, missing: tuple[str, ...] = ()) -> list[To]:
        """Answer the question that is out with these contracts."""
        return self.reply(ChainRead(expiry=Day("2026-11-23"), contracts=contracts, missing=missing))

    def reply(self, reply: ChainRead | Failed) -> list[To]:
        self.broker.answer(reply)
        (told,) = self.post.take()
        assert isinstance(told.message, StrikesFound)
        return self.hear(told.message)


@pytest.fixture
def near(hands: Hands) -> Near:
    near = Near(hands)
    near.go()
    return near


def test_strikes_beyond_the_last_are_asked_for_when_spot_comes_near(near: Near) -> None:
    """The morning's strikes end at 27,000; the edge is 300 points wide."""
    near.sees(26_700)
    assert near.asked() == []
    near.sees(26_701)
    assert near.asked() == list(range(27_050, 27_501, 50))
    near.sees(26_800)
    assert len(near.broker.reads) == 1, "one question at a time"


def test_contracts_that_join_are_journaled_first_and_then_told_to_all(near: Near) -> None:
    near.sees(26_701)
    chosen = ChainChosen(at=NOW, plan=PLAN, chain=GROWN)
    assert near.found(*NEW) == [
        To("order", JoinContracts(at=NOW, contracts=NEW)),
        To("feed", chosen),
        To("watchdog", chosen),
        To("monitor", chosen),
    ]


def test_contract_that_joined_is_entered_once_its_bars_have_come(near: Near) -> None:
    near.sees(26_701)
    near.found(*NEW)
    call = NEW[0]
    price = BarUpdated(now=a_forming(10, 13_000, symbol=call.symbol, second=1))
    assert of(near.hear(price), PlaceEntry) == []
    bars = tuple(a_low(call))
    back = BarsBackfilled(symbol=call.symbol, since=minute(0), bars=bars, settled=minute(10))
    assert of(near.hear(back) + near.pulse(Micros(NOW + SECOND)), PlaceEntry) == []
    whole = BarsBackfilled(symbol=call.symbol, since=minute(0), bars=bars, settled=minute(11))
    near.hear(whole, minute(11))
    near.hear(BarUpdated(now=a_forming(11, 13_000, symbol=call.symbol, second=1)))
    (entry,) = of(near.pulse(Micros(minute(11) + 2 * SECOND)), PlaceEntry)
    assert entry.ticket.symbol == call.symbol


def test_gap_over_more_than_half_a_width_is_asked_for_in_two_questions(near: Near) -> None:
    near.sees(27_400)
    assert near.asked()[-1] == 27_500
    near.found(*NEW)
    assert near.asked() == list(range(27_550, 28_001, 50))


def test_failed_read_is_said_once_and_tried_again(
    near: Near, caplog: pytest.LogCaptureFixture
) -> None:
    near.sees(26_701)
    assert near.reply(FAILED) == []
    assert "no further strikes yet: ReadChain failed status=500 no" in caplog.text
    caplog.clear()
    near.pulse(Micros(NOW + 4 * SECOND))
    assert near.asked() == []
    near.pulse(Micros(NOW + 5 * SECOND))
    near.reply(FAILED)
    assert caplog.text == ""
    near.pulse(Micros(NOW + 10 * SECOND))
    assert len(to(near.found(*NEW), "order")) == 1


def test_end_of_the_master_is_said_once(near: Near, caplog: pytest.LogCaptureFixture) -> None:
    near.sees(26_701)
    assert near.found(missing=("27050.00",)) == []
    near.sees(27_900)
    assert near.asked() == []
    assert caplog.text.count("universe: no strikes above 27000.00") == 1


def test_contracts_that_differ_from_the_rules_do_not_join(
    near: Near, caplog: pytest.LogCaptureFixture
) -> None:
    near.sees(26_701)
    assert near.found(a_contract(27_050, lot=75)) == []
    assert "further strikes do not join: rules_mismatch: lot NIFTY" in caplog.text


def test_answer_about_strikes_that_nobody_asked_for_is_ignored(near: Near) -> None:
    stray = StrikesFound(question=1, reply=a_read())
    assert near.hear(stray) == []
    assert Stand(near.hands).hear(stray) == []


def test_restarted_actor_asks_for_the_bars_of_what_joined_and_for_the_next_strikes(
    hands: Hands,
) -> None:
    stand = Near(hands, chain=GROWN)
    wanted = of(stand.begin(restarted=True, chain=True), BarsWanted)
    assert [message.symbol for message in wanted] == [c.symbol for c in GROWN.contracts]
    stand.answer(a_read(*GROWN.contracts))
    stand.sees(26_751)
    assert Paise(stand.asked()[0] * 100) == 2_710_000
