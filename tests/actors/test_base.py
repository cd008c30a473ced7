"""What every actor does by itself: echo, leave out what kills, say nothing once abandoned."""

from functools import partial
from typing import Any

import pytest

from actors.base import Actor
from actors.pump import Pump, PumpStage
from actors.stages import Maker
from domain import clock
from domain.units import Micros
from messages.control import ActorDied, Alive, Begin, Pulse, SayAlive
from messages.orders import FactsWanted


class Hands:
    """Time stands still."""

    def now(self) -> Micros:
        return Micros(7)

    def machine(self) -> Micros:
        return Micros(7)


@pytest.fixture(autouse=True)
def _hands() -> None:
    clock.use(Hands())


class Ear:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def tell(self, message: Any) -> None:
        self.told.append(message)


class Fragile(Actor):
    """Tells the ear what it hears; dies of every FactsWanted, Begin and Pulse."""

    put_away_times = 0

    def on_receive(self, message: Any) -> None:
        self.post.tell("ear", message)
        self.post.tell_all("ear", "all")
        if isinstance(message, FactsWanted | Begin | Pulse):
            raise KeyError(message)

    def put_away(self) -> None:
        type(self).put_away_times += 1


class Theatre:
    """A pump with one fragile actor, which a test rebuilds."""

    def __init__(self) -> None:
        self.pump, self.ear, self.watchdog = Pump(), Ear(), Ear()
        self.pump.register("ear", self.ear)
        self.pump.register("watchdog", self.watchdog)
        self.stage = PumpStage(self.pump)
        self.build()

    def build(self, address: str = "a") -> None:
        maker: Maker = partial(Fragile, address, self.pump)
        self.stage.put((address, f"{address}2"), maker)

    def tell(self, message: object) -> list[object]:
        """Tell the actor and return what it told the ear of it; rebuild it if it died."""
        self.ear.told.clear()
        self.pump.tell("a", message)
        self.pump.run()
        if not self.stage.is_alive("a"):
            self.build()
        return [each for each in self.ear.told if each != "all"]


def test_inbox_answers_for_its_actor() -> None:
    theatre = Theatre()
    assert theatre.tell(SayAlive(who="ear", asked=Micros(5))) == [
        Alive(address="a", asked=Micros(5))
    ]
    assert theatre.watchdog.told == []


def test_message_that_killed_twice_is_not_handed_over_a_third_time() -> None:
    theatre, poison = Theatre(), FactsWanted(who="x")
    assert [theatre.tell(poison) for _ in range(4)] == [[poison], [poison], [], []]
    other = FactsWanted(who="y")
    assert theatre.tell(other) == [other]
    error = repr(KeyError(poison))
    assert theatre.watchdog.told[:2] == [
        ActorDied(at=Micros(7), address="a", error=error),
        ActorDied(at=Micros(7), address="a", error=error, poison="FactsWanted"),
    ]
    assert len(theatre.watchdog.told) == 3


@pytest.mark.parametrize("vital", [Pulse(at=Micros(1)), Begin(at=Micros(1))])
def test_time_and_set_up_are_handed_over_however_often_they_kill(vital: object) -> None:
    theatre = Theatre()
    assert [theatre.tell(vital) for _ in range(4)] == [[vital]] * 4
    assert {died.poison for died in theatre.watchdog.told} == {""}


def test_abandoned_actor_reaches_nobody_and_ends_when_it_wakes() -> None:
    theatre = Theatre()
    actor: Any = theatre.pump._actors["a"]
    theatre.stage.abandon("a")
    assert (theatre.stage.is_alive("a"), theatre.stage.is_alive("a2")) == (False, False)
    assert theatre.stage.stuck("a") == 1
    before = Fragile.put_away_times
    actor.post.tell("ear", "too late")
    actor.post.tell_all("ear", "too late")
    theatre.build()
    assert theatre.tell("hello") == ["hello"]
    while not actor.actor_inbox.empty():
        actor._handle_receive(actor.actor_inbox.get().message)
    assert actor.actor_stopped.is_set()
    assert Fragile.put_away_times == before + 1
    assert theatre.stage.stuck("a") == 0
    assert theatre.tell("hello") == ["hello"]
    actor.abandon()


def test_abandoned_actor_that_dies_of_what_it_was_at_tells_nobody() -> None:
    theatre = Theatre()
    actor: Any = theatre.pump._actors["a"]
    theatre.stage.abandon("a")
    before = Fragile.put_away_times
    actor.on_failure(ValueError, ValueError(), None)
    assert theatre.watchdog.told == []
    assert Fragile.put_away_times == before + 1
