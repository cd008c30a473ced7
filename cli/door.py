"""The command line: one function a command, each only hands its options on.

Exit codes: 0 done, 1 not clean, 2 usage, 3 not running or not proved flat, 4 the agent stands still
and was not ended, 10 day done, 11 interrupted and can go on, 70 escalated, 75 another agent holds
the state directory, 78 bad settings or input, 130 interrupted. A journal that is locked, or whose
disk fails, is 70 as well: the next try may succeed.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import asked, controls, deployed
from cli import doctor as doctors
from cli import drill as drills
from cli import exchange as exchanges
from cli import live as lives
from cli import order_drill as order_drills
from cli import record as recording
from cli import sandbox as sandboxes
from cli import status as statuses
from cli import swings as swinging
from cli.attach import ChildFailed
from cli.controls import STATE
from cli.options import ApiKey, Attach, Config, NoColor, StateDir
from cli.session import Locked
from cli.status import NotRunning
from domain.errors import (
    ConfigError,
    JournalDamaged,
    JournalError,
    JournalNewer,
    SutradharError,
)
from sandbox.params import SandboxParams

FAILED, USAGE, ESCALATED, LOCKED, BAD_CONFIG, INTERRUPTED = 1, 2, 70, 75, 78, 130

app = typer.Typer(
    help="Sutradhar sells NSE index options intraday through an OpenAlgo server, and is flat by "
    "15:15 IST. Start with `run.py sandbox`: no broker, no key, no risk.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

drill = typer.Typer(help="Play many short sessions with faults and print a scorecard.")
app.add_typer(drill, name="drill")

SANDBOX = SandboxParams()

Seed = Annotated[
    int | None,
    typer.Option(help="Random seed of the synthetic market.", show_default=str(SANDBOX.seed)),
]
Regime = Annotated[
    str | None,
    typer.Option(
        help="Kind of day: calm, trend, crash, expiry (the next one) or halt.",
        show_default=SANDBOX.market.regime,
    ),
]
Market = Annotated[
    str | None,
    typer.Option(
        help="Where prices come from: synthetic, tape, or openalgo: live ones of the OpenAlgo "
        "server of `run.py live`; orders stay on paper.",
        show_default=SANDBOX.market.source,
    ),
]
Tape = Annotated[
    Path | None, typer.Option(help="A recorded day, of ticks or one-minute bars: parquet or csv.")
]
Date = Annotated[
    str | None, typer.Option(help="Day to play, YYYY-MM-DD.", show_default=SANDBOX.date)
]
Days = Annotated[
    int, typer.Option(help="Trading days to play, each with its own market, one after another.")
]
Speed = Annotated[
    int | None, typer.Option(help="Market seconds in one of yours, 1 to 120.", show_default="1")
]
ControlPort = Annotated[
    int | None, typer.Option(help="Port of the control app (clock, truth, faults).")
]
Faults = Annotated[Path | None, typer.Option(help="Fault script, YAML.", show_default="none")]
Record = Annotated[
    Path | None, typer.Option(help="Folder to record what the feed delivers to, besides.")
]
StartPaused = Annotated[
    bool, typer.Option("--start-paused", help="Stand still until somebody subscribes.")
]
EndWithDay = Annotated[
    bool, typer.Option("--end-with-day", help="Leave after the close, once nobody calls.")
]
Stay = Annotated[
    bool,
    typer.Option("--stay", help="After the day sleep, and begin the next session by itself."),
]
DieWithParent = Annotated[
    bool, typer.Option("--die-with-parent", help="Leave when standard input ends.")
]


def _begin(default: str) -> Any:
    text = "Wall time the clock starts at, HH:MM."
    return typer.Option("--from", help=text, show_default=default)


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
def sandbox(  # noqa: PLR0913, PLR0917 - one argument an option
    speed: Annotated[
        str | None,
        typer.Option(
            help="Market seconds in one of yours, 1 to 120, or max: no sockets, virtual time.",
            show_default=str(SANDBOX.speed),
        ),
    ] = None,
    seed: Seed = None,
    market: Market = None,
    regime: Regime = None,
    tape: Tape = None,
    date: Date = None,
    begin: Annotated[str | None, _begin(SANDBOX.start_at)] = None,
    until: Annotated[str | None, typer.Option(help="Wall time of the force close, HH:MM.")] = None,
    faults: Faults = None,
    attach: Attach = None,
    api_key: ApiKey = None,
    state_dir: StateDir = None,
    summary: Annotated[Path | None, typer.Option(help="Write the summary there, JSON.")] = None,
    record: Record = None,
    config: Config = None,
    days: Days = 1,
    *,
    no_color: NoColor = False,
) -> int:
    """Play one session: paper exchange and agent, until it is proved flat."""
    options = asked.Options(
        speed=speed,
        seed=seed,
        market=market,
        regime=regime,
        tape=tape,
        date=date,
        begin=begin,
        until=until,
        faults=faults,
        attach=attach,
        api_key=api_key,
        state_dir=state_dir,
        summary=summary,
        record=record,
        config=config,
        days=days,
        color=_color(no_color),
    )
    return sandboxes.run(options)


@app.command()
def exchange(  # noqa: PLR0913, PLR0917 - one argument an option
    port: Annotated[int | None, typer.Option(help="REST port; 0 is any free one.")] = None,
    ws_port: Annotated[int | None, typer.Option(help="WebSocket port; 0 is any free one.")] = None,
    api_key: Annotated[str, typer.Option(help="The key that clients must send.")] = (
        exchanges.DEFAULT_KEY
    ),
    seed: Seed = None,
    market: Market = None,
    regime: Regime = None,
    tape: Tape = None,
    date: Date = None,
    begin: Annotated[str | None, _begin(SANDBOX.alone_at)] = None,
    speed: Speed = None,
    faults: Faults = None,
    state_dir: StateDir = None,
    control_port: ControlPort = None,
    control_token: Annotated[
        str, typer.Option(envvar="SUTRADHAR_CONTROL_TOKEN", help="Token for what changes things.")
    ] = "",
    config: Config = None,
    days: Days = 1,
    *,
    start_paused: StartPaused = False,
    end_with_day: EndWithDay = False,
    die_with_parent: DieWithParent = False,
    no_color: NoColor = False,
) -> int:
    """Open the paper exchange alone, speaking OpenAlgo's protocol."""
    options = exchanges.Options(
        port=port,
        ws_port=ws_port,
        api_key=api_key,
        seed=seed,
        market=market,
        regime=regime,
        tape=tape,
        date=date,
        begin=begin,
        speed=speed,
        faults=faults,
        state_dir=state_dir,
        control_port=control_port,
        control_token=control_token,
        config=config,
        wait=start_paused,
        ends_with_day=end_with_day,
        days=days,
        dies_with_parent=die_with_parent,
        color=_color(no_color),
    )
    return exchanges.run(options)


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
        color=_color(no_color),
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
) -> int:
    """Check everything a start needs; each line says pass or fail and what to do."""
    options = doctors.Options(
        ticks=ticks,
        symbol=symbol,
        deploy=deploy,
        state_dir=state_dir or STATE,
        config=config,
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
        color=_color(no_color),
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


def _color(no_color: bool) -> bool | None:
    return False if no_color else None


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
