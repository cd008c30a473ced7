"""The commands that play on paper. `cli.door` takes them in."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import asked
from cli import exchange as exchanges
from cli import sandbox as sandboxes
from cli.options import ApiKey, Attach, Config, NoColor, Record, StateDir, color
from sandbox.params import SandboxParams

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
ControlToken = Annotated[
    str, typer.Option(envvar="SUTRADHAR_CONTROL_TOKEN", help="Token for what changes things.")
]
Faults = Annotated[Path | None, typer.Option(help="Fault script, YAML.", show_default="none")]
StartPaused = Annotated[
    bool, typer.Option("--start-paused", help="Stand still until somebody subscribes.")
]
EndWithDay = Annotated[
    bool, typer.Option("--end-with-day", help="Leave after the close, once nobody calls.")
]
DieWithParent = Annotated[
    bool, typer.Option("--die-with-parent", help="Leave when standard input ends.")
]


def _begin(default: str) -> Any:
    text = "Wall time the clock starts at, HH:MM."
    return typer.Option("--from", help=text, show_default=default)


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
        color=color(no_color),
    )
    return sandboxes.run(options)


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
    control_token: ControlToken = "",
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
        color=color(no_color),
    )
    return exchanges.run(options)


def add_to(app: typer.Typer) -> None:
    """Let a command line have these commands."""
    for command in (sandbox, exchange):
        app.command()(command)
