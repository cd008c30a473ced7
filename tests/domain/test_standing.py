from domain import events as ev
from domain.ledger import Ledger
from domain.reasons import REASONS, Condition, remedy
from domain.standing import Standing
from domain.strategy import Mode
from tests.domain.tape import a_plan, at

PLAN = a_plan()


def a_standing(*latches: str) -> Standing:
    ledger = Ledger().fold(ev.LatchSet(at=at("10:00"), name=name, reason=name) for name in latches)
    standing = Standing(ledger, PLAN)
    standing.is_recovered = True
    return standing


def test_agent_that_nothing_holds_back_is_active() -> None:
    standing = a_standing()

    assert (standing.mode(at("10:00")), standing.why(at("10:00"))) == (Mode.ACTIVE, "")
    assert standing.may_write


def test_condition_reduces_for_as_long_as_it_holds() -> None:
    standing = a_standing()

    assert standing.hold(Condition.BOOKS, "three reads were not believed")
    assert not standing.hold(Condition.BOOKS, "four reads were not believed")
    assert standing.holds(Condition.BOOKS)
    assert standing.mode(at("10:00")) is Mode.REDUCE_ONLY
    assert standing.why(at("10:00")) == "four reads were not believed"
    assert standing.release(Condition.BOOKS)
    assert not standing.release(Condition.BOOKS)
    assert standing.mode(at("10:00")) is Mode.ACTIVE


def test_lease_in_doubt_ends_entries_until_it_is_renewed() -> None:
    standing = a_standing()

    standing.leased("the lease was not renewed")
    assert standing.mode(at("10:00")) is Mode.REDUCE_ONLY
    assert standing.entries_over(at("10:00")) == "the lease was not renewed"
    assert standing.may_write
    standing.leased("")
    assert standing.mode(at("10:00")) is Mode.ACTIVE
    standing.leased("")


def test_entry_does_not_rest_where_nobody_would_see_it_fill() -> None:
    standing = a_standing()

    standing.hold(Condition.NO_JOURNAL, "disk full")
    assert standing.entries_over(at("10:00")) == ""
    standing.hold(Condition.BOOKS, "")
    assert standing.entries_over(at("10:00")) == Condition.BOOKS


def test_halt_lets_nothing_out_and_nothing_else_does() -> None:
    assert not a_standing("HALT").may_write
    assert a_standing("HALT").mode(PLAN.force_close) is Mode.HALTED
    assert a_standing("FREEZE").may_write
    elsewhere = a_standing()
    elsewhere.hold(Condition.OTHER_WORLD, "the answer was of analyze mode")
    assert not elsewhere.may_write


def test_every_condition_has_its_remedy() -> None:
    assert all(remedy(code) for code in Condition)
    assert set(Condition) <= REASONS.keys()
    assert remedy("NOT_A_CODE") == ""
