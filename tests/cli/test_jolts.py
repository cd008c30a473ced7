"""A jump of the clock reaches whoever judges how old prices are, ahead of the time after it."""

from functools import partial

import pytest

from cli.jolts import Jolts
from domain import clock
from domain.units import SECOND, Micros
from messages.control import ClockJumped
from tests.actors.fakes import RecordingPost, To
from tests.domain.tape import at


def test_waking_is_told_once_to_all_who_go_by_what_was(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = {"wall": at("10:00"), "steady": Micros(7), "now": at("12:00")}
    for name in tuple(readings):
        monkeypatch.setattr(clock, name, partial(readings.__getitem__, name))
    post = RecordingPost()
    jolts = Jolts(post)
    jolts.look()
    readings |= {"wall": at("10:10"), "steady": Micros(7 + SECOND), "now": at("12:10")}
    jolts.look()
    reason = "the clock jumped by 599.0 s"
    jumped = ClockJumped(at=at("12:10"), since=at("12:00"), reason=reason)
    assert post.take() == [To(address, jumped) for address in ("feed", "watchdog", "order")]
    jolts.look()
    assert post.take() == []
