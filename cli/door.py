"""The command line: one function a command, each only hands its options on.

Exit codes: 0 done, 1 not clean, 2 usage, 3 not running or not proved flat, 4 the agent stands still
and was not ended, 10 day done, 11 interrupted and can go on, 70 escalated, 75 another agent holds
the state directory, 78 bad settings or input, 130 interrupted. A journal that is locked, or whose
disk fails, is 70 as well: the next try may succeed.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import controls, deployed, keeping, plays
from cli import doctor as doctors
from cli import drill as drills
from cli import live as lives
from cli import order_drill as order_drills
from cli import record as recording
from cli import status as statuses
from cli import swings as swinging
from cli.attach import ChildFailed
from cli.controls import STATE
from cli.options import Config, NoColor, Record, StateDir, color
from cli.session import Locked
from cli.status import NotRunning
from domain.errors import (
    ConfigError,
    JournalDamaged,
    JournalError,
    JournalNewer,
    SutradharError,
)

FAILED, USAGE, ESCALATED, LOCKED, BAD_CONFIG, INTERRUPTED = 1, 2, 70, 75, 78, 130

app = typer.Typer(
    help="Sutradhar sells NSE index options intraday through an OpenAlgo server, and is flat by "
    "15:15 IST. Start with `run.py sandbox`: no broker, no key, no risk.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

drill = typer.Typer(help="Play many short sessions with faults and print a scorecard.")
app.add_typer(drill, name="drill")
plays.add_to(app)

Stay = Annotated[
    bool,
    typer.Option("--stay", help="After the day sleep, and begin the next session by itself."),
]


def main() -> int:
    """Run one command and return its exit code. Errors a user can cause are one line each."""
    if len(sys.argv) < 2:
        app(["--help"], standalone_mode=False)
        return USAGE
    try:
        result = app(standalone_mode=False)
    except typer.TyperException as error:
        said = error.format_message().rstrip(".")
        print(f"error: {said}; see {_help(sys.argv[1])}", file=sys.stderr)
        return USAGE
    except SutradharError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return _code(error)
    if result == INTERRUPTED:  # what the library makes of Ctrl-C
        print("interrupted", file=sys.stderr)
    return result if isinstance(result, int) else 0


@app.command()
def live(
    state_dir: StateDir = None,
    config: Config = None,
    record: Record = None,
    *,
    stay: Stay = False,
    no_color: NoColor = False,
) -> int:
    """Trade today against an OpenAlgo server; with --stay one day after another.

    The environment or a file .env names it: OPENALGO_HOST, OPENALGO_PORT,
    OPENALGO_WS_URL, OPENALGO_API_KEY.

    PAPER_TRADING says what you expect of it: true its analyzer mode, false real
    orders. If the server disagrees, nothing starts.
    """
    options = lives.Options(
        state_dir=state_dir or STATE,
        config=config,
        record=record,
        stays=stay,
        color=color(no_color),
    )
    return lives.run(options)


@app.command()
def doctor(
    ticks: Annotated[
        int | None,
        typer.Option(metavar="N", help="Print N ticks of SYMBOL instead: --ticks 4 NIFTY."),
    ] = None,
    symbol: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="The symbol for --ticks.")
    ] = None,
    deploy: Annotated[
        deployed.Form | None,
        typer.Option(help="Check what was deployed instead: a systemd unit, or this container."),
    ] = None,
    state_dir: StateDir = None,
    config: Config = None,
    *,
    alert: Annotated[
        bool, typer.Option("--alert", help="Send a test to everybody who is told of alarms.")
    ] = False,
) -> int:
    """Check everything a start needs; each line says pass or fail and what to do."""
    options = doctors.Options(
        ticks=ticks,
        symbol=symbol,
        deploy=deploy,
        state_dir=state_dir or STATE,
        config=config,
        alert=alert,
    )
    return doctors.run(options, sys.stdout)


@app.command()
def record(
    state_dir: StateDir = None,
    config: Config = None,
    until: Annotated[
        str | None,
        typer.Option(help="Wall time to end at, HH:MM.", show_default="close of the session"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the recordings.", show_default="recordings in --state-dir"),
    ] = None,
    *,
    no_color: NoColor = False,
) -> int:
    """Record what the server's feed delivers, a Parquet file a day. Sends no order.

    The server is named as for `live`. The file is played by `sandbox --tape FILE`.
    """
    options = recording.Options(
        state_dir=state_dir or STATE,
        config=config,
        until=until,
        out=out,
        color=color(no_color),
    )
    return recording.run(options)


@drill.command("feed")
def drill_feed(
    sessions: Annotated[int, typer.Option(help="Quiet sessions, to count false alarms.")] = (
        drills.SESSIONS
    ),
    seeds: Annotated[int, typer.Option(help="Sessions of each fault.")] = drills.SEEDS,
    seed: Annotated[int, typer.Option(help="The first random seed.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes to play in.", show_default="one a core")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the scorecard there, JSON.")] = None,
) -> int:
    """Play market data faults on the paper exchange and print how the agent took them."""
    options = drills.Options(sessions=sessions, seeds=seeds, seed=seed, workers=workers, json=json)
    return drills.feed(options, sys.stdout)


@drill.command("orders")
def drill_orders(
    seeds: Annotated[int, typer.Option(help="How many sessions to play.")] = order_drills.SEEDS,
    seed: Annotated[int, typer.Option(help="The first random seed; each session has its own.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes to play in.", show_default="one a core")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures there, JSON.")] = None,
) -> int:
    """Play order faults and kills on the paper exchange and judge the agent on ground truth."""
    options = order_drills.Options(seeds=seeds, seed=seed, workers=workers, json=json)
    return order_drills.orders(options, sys.stdout)


@app.command()
def status(
    state_dir: StateDir = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> int:
    """Show what the agent last said of itself, also when it is dead."""
    return statuses.status(state_dir or STATE, sys.stdout, as_json=as_json)


@app.command()
def swings(
    bars: Annotated[Path, typer.Option(help="CSV: open,high,low,close,volume in rupees.")],
) -> int:
    """Print the swings of a day of one-minute bars, one JSON object a line."""
    return swinging.swings(bars, sys.stdout)


controls.add_to(app)
keeping.add_to(app)


def _help(word: str) -> str:
    """Return what says more: a command's own help, if the first word is one."""
    names = {
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    }
    names |= {each.name for each in app.registered_groups if isinstance(each.name, str)}
    return f"run.py {word} --help" if word in names else "run.py --help"


def _code(error: SutradharError) -> int:
    if isinstance(error, ChildFailed):
        return error.code
    if isinstance(error, Locked):
        return LOCKED
    if isinstance(error, NotRunning):
        return statuses.NOT_RUNNING
    if isinstance(error, ConfigError | JournalDamaged | JournalNewer):
        return BAD_CONFIG
    return ESCALATED if isinstance(error, JournalError) else FAILED
