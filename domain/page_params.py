"""The settings of the HTTP page; the rules are those of `domain.params`."""

from dataclasses import dataclass
from typing import Annotated

from domain.params import Between, Shaped


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParams:
    """Where the agent answers by HTTP: probes, state, metrics, levers. Port 0 is any free one.

    Off the loopback it needs a token. `host_names` are the names it is reached by through a proxy.
    Whoever reads more than `requests_per_s` times, the probes left out, is told to wait.
    """

    on: bool = True
    host: Annotated[
        str, Shaped(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:]{2,45}", "an address of this machine")
    ] = "127.0.0.1"
    port: Annotated[int, Between(0, 65_535)] = 8501
    host_names: tuple[Annotated[str, Shaped(r"[A-Za-z0-9._-]{1,253}", "a host name")], ...] = ()
    connections: Annotated[int, Between(4, 256)] = 32
    requests_per_s: Annotated[int, Between(1, 1000)] = 50
