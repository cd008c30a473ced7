"""Progress of a load: spoken every five seconds, and once when it is done."""

from domain.progress import Progress
from domain.units import Micros, seconds

START = seconds(1_000)


def test_load_is_told_of_at_once_and_then_every_five_seconds() -> None:
    progress = Progress()
    told = [progress.line(second, 82, Micros(START + seconds(second))) for second in range(7)]
    assert told == [
        "history 0/82 symbols loaded",
        "",
        "",
        "",
        "",
        "history 5/82 symbols loaded",
        "",
    ]


def test_load_that_stands_still_is_not_told_of_again() -> None:
    progress = Progress()
    assert progress.line(7, 82, START) == "history 7/82 symbols loaded"
    assert progress.line(7, 82, Micros(START + seconds(60))) == ""


def test_end_of_a_load_is_told_without_waiting() -> None:
    progress = Progress()
    progress.line(81, 82, START)
    assert progress.line(82, 82, Micros(START + seconds(1))) == "history complete symbols=82"
    assert progress.is_done
