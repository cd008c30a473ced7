"""What gets a relay past a reverse proxy: its user and password, and authorities to trust."""

import base64
import ssl
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """`user:password` for the proxy, and a PEM file of authorities instead of the system's."""

    basic_auth: str = field(default="", repr=False)
    ca_file: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return what a request carries besides."""
        if not self.basic_auth:
            return {}
        return {"Authorization": f"Basic {base64.b64encode(self.basic_auth.encode()).decode()}"}

    def context(self, url: str) -> ssl.SSLContext | None:
        """Return how a stream to `url` is encrypted, None if it is not. Raises OSError."""
        if not url.startswith("wss://"):
            return None
        return ssl.create_default_context(cafile=self.ca_file or None)


OPEN = Passage()
"""Nothing is in the way."""
