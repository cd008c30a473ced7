"""Secrets: which settings are one, and how each gets here without a file that others read.

A secret NAME is looked for, the strongest first, as the variable NAME of the environment or in the
file that NAME_FILE names, as the systemd credential of that name in small letters
(`LoadCredential=openalgo_api_key:...`), and as NAME or NAME_FILE in .env. Never in YAML, never on a
command line. To add one, give it a line in `SECRETS` and a `SecretStr` field in config/groups.py;
`settings.keys.telegram_token.get_secret_value()` is then its text, "" where there is none, and the
log hides it.
"""

import base64
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from domain.errors import ConfigError

SECRETS: Mapping[tuple[str, ...], str] = {
    ("openalgo", "api_key"): "OPENALGO_API_KEY",
    ("openalgo", "basic_auth"): "OPENALGO_BASIC_AUTH",
    ("openalgo", "backup", "api_key"): "OPENALGO_BACKUP_API_KEY",
    ("openalgo", "backup", "basic_auth"): "OPENALGO_BACKUP_BASIC_AUTH",
    ("keys", "control_token"): "SUTRADHAR_PAGE_CONTROL_TOKEN",
    ("keys", "read_token"): "SUTRADHAR_PAGE_READ_TOKEN",
    ("keys", "alert_urls"): "SUTRADHAR_ALERT_URLS",
    ("keys", "telegram_token"): "SUTRADHAR_TELEGRAM_TOKEN",
    ("keys", "heartbeat_url"): "SUTRADHAR_HEARTBEAT_URL",
}
"""The keys that may stand in no file others read, and the variable each comes from."""

FILES = {f"{name}_FILE": path for path, name in SECRETS.items()}
"""The variables that name a file with a secret in it."""

MOST_BYTES = 8192
SHORTEST_PART = 8


def credentials(folder: Path) -> dict[tuple[str, ...], str]:
    """Return the secrets that systemd put into `folder`. Raises ConfigError for one unreadable.

    Their mode is systemd's own affair: an access list shows there as a group's right.
    """
    places = {path: folder / name.lower() for path, name in SECRETS.items()}
    return {path: _text(place, place.name) for path, place in places.items() if place.exists()}


def from_file(name: str, place: Path) -> str:
    """Return the secret in the file that the variable `name` names, without its last line end.

    Raises ConfigError if it cannot be read or others may read it.
    """
    try:
        mode = place.stat().st_mode
    except OSError as error:
        raise ConfigError(
            f"{name}: {place} cannot be read ({error.strerror}); correct the path"
        ) from error
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{name}: {place} is no file; name the file that holds the secret")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"{name}: others may read {place}, mode {stat.S_IMODE(mode):04o}; chmod 600 {place}"
        )
    return _text(place, name)


def spellings(path: tuple[str, ...], text: str) -> Iterator[str]:
    """Yield every way in which the secret at `path` may turn up in a line of the log."""
    if not text:
        return
    yield text
    if path[-1] == "basic_auth":
        yield base64.b64encode(text.encode()).decode()
        yield from _telling(text.partition(":")[2])
    if path[-1] == "telegram_token":
        yield from _telling(text.partition(":")[2])
    if path[-1] in {"alert_urls", "heartbeat_url"}:
        for url in text.split():
            yield from _parts(url)


def _parts(url: str) -> Iterator[str]:
    """Yield what in an address is a secret: anything but the name or number of a host.

    Some services put a token where the host would be; that has no dot.
    """
    place, slash, path = url.partition("://")[2].partition("/")
    user, _, host = place.rpartition("@")
    if "." in host:
        host = ""
    for part in re.split(r"[,/:@?&=#]+", f"{user}/{host}{slash}{path}"):
        yield from _telling(part)


def _telling(part: str) -> Iterator[str]:
    """Yield a part that is long enough to be a secret by itself and holds a digit, as those do."""
    if len(part) >= SHORTEST_PART and re.search(r"\d", part):
        yield part


def _text(place: Path, name: str) -> str:
    try:
        with place.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode("ascii").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(
            f"{name}: {place} cannot be read ({error.strerror}); give it to the user who runs this"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: {place} is not ASCII text; write it anew") from error
    if not text or len(content) > MOST_BYTES:
        raise ConfigError(
            f"{name}: {place} holds {len(content)} bytes; allowed is one secret of 1 to"
            f" {MOST_BYTES}"
        )
    return text
