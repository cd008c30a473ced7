"""Reads the dated market rules from their files."""

from functools import cache
from pathlib import Path

from config import documents
from domain.errors import ConfigError
from domain.rules import RulePack
from domain.rules.reading import build

RULES = Path(__file__).parent / "rules"
FILES = ("contracts.yaml", "orders.yaml", "charges.yaml", "sessions.yaml", "brokers.yaml")


@cache
def load(folder: Path = RULES) -> RulePack:
    """Read the pack from `folder`, once per process.

    Raises ConfigError with a line for every fault.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ConfigError(*(f"{folder / name}: is missing; restore it" for name in missing))
    return build({name: documents.read(folder / name) for name in FILES})
