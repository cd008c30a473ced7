"""Prices go straight to the feed; while it lags they wait, and too many are let go and counted."""

from actors.delivery import LAGGING, Delivery
from domain.books import OrderPush, Status
from domain.calls import StreamState
from domain.market import Tick
from domain.units import Symbol, Units
from messages.market import StreamMoved, TicksArrived, TicksDropped
from messages.orders import OrderPushed
from tests.actors.fakes import RecordingPost, To
from tests.domain.feeding import change
from tests.domain.tape import a_tick, at


class Stand:
    """A lane whose feed has `waiting` messages unread."""

    def __init__(self, most: int = 20_000) -> None:
        self.waiting = 0
        self.post = RecordingPost()
        self.lane = Delivery(self.post, lambda: self.waiting, most)

    def bring(self, *ticks: Tick) -> list[To]:
        self.lane.ticks(ticks)
        return self.post.take()


def ticks(count: int, first: int = 0) -> tuple[Tick, ...]:
    return tuple(a_tick("10:00:05", seq=seq) for seq in range(first, first + count))


def test_prices_of_one_read_are_one_message() -> None:
    stand = Stand()
    assert stand.bring(*ticks(3)) == [To("feed", TicksArrived(ticks=ticks(3)))]


def test_prices_wait_while_the_feed_lags_and_then_come_together_in_order() -> None:
    stand = Stand()
    stand.waiting = LAGGING
    assert stand.bring(*ticks(2)) == []
    assert stand.bring(*ticks(2, 2)) == []
    stand.waiting = LAGGING - 1
    assert stand.bring(*ticks(1, 4)) == [To("feed", TicksArrived(ticks=ticks(5)))]
    assert stand.bring(*ticks(1)) == [To("feed", TicksArrived(ticks=ticks(1)))]


def test_full_lane_lets_prices_go_and_says_how_many() -> None:
    stand = Stand(most=1000)
    stand.waiting = LAGGING
    assert stand.bring(*ticks(1000)) == []
    assert stand.bring(*ticks(1)) == [To("feed", TicksDropped(at=at("10:00:05"), count=1001))]
    stand.waiting = 0
    assert stand.bring(*ticks(1)) == [To("feed", TicksArrived(ticks=ticks(1)))]


def test_change_of_the_connection_comes_after_the_prices_before_it() -> None:
    stand = Stand()
    stand.waiting = LAGGING
    stand.bring(*ticks(2))
    closed = change(StreamState.CLOSED, "10:00:06")
    stand.lane.changed(closed)
    assert stand.post.take() == [
        To("feed", TicksArrived(ticks=ticks(2))),
        To("feed", StreamMoved(change=closed)),
    ]


def test_order_updates_never_wait() -> None:
    stand = Stand()
    stand.waiting = LAGGING
    push = OrderPush(
        orderid="1",
        symbol=Symbol("X"),
        status=Status.COMPLETE,
        filled=Units(65),
        reason="",
        mode="live",
        got_at=at("10:00"),
    )
    stand.lane.order(push)
    assert stand.post.take() == [To("order", OrderPushed(push=push))]
