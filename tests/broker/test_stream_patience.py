"""How long a ping and a question of the stream may stay unanswered."""

from broker.stream import KeepAlive, Patience
from domain.units import SECOND, Micros


def test_keep_alive_pings_each_twenty_seconds_and_gives_up_after_ten() -> None:
    def at(second: float) -> Micros:
        return Micros(round(second * 1_000_000))

    alive = KeepAlive(20, 10, at(0))
    assert (alive.wait_s(at(0)), alive.is_due(at(19.999)), alive.is_due(at(20))) == (
        20,
        False,
        True,
    )
    assert alive.wait_s(at(20)) == 10
    alive.hear(1)
    assert not alive.is_dead(at(39))
    assert (alive.wait_s(at(39)), alive.is_due(at(40))) == (1, True)
    alive.hear(1)
    assert not alive.is_dead(at(49.999))
    assert alive.is_dead(at(50))
    alive.hear(2)
    assert not alive.is_dead(at(50))


def test_second_ping_does_not_excuse_the_first() -> None:
    alive = KeepAlive(1, 10, Micros(0))
    for second in range(1, 10):
        assert alive.is_due(Micros(second * 1_000_000))
    assert alive.is_dead(Micros(11_000_000))


def test_patience_lasts_ten_seconds_for_each_question() -> None:
    patience = Patience(10)
    assert (patience.wait_s(0, Micros(0)), patience.is_over(0, Micros(99 * SECOND))) == (
        float("inf"),
        False,
    )
    assert patience.wait_s(1, Micros(100 * SECOND)) == 10
    assert not patience.is_over(1, Micros(110 * SECOND - 1))
    assert patience.is_over(1, Micros(110 * SECOND))
    assert not patience.is_over(2, Micros(110 * SECOND))
    assert patience.wait_s(2, Micros(114 * SECOND)) == 6
    assert patience.wait_s(0, Micros(115 * SECOND)) == float("inf")
