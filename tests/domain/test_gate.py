"""What an entry must pass before it leaves, check by check, in order."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events as ev
from domain.contracts import Contract, Side
from domain.gate import Gate, Proposal, Situation
from domain.ledger import Ledger
from domain.orders import Pending, State, StopPlan
from domain.params import GateParams, LimitParams
from domain.positions import Phase
from domain.reasons import Refusal
from domain.strategy import Mode
from domain.units import Micros, Paise, Symbol, Units
from tests.orders import PLANNED, STOP, T0, planned, t
from tests.trading import PLAN, a_chain, a_contract, a_key, a_ticket

GATE = Gate(GateParams(), LimitParams(), 10)
STRIKES = range(26_000, 26_500, 50)
CALLS = tuple(a_contract(strike) for strike in STRIKES)
PUTS = tuple(a_contract(strike, Side.PE) for strike in STRIKES)
ALL = msgspec.structs.replace(PLANNED, chain=a_chain(*CALLS, *PUTS))
QUIET = Situation(
    at=T0,
    mode=Mode.ACTIVE,
    last_entry=PLAN.last_entry,
    feed_trusted=True,
    feed_reason="",
    snapshot_at=T0,
    skew=Micros(0),
    available=Paise(1_000_000_000),
)


def a_wish(
    contract: Contract = CALLS[0],
    units: int = 650,
    *,
    trigger: int = 12_995,
    price: int = 12_695,
    stop: StopPlan = STOP,
    last: int = 13_100,
) -> Proposal:
    ticket = a_ticket(contract.symbol, units, trigger=trigger, price=price)
    return Proposal(ticket=ticket, side=contract.side, stop=stop, last=Paise(last))


def code(
    wish: Proposal | None = None,
    ledger: Ledger | None = None,
    *,
    gate: Gate = GATE,
    **now: Any,
) -> str:
    """The code of the refusal; '' for an entry that may go."""
    wanted = wish or a_wish()
    contract = a_contract(side=wanted.side)
    situation = msgspec.structs.replace(QUIET, **now)
    found = gate.refusal(wanted, contract, ledger or a_day(), situation)
    return found.code if found is not None else ""


def a_day(*events: ev.Event) -> Ledger:
    return Ledger().fold([ALL, *events])


def shorts(*contracts: Contract, units: int = 65, price: int = 12_990) -> list[ev.Event]:
    """One filled entry in each contract."""
    found: list[ev.Event] = []
    for n, contract in enumerate(contracts):
        name = f"i{n}"
        entry = planned(
            name,
            ticket=a_ticket(contract.symbol, units, trigger=12_995, price=12_695),
            key=a_key(contract.symbol, slot=contract.side),
            side=contract.side,
        )
        found += [
            entry,
            ev.FillsSeen(at=T0, intent=name, filled=Units(units), value=units * price),
            ended(name, State.FILLED),
        ]
    return found


def ended(intent: str, state: State) -> ev.StateChanged:
    return ev.StateChanged(
        at=T0, intent=intent, state=state, pending=Pending.NONE, orderid="", reason=""
    )


def test_good_entry_passes() -> None:
    assert code() == ""


@pytest.mark.parametrize(
    "odd", [{"lot": Units(75)}, {"tick": Paise(10)}, {"freeze": Units(900)}, {"freeze": Units(64)}]
)
def test_contract_unlike_its_neighbours_is_not_entered(odd: dict[str, Any]) -> None:
    wrong = msgspec.structs.replace(CALLS[0], **odd)
    day = msgspec.structs.replace(PLANNED, chain=a_chain(wrong, *CALLS[1:], *PUTS))
    ledger = Ledger().fold([day])
    found = GATE.refusal(a_wish(wrong), wrong, ledger, QUIET)
    assert found is not None
    assert found.code == "CONTRACT"
    assert GATE.refusal(a_wish(CALLS[1]), CALLS[1], ledger, QUIET) is None


@pytest.mark.parametrize("gone", ["lot", "tick", "freeze"])
def test_contract_without_its_facts_is_not_entered(gone: str) -> None:
    bare = msgspec.structs.replace(CALLS[0], **{gone: 0})
    found = GATE.refusal(a_wish(bare), bare, Ledger(), QUIET)
    assert found is not None
    assert found.code == "CONTRACT"


def test_two_kinds_of_contract_in_equal_numbers_are_both_believed() -> None:
    other = msgspec.structs.replace(CALLS[0], lot=Units(75))
    day = msgspec.structs.replace(PLANNED, chain=a_chain(other, CALLS[1]))
    assert GATE.refusal(a_wish(CALLS[1]), CALLS[1], Ledger().fold([day]), QUIET) is None


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.ACTIVE])
def test_entry_needs_the_active_mode(mode: Mode) -> None:
    assert code(mode=mode) == "MODE"


def test_no_entry_at_or_after_the_last_entry_time() -> None:
    assert code(at=Micros(PLAN.last_entry - 1), snapshot_at=PLAN.last_entry) == ""
    assert code(at=PLAN.last_entry, snapshot_at=PLAN.last_entry) == "LAST_ENTRY"


def test_entry_needs_prices_and_books_that_are_believed() -> None:
    assert code(feed_trusted=False, feed_reason="BLIND") == "FEED"
    assert code(snapshot_at=None) == "BOOKS_STALE"
    assert code(at=t(90)) == ""
    assert code(at=t(90.1)) == "BOOKS_STALE"


def test_reason_for_distrust_is_said_or_made_up() -> None:
    for reason, text in (("BLIND", "BLIND"), ("", "prices are not trusted")):
        now = msgspec.structs.replace(QUIET, feed_trusted=False, feed_reason=reason)
        found = GATE.refusal(a_wish(), CALLS[0], a_day(), now)
        assert found == Refusal(code="FEED", text=text)


@pytest.mark.parametrize("sign", [1, -1])
def test_clock_ten_seconds_off_is_the_last_that_passes(sign: int) -> None:
    assert code(skew=Micros(sign * 10_000_000)) == ""
    assert code(skew=Micros(sign * 10_000_001)) == "CLOCK_SKEW"


def test_one_short_per_symbol() -> None:
    assert code(ledger=a_day(*shorts(CALLS[0]))) == "SYMBOL_TAKEN"
    assert code(ledger=a_day(planned())) == "SYMBOL_TAKEN"


def test_three_calls_and_three_puts_and_five_in_all() -> None:
    assert code(ledger=a_day(*shorts(*CALLS[1:3]))) == ""
    assert code(ledger=a_day(*shorts(*CALLS[1:4]))) == "LIMIT"
    assert code(a_wish(PUTS[0]), a_day(*shorts(*CALLS[1:4]))) == ""
    assert code(a_wish(PUTS[0]), a_day(*shorts(*PUTS[1:4]))) == "LIMIT"
    assert code(ledger=a_day(*shorts(*CALLS[1:3], *PUTS[:2]))) == ""
    assert code(ledger=a_day(*shorts(*CALLS[1:3], *PUTS[:3]))) == "LIMIT"


def test_closed_short_makes_room() -> None:
    done = ev.ExitPhase(at=T0, leg="i0", phase=Phase.DONE, reason="stopped")
    assert code(ledger=a_day(*shorts(*CALLS[1:4]), done)) == ""


def test_entries_of_a_day_count_once_they_filled() -> None:
    def closed(count: int, filled: int) -> Ledger:
        events: list[ev.Event] = []
        for n in range(count):
            name = f"i{n}"
            events.append(planned(name))
            if n < filled:
                events.append(ev.FillsSeen(at=T0, intent=name, filled=Units(65), value=65))
                events.append(ev.ExitPhase(at=T0, leg=name, phase=Phase.DONE, reason="stopped"))
            events.append(ended(name, State.CANCELLED))
        return a_day(*events)

    assert code(ledger=closed(40, 40)) == "ENTRIES_DAY"
    assert code(ledger=closed(60, 39)) == ""


def test_calendars_that_differ_let_nothing_in() -> None:
    assert code(calendar="rules_mismatch: session") == "CALENDAR"


@pytest.mark.parametrize(
    ("units", "expected"),
    [(650, ""), (660, "LOT"), (0, "LOT"), (-65, "LOT"), (64, "LOT"), (715, "SIZE")],
)
def test_units_are_whole_lots_and_not_too_many(units: int, expected: str) -> None:
    assert code(a_wish(units=units)) == expected


def test_freeze_quantity_caps_an_order() -> None:
    free = Gate(GateParams(open_risk_p=10**10, margin_per_lot_p=1000), LimitParams(), 200)
    assert CALLS[0].slice_max == 1755
    assert code(a_wish(units=1755), gate=free) == ""
    assert code(a_wish(units=1820), gate=free) == "SIZE"


def test_price_off_tick_is_refused() -> None:
    assert code(a_wish(trigger=12_997)) == "TICK"
    assert code(a_wish(price=12_697)) == "TICK"
    assert code(a_wish(price=0, trigger=0)) == "TICK"
    assert code(a_wish(price=-5)) == "TICK"
    assert code(a_wish(stop=StopPlan(trigger=Paise(14_101), limit=Paise(15_230)))) == "TICK"
    assert code(a_wish(stop=StopPlan(trigger=Paise(14_100), limit=Paise(15_231)))) == "TICK"


def test_sell_stop_stands_below_the_market() -> None:
    assert code(a_wish(last=13_000)) == ""
    assert code(a_wish(last=12_995)) == "TRIGGER_SIDE"
    assert code(a_wish(trigger=12_695)) == ""
    assert code(a_wish(trigger=12_690)) == "TRIGGER_SIDE"
    assert code(a_wish(trigger=0, price=13_200)) == ""


def test_limit_stands_inside_the_band_and_below_its_stop() -> None:
    assert code(a_wish(price=8_385)) == ""
    assert code(a_wish(price=8_380)) == "BAND"
    low = StopPlan(trigger=Paise(12_695), limit=Paise(15_230))
    assert code(a_wish(stop=low)) == "STOP_SIDE"
    crossed = StopPlan(trigger=Paise(14_100), limit=Paise(14_095))
    assert code(a_wish(stop=crossed)) == "STOP_SIDE"


def test_open_risk_counts_shorts_resting_entries_and_this_one() -> None:
    # 650 x (15230 - 12695) = 1,647,750 for this one.
    tight = GateParams(open_risk_p=1_647_750)
    assert code(gate=Gate(tight, LimitParams(), 10)) == ""
    assert code(gate=Gate(GateParams(open_risk_p=1_647_749), LimitParams(), 10)) == "OPEN_RISK"
    # 65 x (15230 - 12990) = 145,600 for a short of one lot.
    one_short = a_day(*shorts(CALLS[1]))
    enough = Gate(GateParams(open_risk_p=1_793_350), LimitParams(), 10)
    assert code(ledger=one_short, gate=enough) == ""
    scarce = Gate(GateParams(open_risk_p=1_793_349), LimitParams(), 10)
    assert code(ledger=one_short, gate=scarce) == "OPEN_RISK"
    resting = planned(ticket=a_ticket(CALLS[1].symbol, 65, trigger=12_995, price=12_695))
    assert code(ledger=a_day(resting), gate=scarce) == "OPEN_RISK"
    assert code(ledger=a_day(msgspec.structs.replace(resting, stop=None)), gate=scarce) == ""


def test_margin_counts_every_lot_and_leaves_a_tenth() -> None:
    # Ten lots at 200,000.00 need 2,000,000.00, nine tenths of 2,222,222.23.
    assert code(available=Paise(222_222_223)) == ""
    assert code(available=Paise(222_222_222)) == "MARGIN"
    assert code(available=None) == "FUNDS_UNKNOWN"
    assert code(ledger=a_day(*shorts(CALLS[1])), available=Paise(222_222_223)) == "MARGIN"
    resting = planned(ticket=a_ticket(CALLS[1].symbol, 65, trigger=12_995, price=12_695))
    assert code(ledger=a_day(resting), available=Paise(222_222_223)) == "MARGIN"


@pytest.mark.parametrize(("units", "price"), [(130, 12_695), (65, 10_160)])
def test_change_in_the_air_counts_as_if_it_took(units: int, price: int) -> None:
    """One lot that becomes two, or one that risks as much: 2 x 65 x (15230 - 12695)."""
    rests = a_ticket(CALLS[1].symbol, 65, trigger=12_995, price=12_695)
    asked = a_ticket(CALLS[1].symbol, units, trigger=12_995, price=price)
    change = ev.ModifyPlanned(at=T0, intent="i1", ticket=asked, reason="")
    ledger = a_day(planned(ticket=rests), change)
    assert code(ledger=ledger, gate=Gate(_risking(1_977_300), LimitParams(), 10)) == ""
    assert code(ledger=ledger, gate=Gate(_risking(1_977_299), LimitParams(), 10)) == "OPEN_RISK"
    lots = units // 65
    cash = Paise(-(-(10 + lots) * 20_000_000 * 10 // 9))
    assert code(ledger=ledger, available=cash) == ""
    assert code(ledger=ledger, available=Paise(cash - 1)) == "MARGIN"


def _risking(paise: int) -> GateParams:
    return GateParams(open_risk_p=paise)


def test_lots_of_a_contract_nobody_knows_cannot_be_counted() -> None:
    odd = a_contract(30_000)
    ledger = Ledger().fold([PLANNED, *shorts(odd)])
    resting = planned("x", ticket=a_ticket(Symbol("ODD"), 65, trigger=12_995, price=12_695))
    assert code(ledger=ledger.fold([resting]), available=Paise(222_222_223)) == ""


@pytest.mark.incident("INC-48")
@given(
    units=st.integers(-130, 2000),
    trigger=st.integers(0, 14_000),
    price=st.integers(-10, 14_000),
    last=st.integers(1, 20_000),
)
def test_prices_are_ticks_and_quantities_are_lots(
    units: int, trigger: int, price: int, last: int
) -> None:
    if code(a_wish(units=units, trigger=trigger, price=price, last=last)) == "":
        assert units % 65 == trigger % 5 == price % 5 == 0
        assert 0 < units <= 650
        assert price > 0
        assert trigger == 0 or price <= trigger < last


CHECKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("MODE", {"mode": Mode.REDUCE_ONLY}, {}),
    ("FEED", {"feed_trusted": False}, {}),
    ("SYMBOL_TAKEN", {}, {}),
    ("LOT", {}, {"units": 660}),
    ("TICK", {}, {"price": 12_697}),
    ("MARGIN", {"available": Paise(1)}, {}),
]


@pytest.mark.incident("INC-47")
@pytest.mark.parametrize("first", range(len(CHECKS)))
def test_each_order_decision_is_reachable(first: int) -> None:
    """Everything from the check on is wrong: the first failure wins."""
    broken = CHECKS[first:]
    now: dict[str, Any] = {}
    wish: dict[str, Any] = {}
    for _, situation, proposal in broken:
        now |= situation
        wish |= proposal
    taken = any(name == "SYMBOL_TAKEN" for name, _, _ in broken)
    ledger = a_day(*shorts(CALLS[0])) if taken else a_day()
    assert code(a_wish(**wish), ledger, **now) == CHECKS[first][0]
