"""What an operator or his scripts ask for by hand: levers and the day. `cli.door` takes them in."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import configuration, levers
from cli import day as days
from cli import failed as failures
from cli import flatten as flattening
from cli import reconcile as reconciling
from cli.configuration import Whose
from cli.options import ApiKey, Attach, Config, NoColor, StateDir
from cli.reach import Where
from cli.version import told
from domain.levers import Lever

STATE = Path("state")


def freeze(state_dir: StateDir = None) -> int:
    """Enter nothing more: entries end, stops stay, exits go on. Latched until `resume`."""
    return levers.pull(state_dir or STATE, Lever.FREEZE, sys.stdout)


def resume(state_dir: StateDir = None) -> int:
    """Take FREEZE down: entries may go on. The same as `clear --latch FREEZE`."""
    return levers.pull(state_dir or STATE, Lever.CLEAR, sys.stdout, "FREEZE")


def halt(state_dir: StateDir = None) -> int:
    """Send nothing at all, not even an exit, and go on reading. Latched until it is cleared."""
    return levers.pull(state_dir or STATE, Lever.HALT, sys.stdout)


def clear(
    latch: Annotated[str, typer.Option(help="Its name, as `status` shows it.")],
    state_dir: StateDir = None,
) -> int:
    """Take a latch down, once what raised it is gone."""
    return levers.pull(state_dir or STATE, Lever.CLEAR, sys.stdout, latch)


def ack_foreign(state_dir: StateDir = None) -> int:
    """Say that the orders that are not the agent's own are known: entries may go on."""
    return levers.pull(state_dir or STATE, Lever.ACK_FOREIGN, sys.stdout)


def flatten(  # noqa: PLR0913 - one argument an option
    state_dir: StateDir = None,
    attach: Attach = None,
    api_key: ApiKey = None,
    config: Config = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(help="Without a journal: a short to buy back; may be given again."),
    ] = None,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="End a running agent that makes no progress.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    no_color: NoColor = False,
) -> int:
    """Cancel entries, leave every short, prove the book flat; also with the agent dead."""
    where = Where(folder=state_dir or STATE, attach=attach, api_key=api_key, config=config)
    color = False if no_color else None
    options = flattening.Options(
        where=where, symbols=tuple(symbol or ()), force=force, dry_run=dry_run, color=color
    )
    return flattening.run(options, sys.stdout)


def reconcile(
    state_dir: StateDir = None,
    attach: Attach = None,
    api_key: ApiKey = None,
    config: Config = None,
) -> int:
    """Read the broker's books now and compare them with the journal."""
    where = Where(folder=state_dir or STATE, attach=attach, api_key=api_key, config=config)
    return reconciling.run(where, sys.stdout)


def config(
    profile: Annotated[Whose, typer.Option(help="Whose settings.")] = Whose.LIVE,
    config: Config = None,
    *,
    changed: Annotated[bool, typer.Option(help="Only what is not the default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> int:
    """Show the settings in effect and where each comes from; secrets masked."""
    return configuration.show(profile, config, sys.stdout, as_json=as_json, changed=changed)


def day(
    date: Annotated[
        str | None, typer.Option(help="Another day, YYYY-MM-DD.", show_default="today in India")
    ] = None,
    *,
    deploy: Annotated[
        bool,
        typer.Option("--deploy", help="Ask whether the agent may be deployed now: exit 0 or 1."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> int:
    """Say whether a day is traded, by the dated rules alone: exit 0 if so, 10 if not."""
    return days.run(days.Options(date=date, deploy=deploy, json=as_json), sys.stdout)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(told())
        raise typer.Exit


def _main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print version and commit.", callback=_tell_version, is_eager=True
        ),
    ] = False,
) -> None:
    del version


def failed(
    unit: Annotated[str, typer.Argument(help="The unit that failed.")], state_dir: StateDir = None
) -> int:
    """Tell people that systemd has given up on a unit; OnFailure= calls this."""
    return failures.run(failures.Options(unit=unit, state_dir=state_dir or STATE))


def add_to(app: typer.Typer) -> None:
    """Give an app these commands, and what it says of itself."""
    app.callback()(_main)
    for command in (
        freeze,
        resume,
        flatten,
        halt,
        clear,
        ack_foreign,
        reconcile,
        config,
        day,
        failed,
    ):
        app.command(command.__name__.replace("_", "-"))(command)
