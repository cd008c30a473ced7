"""The commands that keep a state directory safe. `cli.door` takes them in."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import backup as backups
from cli.options import Config, StateDir

STATE = Path("state")

Out = Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")]
Secrets = Annotated[
    bool, typer.Option("--with-secrets", help="Put .env in as well: keep such a file locked away.")
]


def backup(
    out: Out, state_dir: StateDir = None, config: Config = None, *, with_secrets: Secrets = False
) -> int:
    """Copy journals, status and days into one file, also while the agent runs."""
    options = backups.Options(
        state_dir=state_dir or STATE, out=out, config=config, secrets=with_secrets
    )
    return backups.backup(options, sys.stdout)


def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")], state_dir: StateDir = None
) -> int:
    """Put a backup in the place of the journals; what it replaces is kept aside."""
    return backups.restore(file, state_dir or STATE, sys.stdout)


def add_to(app: typer.Typer) -> None:
    """Let a command line have these commands."""
    for command in (backup, restore):
        app.command()(command)
