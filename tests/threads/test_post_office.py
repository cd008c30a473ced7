"""Letters to the living, the dead and the unknown, between real threads."""

import threading

import pytest

from actors.post_office import PostOffice
from messages.control import ActorDied
from tests.threads.probes import LONG_S, Box, Notes, Probe
from tests.waiting import until

pytestmark = pytest.mark.threads


def an_office() -> tuple[PostOffice, Box]:
    """A post office, and the box of its watchdog."""
    post, watchdog = PostOffice(), Box()
    post.register("watchdog", watchdog)
    return post, watchdog


def an_actor(post: PostOffice, address: str = "a", gate: threading.Event | None = None) -> Notes:
    """Start an actor under its address and return what it notes."""
    notes = Notes()
    post.register(address, Probe.start(address, post, notes, gate=gate))
    return notes


def test_letter_reaches_the_actor_in_a_thread_of_its_own() -> None:
    post, _ = an_office()
    notes = an_actor(post)
    post.tell("a", 1)
    until(lambda: notes.heard == [1], LONG_S)
    assert notes.thread != threading.get_ident()


def test_letter_to_nobody_is_counted() -> None:
    post, _ = an_office()
    post.tell("nobody", 1)
    post.tell("nobody", 2)
    assert post.dead_letters == {"nobody": 2}


def test_letter_to_the_dead_is_counted_and_raises_nothing_in_the_sender() -> None:
    post, watchdog = an_office()
    notes = an_actor(post)
    post.tell("a", "die")
    until(lambda: watchdog.told, LONG_S)
    post.tell("a", "too late")
    assert post.dead_letters == {"a": 1}
    assert notes.heard == ["die"]


def test_death_is_the_last_word_of_the_dead() -> None:
    post, watchdog = an_office()
    notes = an_actor(post)
    post.tell("a", "die")
    (died,) = until(lambda: watchdog.told, LONG_S)
    assert isinstance(died, ActorDied)
    assert (died.address, died.error) == ("a", "ValueError('die')")
    assert notes.last_word is None


def test_what_waited_in_the_inbox_of_the_dead_is_lost() -> None:
    post, watchdog = an_office()
    gate = threading.Event()
    notes = an_actor(post, gate=gate)
    for message in ("wait", "die", "lost"):
        post.tell("a", message)
    gate.set()
    until(lambda: watchdog.told, LONG_S)
    assert notes.heard == ["wait", "die"]


def test_address_means_the_newest_actor() -> None:
    post, _ = an_office()
    old, new = an_actor(post), an_actor(post)
    post.tell("a", 1)
    until(lambda: new.heard == [1], LONG_S)
    assert old.heard == []


def test_forgotten_address_is_nobodys() -> None:
    post, _ = an_office()
    box = Box()
    post.register("a", box)
    post.forget("a")
    post.tell("a", 1)
    assert (box.told, post.dead_letters) == ([], {"a": 1})


def test_letter_to_all_of_a_kind_passes_over_the_dead() -> None:
    post, watchdog = an_office()
    an_actor(post, "bar:A")
    boxes = {address: Box() for address in ("bar:B", "barber", "x")}
    for address, box in boxes.items():
        post.register(address, box)
    post.tell("bar:A", "die")
    until(lambda: watchdog.told, LONG_S)
    post.tell_all("bar:", 1)
    assert {address: box.told for address, box in boxes.items()} == {
        "bar:B": [1],
        "barber": [],
        "x": [],
    }
    assert post.dead_letters == {"bar:A": 1}


def test_letter_to_all_reaches_who_has_several_addresses_once() -> None:
    post, _ = an_office()
    box, other = Box(), Box()
    for address, owner in (("bar:A", box), ("bar:B", other), ("bar:C", box)):
        post.register(address, owner)
    post.tell_all("bar:", 1)
    assert (box.told, other.told) == ([1], [1])


def test_many_may_register_and_tell_at_once() -> None:
    post, _ = an_office()
    boxes = [Box() for _ in range(8)]
    start = threading.Barrier(len(boxes))

    def work(number: int) -> None:
        start.wait()
        for n in range(200):
            post.register(f"{number}:{n}", boxes[number])
            post.tell(f"{number}:{n}", n)

    threads = [
        threading.Thread(target=work, args=(n,))  # noqa: TID251 - the office must bear any thread
        for n in range(len(boxes))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert [box.told for box in boxes] == [list(range(200))] * len(boxes)
    assert not post.dead_letters


def test_unread_letters_of_an_actor_are_counted_and_of_nobody_else() -> None:
    post, _ = an_office()
    gate = threading.Event()
    notes = an_actor(post, gate=gate)
    for letter in ("wait", 1, 2):
        post.tell("a", letter)
    until(lambda: post.waiting("a") == 2, LONG_S)
    gate.set()
    until(lambda: notes.heard == ["wait", 1, 2], LONG_S)
    assert (post.waiting("a"), post.waiting("watchdog"), post.waiting("nobody")) == (0, 0, 0)


def test_depths_are_those_of_actors_with_all_bars_together() -> None:
    post, _ = an_office()
    gate = threading.Event()
    notes = an_actor(post, gate=gate)
    bar = post._boxes["a"]
    for address in ("bar:CALL", "bar:PUT", "bar:INDEX"):
        post.register(address, bar)
    post.forget("a")
    for letter in ("wait", 1, 2):
        post.tell("bar:PUT", letter)
    until(lambda: post.depths() == {"bar": 2}, LONG_S)
    gate.set()
    until(lambda: notes.heard == ["wait", 1, 2], LONG_S)
    assert post.depths() == {"bar": 0}
