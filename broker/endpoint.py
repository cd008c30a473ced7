"""Where a server is, what stands before it, and whether a key may be sent there in the clear."""

import base64
import ssl
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from domain.errors import ConfigError

_PLAIN = frozenset({"http", "ws"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a reverse proxy wants: `user:password`; and whom to trust instead of the system's.

    `ca_file` names certificate authorities, PEM. Raises ConfigError if it holds none.
    """

    basic_auth: str = field(default="", repr=False)
    ca_file: str = ""

    def __post_init__(self) -> None:
        if not self.ca_file:
            return
        try:
            self.context()
        except OSError as error:  # a certificate that is none is an OSError too
            raise ConfigError(
                f"openalgo.ca_file: {self.ca_file} holds no certificates ({error.strerror});"
                " name a PEM file"
            ) from error

    @property
    def headers(self) -> dict[str, str]:
        """Return what a request carries besides."""
        if not self.basic_auth:
            return {}
        return {"Authorization": f"Basic {self._encoded}"}

    @property
    def _encoded(self) -> str:
        return base64.b64encode(self.basic_auth.encode()).decode()

    @property
    def hidden(self) -> tuple[str, ...]:
        """Return what an answer must not tell on."""
        return tuple(s for s in (self.basic_auth, self._encoded) if s)

    @property
    def authorities(self) -> str | bool:
        """Return whom REST trusts, which is whom the stream trusts.

        The named file, else the system's authorities or those of SSL_CERT_FILE.
        """
        trusted = ssl.get_default_verify_paths()
        return self.ca_file or trusted.cafile or trusted.capath or True

    def context(self) -> ssl.SSLContext:
        """Return how the stream is encrypted."""
        return ssl.create_default_context(cafile=self.ca_file or None)


PLAIN = Access()
"""Nothing stands before the server, and the system's authorities are trusted."""


def checked(url: str, schemes: tuple[str, str], plain_hosts: Collection[str], key: str) -> str:
    """Return `url` without a trailing slash; raise ConfigError naming `key` if it may not be used.

    Plain text is refused except to loopback and to the names in `plain_hosts`: the API key is in
    every request. A public address is refused even there.
    """
    parts = _split(url, schemes, key)
    host = parts.hostname or ""
    if parts.scheme in _PLAIN and not _may_be_plain(host, plain_hosts):
        raise ConfigError(
            f"{key}: {shown(parts)} would carry the API key in the clear; use {schemes[1]}://, or"
            f" name a private host in broker.plain_http_hosts"
        )
    return url.rstrip("/")


def shown(parts: SplitResult) -> str:
    """Return a URL for people, without user and password."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _split(url: str, schemes: tuple[str, str], key: str) -> SplitResult:
    remedy = f"write {schemes[0]}://HOST:PORT or {schemes[1]}://HOST:PORT"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{key}: not a URL ({error}); {remedy}") from error
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        raise ConfigError(f"{key}: {shown(parts)!r} is not a URL of the server; {remedy}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(f"{key}: {shown(parts)!r} holds more than host, port and path; {remedy}")
    return parts


def _may_be_plain(host: str, plain_hosts: Collection[str]) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return host in {name.lower() for name in plain_hosts}
    return address.is_loopback or (host in plain_hosts and not address.is_global)
