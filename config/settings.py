"""Reads the settings of one run from every source and validates them once.

Whatever is wrong is told at once, a line each: key, value, where it was written, what is allowed.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config import addresses, checks, pack, sources, unknown
from config.effective import Profile, Settings
from config.groups import KeyParams, LogParams, OpenAlgoParams, StrategyChoice
from config.models import Leaf, leaves, model_of, value_of
from config.problems import Complaints
from domain import params as groups
from domain.alert_params import AlertParams, HeartbeatParams, TelegramParams
from domain.errors import ConfigError
from domain.lease_params import LeaseParams
from domain.page_params import PageParams

__all__ = ["GROUPS", "Reading", "Settings", "every_leaf", "load", "read", "survey"]

HERE = Path(__file__).parent

CHOICE = StrategyChoice()
GROUPS: Mapping[str, Any] = {
    "universe": groups.UniverseParams(),
    "session": groups.SessionParams(),
    "limits": groups.LimitParams(),
    "day": groups.DayParams(),
    "churn": groups.ChurnParams(),
    "watchdog": groups.WatchdogParams(),
    "feed": groups.FeedParams(),
    "bars": groups.BarParams(),
    "history": groups.HistoryParams(),
    "orders": groups.OrderParams(),
    "reconcile": groups.ReconcileParams(),
    "gate": groups.GateParams(),
    "guard": groups.GuardParams(),
    "protect": groups.ProtectParams(),
    "exit": groups.ExitParams(),
    "journal": groups.JournalParams(),
    "recover": groups.RecoverParams(),
    "broker": groups.BrokerParams(),
    "actors": groups.ActorParams(),
    "shutdown": groups.ShutdownParams(),
    "flatten": groups.FlattenParams(),
    "lease": LeaseParams(),
    "page": PageParams(),
    "alerts": AlertParams(),
    "telegram": TelegramParams(),
    "heartbeat": HeartbeatParams(),
    "openalgo": OpenAlgoParams(),
    "keys": KeyParams(),
    "log": LogParams(),
}
"""The groups of every run, with their defaults; rooms such as the sandbox bring their own."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings in effect, every source they came from, the strongest first, and every key."""

    settings: Settings
    layers: tuple[sources.Layer, ...]
    known: tuple[Leaf, ...]
    room_names: tuple[str, ...]


def load(
    profile: Profile,
    flags: Mapping[str, Any] | None = None,
    file: Path | None = None,
    env_file: Path = Path(".env"),
    rooms: Mapping[str, Any] | None = None,
) -> Settings:
    """Read and validate the settings of a run.

    The strongest source wins: `flags` (dotted keys of the command line), the environment,
    systemd's credentials, `env_file`, `file` (the operator's own YAML), the profile's YAML, what
    the surroundings show (a container), config/default.yaml, the defaults. `rooms` are further
    groups with their defaults, such as the sandbox's. The profile `live` needs an API key;
    `sandbox` brings its own server, so what the environment says of another is not read. Raises
    ConfigError with a line for every problem.
    """
    return read(profile, flags, file, env_file, rooms).settings


def read(
    profile: Profile,
    flags: Mapping[str, Any] | None = None,
    file: Path | None = None,
    env_file: Path = Path(".env"),
    rooms: Mapping[str, Any] | None = None,
) -> Reading:
    """Read the settings as `load` does, and keep what each source said."""
    reading, wrong = survey(profile, flags, file, env_file, rooms)
    if wrong:
        raise ConfigError(*wrong)
    return reading


def survey(
    profile: Profile,
    flags: Mapping[str, Any] | None = None,
    file: Path | None = None,
    env_file: Path = Path(".env"),
    rooms: Mapping[str, Any] | None = None,
) -> tuple[Reading, tuple[str, ...]]:
    """Read the settings as `read` does, and return what is wrong with them beside.

    Raises ConfigError if a value is none at all, so that there is nothing to show.
    """
    rooms = rooms or {}
    known = tuple(every_leaf(rooms))
    root = _root(rooms)
    kinds = {leaf.path: leaf.default for leaf in known}
    unused = "openalgo" if profile == "sandbox" else ""
    files = [*([file] if file else []), HERE / f"{profile}.yaml"]
    given = (
        sources.flags(root, flags or {}),
        sources.environment(root, kinds, unused),
        sources.credentials(root, unused),
        sources.dotenv(root, env_file, kinds, unused),
        *(sources.yaml_file(root, path) for path in files),
    )
    judged = addresses.verdict(given)
    strange = unknown.judge(os.environ, env_file, known)
    root.layers = (
        sources.aside(root, judged.aside),
        *given,
        *([] if unused else [sources.detection(root)]),
        sources.yaml_file(root, HERE / "default.yaml"),
    )
    complaints = Complaints(root.layers, known)
    try:
        model = root()
    except ValidationError as error:
        told = map(complaints.of_value, error.errors())
        raise ConfigError(*strange.refusals, *told) from None
    settings = replace(_settings(profile, model, rooms), notes=judged.notes)
    settings = replace(settings, warnings=(*strange.warnings, *checks.doubts(settings)))
    wrong = [complaints.of_key(path, text) for path, text in checks.check(settings)]
    reading = Reading(settings, root.layers, known, tuple(rooms))
    return reading, (*strange.refusals, *wrong)


def every_leaf(rooms: Mapping[str, Any]) -> Iterator[Leaf]:
    """Yield every key there is, those of a strategy without its index."""
    for name, example in {**GROUPS, "strategies": CHOICE, **rooms}.items():
        yield from leaves(example, (name,))


class _Root(BaseSettings):
    """What all sources are merged into."""

    model_config = SettingsConfigDict(strict=True, extra="forbid", frozen=True)
    layers: ClassVar[tuple[sources.Layer, ...]] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read our own sources instead of the usual ones."""
        del settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
        return cls.layers


def _root(rooms: Mapping[str, Any]) -> type[_Root]:
    definitions: dict[str, Any] = {}
    for name, example in {**GROUPS, **rooms}.items():
        inner = model_of(example)
        definitions[name] = (inner, Field(default_factory=inner))
    strategy = model_of(CHOICE)
    one = Annotated[tuple[strategy, ...], BeforeValidator(_only_one)]  # type: ignore[valid-type]  # built at run time
    definitions["strategies"] = (one, Field(default_factory=lambda: (strategy(),)))
    return create_model("Settings", __base__=_Root, **definitions)


def _only_one(value: Any) -> Any:
    """Turn the sources' mapping by index back into a tuple of exactly one strategy."""
    if not isinstance(value, dict | tuple) or not all(str(key).isdecimal() for key in value):
        return value
    if len(value) != 1:
        raise PydanticCustomError(
            "several",
            "{n} strategies are not allowed; allowed is exactly one: several at once come with a"
            " later version",
            {"n": len(value)},
        )
    return tuple(value.values()) if isinstance(value, dict) else value


def _settings(profile: Profile, model: BaseModel, rooms: Mapping[str, Any]) -> Settings:
    values = {name: value_of(example, getattr(model, name)) for name, example in GROUPS.items()}
    (chosen,) = model.strategies  # type: ignore[attr-defined]  # a model built at run time
    strategy = value_of(CHOICE, chosen)
    own = {name: getattr(chosen.limits, name) for name in chosen.limits.model_fields_set}
    limits = replace(values["limits"], **own)
    return Settings(
        profile=profile,
        **values,
        strategies=(replace(strategy, limits=limits),),
        rules=pack.load(),
        rooms=tuple(value_of(example, getattr(model, name)) for name, example in rooms.items()),
    )
