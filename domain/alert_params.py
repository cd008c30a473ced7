"""The settings of alerts, Telegram commands and the heartbeat; the rules are `domain.params`'."""

from dataclasses import dataclass
from typing import Annotated, Literal

from domain.params import Between, Shaped

_API = r"https://[^\s/]+|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertParams:
    """Who is told of alarms is in `keys.alert_urls`; nobody, if that is empty.

    `name` begins each message. Alarms below `least` are not told. What comes within `gather_s` is
    one message; without anything critical the next one waits for `gap_s`. Of what cannot be sent
    the newest `queue` messages are kept and tried again.
    """

    on: bool = True
    name: Annotated[str, Shaped(r"[A-Za-z0-9 ._()-]{1,32}", "a short name")] = "Sutradhar"
    least: Literal["info", "warning", "critical"] = "info"
    gather_s: Annotated[int, Between(0, 60)] = 3
    gap_s: Annotated[int, Between(0, 600)] = 30
    queue: Annotated[int, Between(1, 1000)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramParams:
    """Commands by Telegram: off without `keys.telegram_token` and `chat_id`, the one chat obeyed.

    `poll_s` is how long the server may keep a question for commands open.
    """

    on: bool = True
    chat_id: Annotated[str, Shaped(r"(-?[0-9]{1,20})?", "the number of a chat, or nothing")] = ""
    api_url: Annotated[
        str, Shaped(_API, "an address as https://host, or http:// of this machine")
    ] = "https://api.telegram.org"
    poll_s: Annotated[int, Between(1, 50)] = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatParams:
    """How often `keys.heartbeat_url` is called while the agent is healthy; off without it.

    Both are real time, for whoever misses the call goes by a clock of his own.
    """

    on: bool = True
    every_s: Annotated[int, Between(5, 600)] = 60
    timeout_s: Annotated[int, Between(1, 60)] = 10
