"""The words for how good prices are, and the alert when too many symbols stay mute."""

import pytest

from domain.heartbeat import Coverage, coverage, heartbeat
from domain.market import Source
from domain.units import Symbol


def some_mute(count: int) -> tuple[Symbol, ...]:
    return tuple(Symbol(f"S{n}") for n in range(count))


def beats(*counts: int, subscribed: int = 82, warn_pct: int = 90) -> list[str]:
    """What is told at each heartbeat, given how many symbols are mute."""
    state, told = Coverage(), []
    for count in counts:
        state, text = state.beat(some_mute(count), subscribed, warn_pct)
        told.append(text)
    return told


@pytest.mark.parametrize(
    ("seen", "subscribed", "text"),
    [
        (82, 82, "100.0"),
        (81, 82, "98.8"),
        (1999, 2000, "99.9"),
        (0, 82, "0.0"),
        (0, 0, "0.0"),
        (1, 3, "33.3"),
        (1, 16, "6.3"),
    ],
)
def test_coverage_has_one_decimal_and_is_100_only_if_all_were_seen(
    seen: int, subscribed: int, text: str
) -> None:
    assert coverage(seen, subscribed) == text


def test_heartbeat_is_the_line_operators_know() -> None:
    assert heartbeat(0, 82, 82, 0, Source.PRIMARY) == (
        "Positions: 0 | Data: 82/82 | Coverage: 100.0% | Stale: 0 | Source: WEBSOCKET"
    )
    assert heartbeat(2, 81, 82, 3, Source.REST) == (
        "Positions: 2 | Data: 81/82 | Coverage: 98.8% | Stale: 3 | Source: REST_POLLING"
    )


def test_mute_symbols_are_named_once_after_two_heartbeats_and_their_return_is_told() -> None:
    names = " ".join(some_mute(9))
    assert beats(9, 9, 9, 30, 8, 8) == [
        "",
        f"coverage is 89.0%, mute: {names}",
        "",
        "",
        "coverage is 90.2% again",
        "",
    ]


def test_one_bad_heartbeat_between_good_ones_is_no_news() -> None:
    assert beats(40, 0, 40, 0, 40) == [""] * 5


def test_many_mute_symbols_are_counted() -> None:
    assert beats(82, 82)[1].endswith("S9 and 72 more")


def test_limit_is_met_at_its_exact_value() -> None:
    assert beats(2, 2, subscribed=20) == ["", ""]
    assert beats(3, 3, subscribed=20)[1] != ""


def test_nothing_subscribed_is_nothing_to_alert() -> None:
    assert beats(0, 0, subscribed=0) == ["", ""]
