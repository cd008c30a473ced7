"""Who may ask what: tokens, names of hosts, and no orders from other sites' pages.

On the loopback everybody of this machine may read. Elsewhere reading needs a token, but for the two
probes. Levers always need the control token; without one configured nobody pulls any.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

OWN_HEADER = "x-sutradhar-token"
"""Behind a proxy that keeps `Authorization` for its own password."""

PROBES = ("/healthz", "/readyz")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
SAME = frozenset({"same-origin", "none"})

Headers = Mapping[str, str]
"""By name in small letters."""


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP status and why, in words."""

    status: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of one page. '' is no token; `names` are further hosts it is reached by."""

    control: str = field(default="", repr=False)
    read: str = field(default="", repr=False)
    is_loopback: bool = True
    names: tuple[str, ...] = ()

    def to_read(self, path: str, headers: Headers) -> Denied | None:
        """Return why a path may not be read, None if it may."""
        denied = self._stranger(headers)
        if denied is not None or self.is_loopback or path in PROBES:
            return denied
        given = _token(headers)
        if any(_same(given, token) for token in (self.read, self.control)):
            return None
        return Denied(status=401, text="a token is needed here: Authorization: Bearer TOKEN")

    def to_pull(self, headers: Headers) -> Denied | None:
        """Return why no lever may be pulled, None if one may."""
        denied = self._stranger(headers) or self._foreign(headers)
        if denied is not None:
            return denied
        if not self.control:
            text = "no control token is set, so levers are pulled with run.py or a signal only"
            return Denied(status=403, text=text)
        given = _token(headers)
        if _same(given, self.control):
            return None
        if _same(given, self.read):
            return Denied(status=403, text="this token only reads; a lever needs the control token")
        text = f"the control token is needed: Authorization: Bearer, or {OWN_HEADER}"
        return Denied(status=401, text=text)

    def _stranger(self, headers: Headers) -> Denied | None:
        """Refuse a name of ours that is none: a page elsewhere may have its name point here."""
        host = _host(headers.get("host", ""))
        if not self.is_loopback or host in LOCAL or host in self.names or _is_loopback(host):
            return None
        text = "this is not the name of the page; add it to page.host_names if a proxy uses it"
        return Denied(status=421, text=text)

    def _foreign(self, headers: Headers) -> Denied | None:
        """Refuse what another site's page makes a browser send."""
        site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin", "")
        own = {_host(headers.get("host", "")), *self.names}
        if site not in SAME or (origin and _host(origin.rpartition("//")[2]) not in own):
            return Denied(status=403, text="another site's page may not pull a lever")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        if kind != "application/json" and (kind or has_body):
            text = "send no body, or one with Content-Type: application/json"
            return Denied(status=415, text=text)
        return None


def _token(headers: Headers) -> str:
    own = headers.get(OWN_HEADER, "")
    if own:
        return own
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _same(given: str, token: str) -> bool:
    """Compare in a time that tells nothing of the token; no token is like no other."""
    is_equal = hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
    return is_equal and bool(token)


def _host(header: str) -> str:
    """Return the host of a Host header, without port and brackets; '' if it is none."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
