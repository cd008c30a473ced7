"""Options that several commands have, as typer reads them."""

from pathlib import Path
from typing import Annotated

import typer

from cli.exchange import DEFAULT_KEY

Attach = Annotated[str | None, typer.Option(help="HOST:PORT of an exchange that is already open.")]
StateDir = Annotated[Path | None, typer.Option(help="Where journal, truth and log are kept.")]
Config = Annotated[Path | None, typer.Option(help="Your own settings, YAML.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="Plain log lines.")]
ApiKey = Annotated[
    str | None,
    typer.Option(help="With --attach: the key of that exchange.", show_default=DEFAULT_KEY),
]
Record = Annotated[
    Path | None, typer.Option(help="Folder to record what the feed delivers to, besides.")
]


def color(no_color: bool) -> bool | None:
    """Return whether log lines are coloured; None leaves it to the terminal."""
    return False if no_color else None
