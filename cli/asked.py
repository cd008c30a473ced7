"""What `run.py sandbox` was asked for: its options, and the refusal of what cannot be."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cli.exchange import DEFAULT_KEY, check_key, source_of
from config import log as logs
from config.settings import Settings, load
from domain.errors import ConfigError
from domain.session import DayPlan, instant, show
from domain.units import MINUTE, Micros
from sandbox.params import SandboxParams

RUN = Path(__file__).parent.parent / "run.py"
MAX = "max"

EARLY = Micros(15 * MINUTE)
"""How long before the open a day may begin."""

_ADDRESS = re.compile(r"[A-Za-z0-9._-]{1,253}:[0-9]{1,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None leaves it to the settings."""

    speed: str | None = None
    seed: int | None = None
    market: str | None = None
    regime: str | None = None
    tape: Path | None = None
    date: str | None = None
    begin: str | None = None
    until: str | None = None
    faults: Path | None = None
    attach: str | None = None
    api_key: str | None = None
    state_dir: Path | None = None
    summary: Path | None = None
    record: Path | None = None
    config: Path | None = None
    color: bool | None = None
    days: int = 1
    run: Path = RUN

    def flags(self) -> Mapping[str, object]:
        """Return what overrides the settings, by dotted key."""
        wanted: dict[str, object] = {
            "sandbox.seed": self.seed,
            "sandbox.market.regime": self.regime,
            "sandbox.market.source": source_of(self.market, self.tape),
            "sandbox.tape.file": str(self.tape) if self.tape else None,
            "sandbox.date": self.date,
            "sandbox.start_at": self.begin,
            "sandbox.faults": str(self.faults) if self.faults else None,
            "session.force_close": self.until,
        }
        if self.speed is not None and self.speed != MAX:
            wanted["sandbox.speed"] = _speed(self.speed)
        return {key: value for key, value in wanted.items() if value is not None}

    def of_exchange(self) -> list[str]:
        """Return what says how the exchange plays, as words of the command line."""
        return words({**self.of_market(), "--market": self.market, "--faults": self.faults})

    def of_market(self) -> dict[str, object]:
        """Return what says which day is played and how fast, by option; None is not said."""
        return {
            "--speed": self.speed,
            "--seed": self.seed,
            "--regime": self.regime,
            "--tape": self.tape,
            "--date": self.date,
            "--from": self.begin,
        }

    def of_agent(self) -> list[str]:
        """Return what says how the agent plays, as words of the command line."""
        days = None if self.days == 1 else self.days
        of_day = {"--until": self.until, "--days": days}
        return words({**of_day, "--config": self.config, "--record": self.record})


def settings(options: Options) -> Settings:
    """Return the settings; a paper exchange is in the mode its own profile says."""
    settings = load("sandbox", options.flags(), options.config, rooms={"sandbox": SandboxParams()})
    is_paper = settings.room(SandboxParams).profile == "analyze"
    return replace(settings, openalgo=replace(settings.openalgo, paper_trading=is_paper))


def folder(options: Options) -> Path:
    """Return the state directory: the one named, or a fresh one."""
    if options.state_dir is not None:
        return options.state_dir
    home = Path("state")
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="sandbox-", dir=home))
    except OSError as error:
        raise ConfigError(
            f"folder {home.resolve()}: cannot be written ({error.strerror}); "
            "name another one with --state-dir"
        ) from error


def redactor(options: Options, settings: Settings) -> logs.Redactor:
    """Return what hides our own secrets, and the key of an exchange that somebody else started."""
    is_secret = options.api_key not in {None, DEFAULT_KEY}
    return logs.Redactor(*settings.secrets(), *[options.api_key or ""] * is_secret)


def check_attach(options: Options) -> None:
    """Refuse an exchange that cannot be meant, and what only an exchange of our own could do."""
    if options.attach is None:
        if options.api_key is not None:
            raise ConfigError("--api-key: is for --attach; an exchange of our own has its own key")
        return
    if options.api_key is not None:
        check_key(options.api_key)
    if options.speed == MAX:
        raise ConfigError("--speed max: there is no exchange to attach to; leave --attach out")
    if not _ADDRESS.fullmatch(options.attach):
        raise ConfigError(
            f"--attach {options.attach}: is no address; allowed is HOST:PORT as `run.py exchange` "
            "prints it, such as 127.0.0.1:5000"
        )
    own = [word for word in options.of_exchange() if word.startswith("--")]
    if own:
        raise ConfigError(
            f"{', '.join(own)}: with --attach the exchange is what it was started as; leave it out "
            "or give it to `run.py exchange`"
        )
    if options.state_dir is None:
        raise ConfigError("--attach: needs --state-dir, the folder the exchange was given")


def check_begin(options: Options, planned: DayPlan) -> None:
    """Refuse a start at which there is nothing to trade; before the open there may be time."""
    if options.begin is None:
        return
    at = instant(planned.day, options.begin)
    earliest = Micros(planned.open - EARLY)
    if not earliest <= at < planned.close:
        raise ConfigError(
            f"--from {options.begin}: lies outside the session of {planned.day}; allowed is "
            f"{show(earliest)} to {show(planned.close)}"
        )
    if options.until is not None and at >= planned.force_close:
        raise ConfigError(
            f"--from {options.begin}: is not before the force close, {show(planned.force_close)} "
            f"by --until {options.until}; name an earlier start or a later end"
        )


def words(given: Mapping[str, object]) -> list[str]:
    """Return options as words of a command line; None is not given."""
    return [text for key, value in given.items() if value is not None for text in (key, str(value))]


def _speed(text: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"--speed {text}: allowed is a whole number from 1 to 120, or {MAX}")
    return int(text)
