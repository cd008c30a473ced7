"""ThreadStage: actors come to life, die, and say their last words within a deadline."""

import threading
from functools import partial

import pytest

from actors.post_office import PostOffice
from actors.stages import ThreadStage
from tests.threads.probes import LONG_S, Box, Notes, Probe
from tests.waiting import until

pytestmark = pytest.mark.threads


def a_stage() -> tuple[ThreadStage, PostOffice]:
    post = PostOffice()
    post.register("watchdog", Box())
    return ThreadStage(post), post


def test_actor_put_under_two_addresses_is_one_actor() -> None:
    stage, post = a_stage()
    notes = Notes()
    stage.put(("bar:A", "bar:B"), partial(Probe, "bar:A", post, notes))
    post.tell("bar:A", 1)
    post.tell("bar:B", 2)
    until(lambda: notes.heard == [1, 2], LONG_S)
    post.tell("bar:B", "die")
    until(lambda: not stage.is_alive("bar:A"), LONG_S)


def test_unknown_actor_is_not_alive_and_easily_stopped() -> None:
    stage, _ = a_stage()
    assert not stage.is_alive("a")
    assert stage.stop("a", 0.1)


def test_last_word_comes_after_all_that_was_told_before() -> None:
    stage, post = a_stage()
    gate, notes = threading.Event(), Notes()
    stage.put(("a",), partial(Probe, "a", post, notes, gate=gate))
    for letter in ("wait", 1, 2):
        post.tell("a", letter)
    gate.set()
    assert stage.stop("a", LONG_S)
    assert (notes.heard, notes.last_word) == (["wait", 1, 2], 3)
    assert not stage.is_alive("a")


def test_dead_actor_needs_no_stopping() -> None:
    stage, post = a_stage()
    stage.put(("a",), partial(Probe, "a", post, Notes()))
    post.tell("a", "die")
    until(lambda: not stage.is_alive("a"), LONG_S)
    assert stage.stop("a", 0.1)


def test_actor_that_hangs_is_told_of_and_left(caplog: pytest.LogCaptureFixture) -> None:
    stage, post = a_stage()
    gate = threading.Event()
    stage.put(("a",), partial(Probe, "a", post, Notes(), gate=gate))
    post.tell("a", "wait")
    assert not stage.stop("a", 0.2)
    assert "a did not stop within 0.2 s" in caplog.text
    gate.set()


def test_actor_put_again_takes_its_address_over() -> None:
    stage, post = a_stage()
    stage.put(("a",), partial(Probe, "a", post, Notes()))
    post.tell("a", "die")
    until(lambda: not stage.is_alive("a"), LONG_S)
    notes = Notes()
    stage.put(("a",), partial(Probe, "a", post, notes))
    assert stage.is_alive("a")
    post.tell("a", 1)
    until(lambda: notes.heard == [1], LONG_S)
