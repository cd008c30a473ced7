import pytest

from domain.backoff import Backoff, is_account_wide
from domain.orders import State
from domain.params import EntryParams
from domain.strategy import EntryView, Note
from domain.units import SECOND, Micros
from tests.trading import a_contract, an_entry, at

CE = a_contract().symbol
OTHER = a_contract(26_100).symbol
PARAMS = EntryParams()
NOON = at("12:00")


def after(seconds: float) -> Micros:
    return Micros(NOON + round(seconds * SECOND))


def refused(
    reason: str = "BAND", *, ended_at: Micros = NOON, state: State = State.REFUSED
) -> EntryView:
    return an_entry(state=state, ended_at=ended_at, reason=reason)


def backoff(*ended: EntryView, params: EntryParams = PARAMS) -> Backoff:
    return Backoff(ended, params)


def test_fill_closes_its_side_for_the_cooldown() -> None:
    found = backoff(an_entry(filled=65, state=State.CANCELLED, touched=True, ended_at=NOON))
    assert found.side_waits("CE", after(119.9))
    assert not found.side_waits("CE", after(120))
    assert not found.side_waits("PE", NOON)


def test_end_without_a_fill_closes_nothing() -> None:
    found = backoff(an_entry(state=State.CANCELLED, ended_at=NOON))
    assert not found.side_waits("CE", NOON)
    assert not found.symbol_waits(CE, NOON)


@pytest.mark.parametrize(("times", "wait_s"), [(1, 5), (2, 15)])
def test_refused_symbol_waits_longer_each_time(times: int, wait_s: int) -> None:
    found = backoff(*[refused()] * times)
    assert found.symbol_waits(CE, after(wait_s - 0.1))
    assert not found.symbol_waits(CE, after(wait_s))
    assert not found.symbol_waits(OTHER, NOON)
    assert not found.side_waits("CE", NOON)


def test_third_refusal_ends_the_symbols_day() -> None:
    found = backoff(refused(), refused("LOT"), refused("TICK", state=State.REJECTED))
    assert found.symbol_waits(CE, after(20_000))
    assert found.blocked() == {CE: Note(CE, "blocked", "refusals=3 reason=TICK")}
    assert backoff(refused(), refused()).blocked() == {}


def test_refusal_of_the_account_makes_the_side_wait_and_blames_no_symbol() -> None:
    found = backoff(*[refused("FUNDS")] * 4)
    assert not found.symbol_waits(CE, NOON)
    assert found.side_waits("CE", after(59.9))
    assert not found.side_waits("CE", after(60))
    assert found.blocked() == {}


def test_order_that_got_through_ends_a_row_of_account_refusals() -> None:
    through = an_entry(state=State.CANCELLED, ended_at=after(-60))
    found = backoff(*[refused("FUNDS")] * 3, through, refused("FUNDS"))
    assert found.side_waits("CE", after(4.9))
    assert not found.side_waits("CE", after(5))


def test_no_waits_configured_waits_for_nothing() -> None:
    found = backoff(refused("FUNDS"), refused(), params=EntryParams(reject_backoff_s=()))
    assert not found.side_waits("CE", NOON)
    assert not found.symbol_waits(CE, NOON)


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        ("MARGIN", True),
        ("SESSION", True),
        ("Insufficient margin available", True),
        ("session expired, log in", True),
        ("process ended", True),
        *[(code, True) for code in "OLD OVER SLOT_TAKEN USED_KEY CLOCK_SKEW NO_ORDERID".split()],
        ("BAND", False),
        ("price out of circuit", False),
        ("", False),
    ],
)
def test_some_refusals_are_not_about_the_symbol(reason: str, found: bool) -> None:
    assert is_account_wide(reason) is found
