"""The pump does to an unstarted actor what Pykka's own loop does to a started one.

It calls private methods of Pykka: `_handle_receive`, `_handle_failure` and `_stop`. setup.cfg pins
`pykka ~=4.5`, and this is the test to look at before the pin is moved.
"""

import configparser
import inspect
import queue
import random

import pykka
import pytest
from packaging.requirements import Requirement

from actors.base import Actor
from actors.post_office import PostOffice
from actors.pump import Pump
from tests.shared import ROOT
from tests.threads.probes import LONG_S, Box, Notes, Probe
from tests.waiting import until

pytestmark = pytest.mark.threads

Life = tuple[list[object], int | None, bool, list[str]]
"""What was heard, after how many letters the last word came, alive?, the deaths told."""


def lived(letters: tuple[object, ...]) -> Life:
    """The life of a started actor."""
    post, watchdog, notes = PostOffice(), Box(), Notes()
    post.register("watchdog", watchdog)
    ref = Probe.start("a", post, notes)
    post.register("a", ref)
    for letter in letters:
        if letter == "stop":
            ref.stop(block=True, timeout=LONG_S)
        else:
            post.tell("a", letter)
    until(lambda: not ref.is_alive() or len(notes.heard) == len(letters), LONG_S)
    until(lambda: watchdog.told or not {"die", "die twice"} & {*notes.heard}, LONG_S)
    return _life(notes, watchdog, alive=ref.is_alive())


def pumped(letters: tuple[object, ...]) -> Life:
    """The same life under the pump."""
    pump, watchdog, notes = Pump(), Box(), Notes()
    pump.register("watchdog", watchdog)
    pump.register("a", Probe("a", pump, notes))
    for letter in letters:
        if letter == "stop":
            pump.run()
            pump.stop("a")
        else:
            pump.tell("a", letter)
    pump.run()
    return _life(notes, watchdog, alive=pump.is_alive("a"))


def _life(notes: Notes, watchdog: Box, *, alive: bool) -> Life:
    return notes.heard, notes.last_word, alive, [died.error for died in watchdog.told]


@pytest.mark.parametrize(
    "letters",
    [(1, 2, 3), (1, "die", 2, 3), (1, 2, "stop", 3), ("stop",), ("die",), ("die twice", 1)],
)
def test_pumped_life_is_the_lived_one(letters: tuple[object, ...]) -> None:
    assert pumped(letters) == lived(letters)


def test_pykka_is_pinned_and_its_hooks_are_as_the_pump_calls_them() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    asked = map(Requirement, filter(None, config["options"]["install_requires"].split("\n")))
    assert [str(each.specifier) for each in asked if each.name == "pykka"] == ["~=4.5"]
    hooks = (pykka.Actor._handle_receive, pykka.Actor._handle_failure, pykka.Actor._stop)
    assert [list(inspect.signature(hook).parameters) for hook in hooks] == [
        ["self", "message"],
        ["self", "exception_type", "exception_value", "traceback"],
        ["self"],
    ]


def test_every_started_actor_reads_from_the_queue_written_in_c() -> None:
    notes = Notes()
    Probe.start("a", PostOffice(), notes)
    assert notes.inbox is queue.SimpleQueue
    assert Actor.use_daemon_thread


def test_letter_told_in_between_is_served_after_those_before_it() -> None:
    pump, order = Pump(), list[str]()

    class Relay(Actor):
        def on_receive(self, message: str) -> None:
            order.append(f"{self.address}:{message}")
            if message == "first":
                self.post.tell("b", "passed on")

    for address in ("a", "b"):
        pump.register(address, Relay(address, pump))
    for address, message in (("a", "first"), ("b", "second"), ("a", "third")):
        pump.tell(address, message)
    pump.run()
    assert order == ["a:first", "b:second", "a:third", "b:passed on"]


def served(seed: int) -> list[tuple[str, int]]:
    """The order in which three inboxes of twenty letters are served."""
    pump, order = Pump(random.Random(seed)), list[tuple[str, int]]()

    class Scribe(Actor):
        def on_receive(self, message: int) -> None:
            order.append((self.address, message))

    for address in "abc":
        pump.register(address, Scribe(address, pump))
    for number in range(20):
        for address in "abc":
            pump.tell(address, number)
    pump.run()
    return order


def test_drawn_order_keeps_the_order_of_each_inbox() -> None:
    order = served(1)
    for address in "abc":
        assert [number for who, number in order if who == address] == list(range(20))


def test_drawn_order_is_another_for_another_seed_and_the_same_for_the_same() -> None:
    assert served(1) == served(1)
    assert served(1) != served(2)


def test_letter_to_all_reaches_who_has_several_addresses_once_under_the_pump_too() -> None:
    pump, notes, box = Pump(), Notes(), Box()
    scribe = Probe("bar:A", pump, notes)
    for address in ("bar:A", "bar:B"):
        pump.register(address, scribe)
    for address in ("bar:C", "barber", "bar:D"):
        pump.register(address, box)
    pump.tell_all("bar:", 1)
    pump.run()
    assert (notes.heard, box.told) == ([1], [1])


def test_letters_to_the_dead_are_counted_under_the_pump_too() -> None:
    pump = Pump()
    pump.register("watchdog", Box())
    pump.register("a", Probe("a", pump, Notes()))
    pump.tell("a", "die")
    pump.run()
    pump.tell("a", 1)
    pump.tell("nobody", 1)
    assert pump.dead_letters == {"a": 1, "nobody": 1}
