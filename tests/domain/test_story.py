"""What a trader reads: one line for each event worth telling."""

import pytest

from domain import events as ev
from domain.contracts import Side
from domain.ledger import Ledger
from domain.orders import Purpose, State
from domain.positions import Phase
from domain.reasons import remedy
from domain.story import Line, tell
from domain.units import Symbol, Units
from tests.domain.test_ledger import filled, moved
from tests.orders import CE, PE, PLANNED, a_buy, an_open_short, planned, t
from tests.trading import a_contract, a_key

STOP_ORDER = planned("s1", purpose=Purpose.STOP, leg="i1", ticket=a_buy(), key=None, side=None)
RESTING: list[ev.Event] = [planned(), moved(orderid="A1"), STOP_ORDER]


def line(event: ev.Event, *before: ev.Event) -> Line | None:
    return tell(event, Ledger().fold([*before, event]))


def said(event: ev.Event, *before: ev.Event) -> tuple[str, str, bool]:
    found = line(event, *before)
    assert found is not None
    return found.tag, found.text, found.warn


def test_intent_is_told_with_its_numbers() -> None:
    text = f"entry SELL {CE} units=650 SL price=126.95 trigger=129.95 intent=i1"
    assert said(planned()) == ("ORDER", text, False)
    cover = planned("c1", purpose=Purpose.COVER, ticket=a_buy(65, trigger=0, price=15_750))
    assert said(cover) == ("EXIT", f"cover BUY {CE} units=65 LIMIT price=157.50 intent=c1", False)


def test_fill_is_told_with_its_average() -> None:
    text = f"entry SELL {CE} filled=325/650 average=129.90 orderid=A1"
    assert said(filled(units=325), *RESTING) == ("FILL", text, False)


@pytest.mark.parametrize(
    ("state", "warn"),
    [
        (State.REFUSED, True),
        (State.REJECTED, True),
        (State.UNKNOWN, True),
        (State.NOT_PLACED, True),
        (State.CANCELLED, False),
        (State.TRIGGER_PENDING, False),
    ],
)
def test_state_worth_telling_is_told(state: State, warn: bool) -> None:
    text = f"entry {CE} is {state} orderid=A1 reason=why"
    assert said(moved(state=state, reason="why"), *RESTING) == ("ORDER", text, warn)
    bare = f"stop {CE} is {state} orderid="
    assert said(moved("s1", state), *RESTING) == ("EXIT", bare, warn)


@pytest.mark.parametrize("state", [State.ACKED, State.OPEN, State.FILLED, State.SENDING])
def test_state_on_the_way_is_not_told(state: State) -> None:
    assert line(moved(state=state), *RESTING) is None


def test_request_is_told_with_its_reason() -> None:
    change = ev.ModifyPlanned(at=t(2), intent="s1", ticket=a_buy(65), reason="grow")
    text = f"modify {CE} price=152.30 units=65 reason=grow"
    assert said(change, *RESTING) == ("EXIT", text, False)
    cancel = ev.CancelPlanned(at=t(2), intent="i1", reason="outranked")
    assert said(cancel, *RESTING) == ("ORDER", f"cancel entry {CE} reason=outranked", False)


def test_writing_itself_is_not_told() -> None:
    assert line(ev.WriteSent(at=t(2), intent="i1", op="place"), planned()) is None


def test_leg_is_told_when_it_is_left_and_when_it_is_closed() -> None:
    short: list[ev.Event] = [*RESTING, filled()]
    left = ev.ExitPhase(at=t(5), leg="i1", phase=Phase.CHASE, reason="EXIT")
    assert said(left, *short) == ("EXIT", f"leaving {CE} units=650 reason=EXIT", False)
    bought = ev.FillsSeen(at=t(6), intent="s1", filled=Units(650), value=650 * 14_100)
    closed = ev.ExitPhase(at=t(7), leg="i1", phase=Phase.DONE, reason="stopped")
    text = f"{CE} is closed gross=-7215.00 reason="
    assert said(closed, *short, bought) == ("EXIT", text + "stopped", False)
    assert said(closed, *short, left, bought) == ("EXIT", text + "EXIT", False)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ev.ModeChanged(at=t(1), mode="ACTIVE", reason=""), ("MODE", "ACTIVE", False)),
        (
            ev.ModeChanged(at=t(1), mode="REDUCE_ONLY", reason="FREEZE"),
            ("MODE", "REDUCE_ONLY FREEZE", False),
        ),
        (
            ev.LatchSet(at=t(1), name="DAY_DONE", reason="DAY_STOP"),
            ("LATCH", f"DAY_DONE set reason=DAY_STOP; {remedy('DAY_DONE')}", True),
        ),
        (
            ev.Recovered(at=t(1), orders=2, shorts=1),
            ("RECOVERY", "books read: live orders=2 shorts=1", False),
        ),
        (
            ev.ProvedFlat(at=t(1), first="a", second="b"),
            ("FLAT", "the book is proved flat by two reads", False),
        ),
        (
            ev.FindingApplied(at=t(1), kind="REVIVED", subject="i1", detail="A1"),
            ("RECONCILE", f"REVIVED i1 A1; {remedy('REVIVED')}", True),
        ),
        (
            ev.ExternalSeen(at=t(1), symbol=CE, orderids=("H1", "H2"), net=-65),
            (
                "RECONCILE",
                f"EXTERNAL not ours: {CE} orders=2 net=-65; {remedy('EXTERNAL')}",
                True,
            ),
        ),
        (PLANNED, ("DAY", "2026-11-20 NIFTY atm=26000.00 expiry=2026-11-23 contracts=2", False)),
        (
            ev.ContractsJoined(
                at=t(1),
                contracts=(a_contract(26_550), a_contract(26_500), a_contract(26_550, Side.PE)),
            ),
            ("DAY", "strikes 26500.00 to 26550.00 joined contracts=3", False),
        ),
    ],
)
def test_event_of_the_day_is_told(event: ev.Event, expected: tuple[str, str, bool]) -> None:
    assert said(event) == expected


def test_refusal_is_told_once_for_a_symbol_and_a_code() -> None:
    def refused(code: str, symbol: Symbol = CE) -> ev.OrderRefused:
        return ev.OrderRefused(at=t(1), symbol=symbol, code=code, text="no", key=a_key(symbol))

    once, other = refused("BAND"), refused("LOT")
    text = f"entry refused {CE} BAND: no; {remedy('BAND')}"
    assert said(once) == ("ORDER", text, True)
    assert line(once, once) is None
    assert line(other, once) is not None
    assert line(refused("BAND", PE), once) is not None


def test_cleared_latch_is_told_and_a_strange_order_is_not() -> None:
    cleared = ev.LatchCleared(at=t(1), name="FREEZE", reason="human")
    assert said(cleared) == ("LATCH", "FREEZE cleared reason=human", False)
    stray = ev.WriteSent(at=t(1), intent="gone", op="place")
    assert tell(stray, Ledger()) is None


def test_story_of_a_day_can_be_read_in_order() -> None:
    bench = an_open_short()
    lines = [tell(event, bench.ledger) for event in bench.events]
    tags = [found.tag for found in lines if found is not None]
    assert tags == "DAY RECOVERY MODE ORDER ORDER FILL EXIT EXIT".split()


def test_fill_that_is_only_claimed_is_told_as_such() -> None:
    claimed = ev.FillsAgreed(at=t(1), intent="i1", units=Units(325))
    text = f"{CE} seems filled units=325, no trade is shown yet"
    assert said(claimed, *RESTING) == ("FILL", text, True)
