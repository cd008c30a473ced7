"""The groups of settings that are not part of the pure core: the server and the strategies."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import SecretStr

from domain.params import Between, LimitParams, Shaped, SwingBreakParams, Wall

STREAM_PORT = 8765

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlgoParams:
    """The OpenAlgo server. `host` may begin with https://; no `ws_url` means port 8765 of `host`.

    `paper_trading` is what we expect of the server: its analyzer mode must agree, or nothing
    starts. The key comes from the environment, never from a YAML file.
    """

    host: Annotated[
        str,
        Shaped(
            r"(https?://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]+\])",
            "a host name or address, with https:// if need be, without port",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Between(1, 65_535)] = 5000
    ws_url: Annotated[
        str, Shaped(r"(wss?://[^\s/]+\S*)?", "an address as ws://host:port, or nothing")
    ] = ""
    paper_trading: bool = True
    api_key: SecretStr = field(default_factory=lambda: SecretStr(""))

    @property
    def rest_url(self) -> str:
        """Where REST calls go, without a path."""
        return f"{self.host if '://' in self.host else f'http://{self.host}'}:{self.port}"

    @property
    def stream_url(self) -> str:
        """Where the WebSocket is."""
        scheme, _, host = self.rest_url.rpartition(":")[0].partition("://")
        return self.ws_url or f"{'wss' if scheme == 'https' else 'ws'}://{host}:{STREAM_PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyChoice:
    """One strategy: which plug-in, under which tag, when it may enter and with what.

    `tag` names its orders, books and log lines. `limits` not given here are the global ones.
    """

    use: Literal["swing_break"] = "swing_break"
    tag: Annotated[str, Shaped(r"[A-Za-z0-9_]{1,32}", "1 to 32 letters, digits and _")] = (
        "sutradhar"
    )
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    from_: Wall = "09:16"
    to: Wall = "15:10"
    enabled: bool = True
    limits: LimitParams = field(default_factory=LimitParams)
    params: SwingBreakParams = field(default_factory=SwingBreakParams)
