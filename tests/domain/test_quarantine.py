"""What killed an actor twice is not handed to it a third time."""

import msgspec

from domain.quarantine import MOST, Quarantine
from domain.units import Micros


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    at: Micros
    text: str


class Timeless(msgspec.Struct, frozen=True, kw_only=True):
    text: str


class Time(msgspec.Struct, frozen=True, kw_only=True):
    at: Micros


def a_fact(at: int = 1, text: str = "x") -> Fact:
    return Fact(at=Micros(at), text=text)


def test_second_death_of_a_message_keeps_it_away_also_when_it_is_told_anew() -> None:
    quarantine = Quarantine()
    assert not quarantine.killed("strategy", a_fact(1))
    assert not quarantine.holds("strategy", a_fact(1))
    assert quarantine.killed("strategy", a_fact(2))
    assert quarantine.holds("strategy", a_fact(3))
    assert quarantine.killed("strategy", a_fact(4))


def test_other_messages_and_other_actors_are_not_concerned() -> None:
    quarantine = Quarantine()
    for message in (a_fact(), Timeless(text="x"), "letter"):
        quarantine.killed("feed", message)
    assert not quarantine.has_any
    for message in (a_fact(), Timeless(text="x"), "letter"):
        assert quarantine.killed("feed", message)
        assert quarantine.holds("feed", message)
        assert not quarantine.holds("strategy", message)
    assert not quarantine.holds("feed", a_fact(text="y"))
    assert not quarantine.holds("feed", Timeless(text="y"))


def test_spared_kinds_are_always_handed_on() -> None:
    quarantine = Quarantine(Time)
    for _ in range(3):
        assert not quarantine.killed("feed", Time(at=Micros(1)))
        quarantine.killed("feed", "letter")
    assert not quarantine.holds("feed", Time(at=Micros(1)))


def test_memory_ends_somewhere_and_what_kills_again_is_not_forgotten() -> None:
    quarantine = Quarantine()
    quarantine.killed("feed", "old")
    for number in range(3 * MOST):
        quarantine.killed("feed", number)
        if number % 20 == 0:
            quarantine.killed("feed", "again")
    assert quarantine.holds("feed", "again")
    assert not quarantine.killed("feed", "old")
