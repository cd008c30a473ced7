"""The settings the order desk goes by."""

from dataclasses import dataclass
from typing import Literal

from domain.bearings import ExitTerms
from domain.params import (
    DayParams,
    EntryParams,
    ExitParams,
    GateParams,
    GuardParams,
    LimitParams,
    OrderParams,
    ProtectParams,
    ReconcileParams,
    RecoverParams,
    StopParams,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskParams:
    """Every group of settings that decides about orders."""

    entry: EntryParams
    limits: LimitParams
    day: DayParams
    orders: OrderParams
    reconcile: ReconcileParams
    gate: GateParams
    guard: GuardParams
    protect: ProtectParams
    exit: ExitParams
    recover: RecoverParams
    stop: StopParams
    max_lots: int
    modify_qty: Literal["total", "remaining", "none"] = "total"
    underlying: str = "NIFTY"
    exit_modify: Literal["cancel_replace", "change_type"] = "cancel_replace"


def exit_terms(params: DeskParams) -> ExitTerms:
    """Return what the exits go by."""
    return ExitTerms(
        exits=params.exit,
        protect=params.protect,
        gate=params.gate,
        modify_qty=params.modify_qty,
        exit_modify=params.exit_modify,
    )
