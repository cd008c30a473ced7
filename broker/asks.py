"""What crosses between a script and the shell that carries it: one HTTP exchange, as values.

The shell is a lane's thread with a real socket (`broker/lanes.py`), or the simulated world.
"""

from enum import StrEnum

import msgspec

from domain.units import Micros


class Fault(StrEnum):
    """What went wrong below HTTP. CONNECT: nothing was sent; else it may have been."""

    CONNECT = "connect"
    TIMEOUT = "timeout"
    RESET = "reset"


class HttpAsk(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One POST to `/api/v1/<route>`. `body` is a JSON object without the API key.

    `retry` allows the shell to ask again after a failure that proves nothing: reads only.
    """

    route: str
    body: bytes
    retry: bool


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came back: a status and a body, or a fault and no status.

    `server_at` is the server's clock (the Date header, whole seconds), `retry_after_s` what a 429
    asked for; both are usually absent.
    """

    status: int | None
    body: bytes = b""
    fault: Fault | None = None
    server_at: Micros | None = None
    retry_after_s: int = 0
