"""`run.py doctor`: everything a start needs, looked at one by one, each line with its remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cli import alert_checks, checks, deployed, host_checks, local_checks, market_checks
from cli.findings import Check, examine
from cli.ticking import print_ticks
from cli.visit import Visit
from config import log as logs
from config.groups import LogParams
from config.settings import load
from domain.errors import ConfigError

GOOD, BAD = 0, 1

MEETING: tuple[Check[Visit], ...] = (
    Check("settings", local_checks.settings),
    Check("server", checks.server, ("settings",)),
    Check("key", checks.key, ("server",)),
)
"""What must be right before anything can be asked."""

CHECKS: tuple[Check[Visit], ...] = (
    *MEETING,
    Check("mode", checks.mode, ("key",)),
    Check("order mode", checks.order_mode, ("key",)),
    Check("clock", checks.clock_skew, ("key",)),
    Check("ntp", host_checks.ntp),
    Check("calendar", checks.calendar, ("key",)),
    Check("broker", checks.broker, ("key",)),
    Check("contracts", market_checks.contracts, ("broker",)),
    Check("funds", checks.funds, ("contracts",)),
    Check("history", market_checks.history, ("broker",)),
    Check("ticks", market_checks.ticks, ("broker",)),
    Check("backup", market_checks.backup, ("settings",)),
    Check("rules", local_checks.rules, ("settings",)),
    Check("page", host_checks.page, ("settings",)),
    Check("alerts", alert_checks.told, ("settings",)),
    Check("disk", local_checks.disk),
    Check("log", local_checks.logfile, ("settings",)),
    Check("journal", local_checks.journal, ("disk",)),
    Check("latches", local_checks.latches, ("journal",)),
    Check("sessions", local_checks.sessions, ("settings",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; with `ticks` and `symbol` prices are printed instead.

    `deploy` looks at what was deployed, not at what a start needs. `alert`: who is told of alarms
    gets a test.
    """

    ticks: int | None = None
    symbol: str | None = None
    state_dir: Path = Path("state")
    config: Path | None = None
    deploy: deployed.Form | None = None
    alert: bool = False


def run(options: Options, out: TextIO) -> int:
    """Print what is found, or the prices asked for; return 0 if nothing failed, else 1.

    Raises ConfigError for options that make no sense, or a symbol that the server does not know.
    """
    wanted = _wanted(options)
    redactor = logs.Redactor()
    logs.setup(redactor, LogParams(level="ERROR"))
    # What was deployed is asked for nothing that needs the key, which who deploys may not have.
    flags = {"openalgo.api_key": "not-asked-for"} if options.deploy else {}
    visit = Visit(options.state_dir, lambda: load("live", flags, options.config), redactor)
    visit.sends_test = options.alert
    looked_at = deployed.DEPLOYED[options.deploy] if options.deploy else CHECKS

    def tell(line: str) -> None:
        print(redactor.clean(line), file=out, flush=True)

    try:
        is_good = _ticks(visit, *wanted, tell) if wanted else examine(looked_at, visit, tell)
    finally:
        if visit.asker is not None:
            visit.asker.close()
    return GOOD if is_good else BAD


def _wanted(options: Options) -> tuple[str, int] | None:
    """Return the symbol and number of prices to print, None for a whole visit."""
    if options.ticks is None and options.symbol is None:
        return None
    if options.ticks is None:
        raise ConfigError(f"{options.symbol}: a symbol is for --ticks; write --ticks N SYMBOL")
    if options.symbol is None or options.ticks < 1:
        raise ConfigError(
            f"--ticks {options.ticks} {options.symbol or ''}".rstrip()
            + ": needs a number from 1 on and a symbol; write --ticks 10 NIFTY"
        )
    return options.symbol, options.ticks


def _ticks(visit: Visit, symbol: str, count: int, tell: Callable[[str], None]) -> bool:
    """Print prices; of the checks before it only what failed is said."""
    found: list[str] = []
    if not examine(MEETING, visit, found.append):
        for line in found:
            tell(line)
        return False
    return print_ticks(visit, symbol, count, tell)
