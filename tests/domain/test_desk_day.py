"""The instants of the day as the desk takes them: another force close, an overdue proof."""

from msgspec.structs import replace

from domain.pages import PageCode
from tests.orders import Bench, an_open_short, t
from tests.shorts import FORCE
from tests.trading import PLAN


def test_start_with_other_instants_journals_them_and_goes_by_them() -> None:
    sooner = replace(PLAN, force_close=t(600))
    bench = Bench(plan=sooner).settle(0)
    assert bench.ledger.plan == sooner
    assert Bench(events=bench.events, plan=sooner).settle(0).events == bench.events


def test_day_that_is_not_proved_flat_in_time_is_paged() -> None:
    bench = an_open_short().settle(FORCE)
    assert bench.desk.pages(t(FORCE)) == ()
    codes = [page.code for page in bench.settle(FORCE + 121).desk.pages(t(FORCE + 121))]
    assert PageCode.NOT_FLAT in codes
