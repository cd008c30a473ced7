"""What the files of systemd and Docker are held against: options, rooms, times."""

import ast
import re

import typer

from cli import agent, door
from domain.params import ShutdownParams
from tests.shared import ROOT

PARKS_WITHIN_S = ShutdownParams().park_s + 3 * agent.STOP_S
"""The park time, and the three partings after it: actors, lanes, stream."""


def seconds_of(text: str) -> float:
    (number,) = re.fullmatch(r"(\d+)s?", text).groups()  # type: ignore[union-attr]  # or it fails
    return float(number)


def options_of(command: str) -> set[str]:
    commands = typer.main.get_command(door.app).commands  # type: ignore[attr-defined]  # a group
    return {option for param in commands[command].params for option in param.opts}


def imported_rooms() -> set[str]:
    """Return the top folders that run.py reaches by imports, wherever in a file they stand."""
    waiting, seen = [ROOT / "run.py"], set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                place = ROOT.joinpath(*name.split("."))
                found = (place.with_suffix(".py"), place / "__init__.py")
                waiting += [path for path in found if path.is_file()]
    return {file.relative_to(ROOT).parts[0] for file in seen} - {"run.py"}
