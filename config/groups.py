"""The groups of settings that are not part of the pure core: the server and the strategies."""

from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from domain.params import Between, LimitParams, Shaped, SwingBreakParams, Wall

STREAM_PORT = 8765

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


_HOST = r"(https?://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:]+\])"


NONE = SecretStr("")

BasicAuth = Annotated[SecretStr, Shaped(r"([!-9;-~]+:[ -~]+)?", "user:password, or nothing")]
Token = Annotated[
    SecretStr, Shaped(r"([!-~]{32,256})?", "32 to 256 visible ASCII characters, or nothing")
]


def _has_good_port(url: str) -> bool:
    """Whether an address names no port, or one there can be."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port is None or port > 0


_PLACE = r"[^\s/?#@]+(/[^\s?#@]*)?"
Url = Annotated[
    str,
    Shaped(
        f"(https?://{_PLACE})?",
        "an address as https://host or https://host/path, without /api/v1, or nothing; user and"
        " password belong into OPENALGO_BASIC_AUTH_FILE",
        lambda text: not text.rstrip("/").endswith("/api/v1") and _has_good_port(text),
    ),
]
WsUrl = Annotated[
    str,
    Shaped(
        f"(wss?://{_PLACE})?",
        "an address as ws://host:port or wss://host/ws, or nothing",
        _has_good_port,
    ),
]
File = Annotated[str, Shaped(r"[^\x00-\x1f]*", "a path of a file, or nothing")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupParams:
    """A second OpenAlgo server with another broker, for prices alone; without `host` there is none.

    Orders never go there. Its keys mean what those of the first server mean. It has a key of its
    own, from the environment.
    """

    url: Url = ""
    host: Annotated[
        str,
        Shaped(f"({_HOST})?", "a host name or address, with https:// if need be, or nothing"),
    ] = ""
    port: Annotated[int, Between(1, 65_535)] = 5000
    ws_url: WsUrl = ""
    ca_file: File = ""
    api_key: SecretStr = NONE
    basic_auth: BasicAuth = NONE

    @property
    def is_set(self) -> bool:
        """Whether there is such a server."""
        return bool(self.url or self.host or self.ws_url)

    @property
    def rest_url(self) -> str:
        """Where its REST calls would go, without /api/v1."""
        return _rest_url(self.url, self.host, self.port)

    @property
    def stream_url(self) -> str:
        """Where its WebSocket is."""
        return self.ws_url or _stream_url(self.url, self.rest_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlgoParams:
    """The OpenAlgo server. `url` (https://host/path) stands for `host` and `port` together.

    No `ws_url` means /ws below an https `url`, else port 8765 of the host. `ca_file` names the
    certificate authorities to trust instead of the system's. `paper_trading` is what we expect of
    the server: its analyzer mode must agree, or nothing starts. The key comes from the environment,
    never from a YAML file.
    """

    url: Url = ""
    host: Annotated[
        str,
        Shaped(
            _HOST,
            "a host name or address, with https:// if need be, without port",
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Between(1, 65_535)] = 5000
    ws_url: WsUrl = ""
    ca_file: File = ""
    paper_trading: bool = True
    api_key: SecretStr = NONE
    basic_auth: BasicAuth = NONE
    backup: BackupParams = field(default_factory=BackupParams)

    @property
    def rest_url(self) -> str:
        """Where REST calls go, without /api/v1."""
        return _rest_url(self.url, self.host, self.port)

    @property
    def stream_url(self) -> str:
        """Where the WebSocket is."""
        return self.ws_url or _stream_url(self.url, self.rest_url)


def _rest_url(url: str, host: str, port: int) -> str:
    return url.rstrip("/") or f"{host if '://' in host else f'http://{host}'}:{port}"


def _stream_url(url: str, rest_url: str) -> str:
    """Return where a server's stream is: a `url` with https is a proxy, and /ws is its custom."""
    if url.startswith("https://"):
        return f"wss{rest_url.removeprefix('https')}/ws"
    parts = urlsplit(rest_url)
    host = parts.netloc.removesuffix(f":{parts.port}")
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{host}:{STREAM_PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyParams:
    """Secrets that are not the server's: who may see and move what, and who is told of alarms.

    They come from the environment, a 0600 file or a systemd credential, never from a YAML file.
    """

    control_token: Token = NONE
    read_token: Token = NONE
    alert_urls: Annotated[
        SecretStr,
        Shaped(
            r"(\s*[A-Za-z][A-Za-z0-9+.-]*://\S+)*\s*",
            "addresses as scheme://..., a space or a line end between two, or nothing",
        ),
    ] = NONE
    telegram_token: Annotated[
        SecretStr, Shaped(r"([0-9]+:[A-Za-z0-9_-]{16,})?", "a bot's token, or nothing")
    ] = NONE
    heartbeat_url: Annotated[
        SecretStr, Shaped(r"(https?://\S+)?", "an address as https://..., or nothing")
    ] = NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class LogParams:
    """What is logged from which level on, and into which file besides the terminal.

    The file is plain and without secrets; each midnight in India it is put aside with its date, and
    so many days are kept. `wire` adds every request and answer with its body, to the file alone.
    """

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    file: File = ""
    keep_days: Annotated[int, Between(1, 3650)] = 30
    wire: bool = False

    @property
    def on_screen(self) -> "LogParams":
        """The same without a file: of two processes only one may write it."""
        return LogParams(level=self.level)


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
