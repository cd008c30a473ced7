"""An entry rests and its symbol does not tick: warned of, then ended, then forbidden."""

from domain.entry_silence import EntrySilence
from domain.params import FeedParams
from domain.strategy import Note
from domain.units import SECOND, Micros, Symbol
from tests.domain.tape import CALL, at

PUT = Symbol("NIFTY24NOV2626000PE")
WARNED = Note(CALL, "silent", "no tick for 120 s, and its entry rests")
ENDED = Note(CALL, "silent", "no tick for 240 s: its entry ends")


class Ear:
    """Listens second by second from 10:00 on."""

    def __init__(self) -> None:
        self.silence = EntrySilence(FeedParams())
        self.ticked: dict[Symbol, Micros] = {}
        self.lives_since = Micros(0)
        self.resting: tuple[Symbol, ...] = (CALL,)
        self.told: list[tuple[int, Note]] = []

    def listen(self, since_s: int, until_s: int) -> "Ear":
        for second in range(since_s, until_s):
            now = Micros(at("10:00") + second * SECOND)
            notes = self.silence.look(self.resting, self.ticked.get, self.lives_since, now)
            self.told += [(second, note) for note in notes]
            if self.silence.forbids(CALL):
                self.resting = ()
        return self


def test_silent_entry_is_warned_of_after_two_minutes_and_ended_after_four() -> None:
    ear = Ear().listen(0, 239)
    assert ear.told == [(120, WARNED)]
    assert not ear.silence.forbids(CALL)
    ear.listen(239, 600)
    assert ear.told == [(120, WARNED), (240, ENDED)]
    assert ear.silence.forbids(CALL)
    assert not ear.silence.forbids(PUT)


def test_symbol_that_ticks_again_may_rest_again() -> None:
    ear = Ear().listen(0, 300)
    ear.ticked[CALL] = Micros(at("10:00") + 300 * SECOND)
    ear.listen(300, 301)
    assert not ear.silence.forbids(CALL)


def test_tick_ends_the_doubt_and_the_next_silence_is_told_anew() -> None:
    ear = Ear().listen(0, 130)
    ear.ticked[CALL] = Micros(at("10:00") + 130 * SECOND)
    ear.listen(130, 260)
    assert [second for second, _ in ear.told] == [120, 250]


def test_silence_counts_from_the_last_tick_the_rest_and_the_feeds_return() -> None:
    early, lived = Ear(), Ear()
    early.ticked[CALL] = at("09:50")
    lived.lives_since = Micros(at("10:00") + 50 * SECOND)
    assert early.listen(0, 130).told == [(120, WARNED)]
    assert lived.listen(0, 180).told == [(170, WARNED)]


def test_entry_that_ended_is_forgotten() -> None:
    ear = Ear().listen(0, 130)
    ear.resting = ()
    ear.listen(130, 140)
    ear.resting = (CALL,)
    ear.listen(140, 270)
    assert [second for second, _ in ear.told] == [120, 260]
