"""Policies known to be bad, each seen in the field, as small subclasses for the builder of a day.

The net is only worth something if it catches these (`testing.md` 5).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from actors.order import OrderActor
from actors.system import System
from broker.asks import HttpAnswer, HttpAsk
from cli.virtual import Parts
from domain.climb import Climb
from domain.desk import Desk
from domain.desk_exits import ExitDesk
from domain.desk_params import exit_terms
from domain.orders import Order
from domain.positions import Leg
from domain.protection import Protection
from domain.standing import Standing
from domain.units import SECOND, Micros
from tests.worlds import LateWorld

Change = Callable[[Desk], None]


class NoStop(ExitDesk):
    """A fill is enough of an achievement: nothing protects it."""

    def _protect(self, leg: Leg, at: Micros) -> None:
        del leg, at


class StopForgotten(ExitDesk):
    """The stop is never placed, but all else is as it should be."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.protection = _Forgetful(self.bearings)


class _Forgetful(Protection):
    def _place(self, leg: Leg, placed: list[Order], units: int, at: Micros) -> str:
        del leg, placed, units, at
        return ""


class NoPatience(ExitDesk):
    """A cancel that was sent is a cancel: the cover goes out beside the order it replaces."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.climb = _Impatient(self.bearings)


class _Impatient(Climb):
    def _is_free(self, leg: Leg, at: Micros) -> bool:
        del at
        live = self._b.ledger.exits(leg.leg)
        return all(order.pending.name.startswith("CANCEL") for order in live)


class NoCancel(ExitDesk):
    """The cover is what matters: the stop it replaces is left alone."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.climb = _Careless(self.bearings)

    def _finish(self, leg: Leg, at: Micros) -> None:
        del leg, at


class _Careless(Climb):
    def _leave(self, leg: Leg, order: Order, at: Micros) -> None:
        del leg, order, at

    def _is_free(self, leg: Leg, at: Micros) -> bool:
        del at
        live = list(self._b.ledger.exits(leg.leg))
        return all(order.ticket.trigger for order in live)


class OneMoment(Standing):
    """A quarter past three is a moment: who was not there has missed it."""

    def is_closing(self, at: Micros) -> bool:
        return at // SECOND == self._plan.force_close // SECOND


class AskAgain(LateWorld):
    """An order that was not answered was not placed: it is placed again, up to three times."""

    def _carry(self, ask: HttpAsk, then: Callable[[HttpAnswer], None], tries: int = 3) -> None:
        def heard(answer: HttpAnswer) -> None:
            if answer.fault is not None and ask.route == "placeorder" and tries > 1:
                self._carry(ask, then, tries - 1)
            else:
                then(answer)

        super()._carry(ask, heard)


def exits(kind: type[ExitDesk]) -> Parts:
    """Parts whose order actor leaves positions by another policy."""

    def change(desk: Desk) -> None:
        desk.exits = kind(desk.blotter, desk.memory, exit_terms(desk._params))

    return Parts(system=partial(_ChangedSystem, change=change))


def standing(kind: type[Standing]) -> Parts:
    """Parts whose order actor judges its standing by another policy."""

    def change(desk: Desk) -> None:
        desk.standing.__class__ = kind

    return Parts(system=partial(_ChangedSystem, change=change))


class _ChangedOrderActor(OrderActor):
    def __init__(self, *args: Any, change: Change, **more: Any) -> None:
        super().__init__(*args, **more)
        self._change = change

    def _begin(self, at: Micros) -> None:
        super()._begin(at)
        self._change(self._desk)


class _ChangedSystem(System):
    def __init__(self, *args: Any, change: Change) -> None:
        super().__init__(*args)
        order = self._makers["order"]
        changed = partial(_ChangedOrderActor, *order.args, **order.keywords, change=change)
        self._makers = {**self._makers, "order": changed}
