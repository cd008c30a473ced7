"""Secrets come by variable, by a file nobody else reads, or as a systemd credential."""

import base64
from pathlib import Path

import pytest

from config.secrets import MOST_BYTES, SECRETS
from config.settings import load
from domain.errors import ConfigError
from tests.config.reading import KEY, NOWHERE, SANDBOX, problems_of, settings_of

TOKEN = "test-control-token-of-at-least-32-letters"


def secret_file(folder: Path, text: str = TOKEN, mode: int = 0o600, name: str = "token") -> Path:
    file = folder / name
    file.write_text(text)
    file.chmod(mode)
    return file


def control_token(env_file: Path = NOWHERE) -> str:
    return load("sandbox", env_file=env_file, rooms=SANDBOX).keys.control_token.get_secret_value()


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file_of_a_secret_is_read_without_its_line_end(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_PAGE_CONTROL_TOKEN_FILE", str(secret_file(tmp_path, TOKEN + end)))
    assert control_token() == TOKEN


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_file_that_others_may_read_is_refused(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = secret_file(tmp_path, mode=mode)
    monkeypatch.setenv("SUTRADHAR_PAGE_CONTROL_TOKEN_FILE", str(file))
    (told,) = problems_of()
    assert told == (
        f"SUTRADHAR_PAGE_CONTROL_TOKEN_FILE in the environment: others may read {file}, mode"
        f" 0{mode:o}; chmod 600 {file}"
    )


def test_file_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "OPENALGO_API_KEY_FILE"
    for place, complaint in {
        tmp_path / "none": "cannot be read (No such file or directory); correct the path",
        tmp_path: "is no file; name the file that holds the secret",
        secret_file(tmp_path, "\n", name="empty"): "holds 1 bytes; allowed is one secret of 1 to",
        secret_file(tmp_path, "x" * (MOST_BYTES + 1), name="long"): f"holds {MOST_BYTES + 1} bytes",
        secret_file(tmp_path, "\N{LATIN SMALL LETTER E WITH ACUTE}", name="accent"): "is not ASCII",
    }.items():
        monkeypatch.setenv(name, str(place))
        (told,) = problems_of(profile="live")
        assert told.startswith(f"{name} in the environment: {place} {complaint}")


def test_secret_given_in_two_ways_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_API_KEY", KEY)
    monkeypatch.setenv("OPENALGO_API_KEY_FILE", str(secret_file(tmp_path)))
    (told,) = problems_of(profile="live")
    assert "OPENALGO_API_KEY" in told
    assert told.endswith("both are set in the environment; leave one out")


def test_environment_is_stronger_than_a_credential_and_that_than_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(f"SUTRADHAR_PAGE_CONTROL_TOKEN_FILE={secret_file(tmp_path)}\n")
    assert control_token(env_file) == TOKEN
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    # systemd's access list shows as a right of the group.
    secret_file(credentials, TOKEN.upper(), 0o440, "sutradhar_page_control_token")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert control_token(env_file) == TOKEN.upper()
    monkeypatch.setenv("SUTRADHAR_PAGE_CONTROL_TOKEN", TOKEN.title())
    assert control_token(env_file) == TOKEN.title()


def test_every_secret_may_be_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        ("openalgo", "api_key"): KEY,
        ("openalgo", "basic_auth"): "desk:open-sesame-1",
        ("openalgo", "backup", "api_key"): KEY[::-1],
        ("openalgo", "backup", "basic_auth"): "desk:open-sesame-2",
        ("keys", "control_token"): TOKEN,
        ("keys", "read_token"): TOKEN[::-1],
        ("keys", "alert_urls"): "tgram://123456789:abcdef/42\njson://localhost/hook",
        ("keys", "telegram_token"): "123456789:AAbbccddeeffgghhii",
        ("keys", "heartbeat_url"): "https://ping.example.org/4f5e6d7c",
    }
    assert set(given) == set(SECRETS)
    for path, text in given.items():
        secret_file(tmp_path, text, 0o400, SECRETS[path].lower())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = settings_of(profile="live")
    assert set(given.values()) <= set(settings.secrets())
    # The paper exchange is its own server.
    assert settings_of().openalgo.api_key.get_secret_value() == ""
    assert settings_of().keys == settings.keys


def test_what_goes_over_the_wire_is_hidden_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALGO_BASIC_AUTH", "desk:open-sesame-1")
    urls = "tgram://123456789:AAbb_77ccdd/42 json://me:pass-word-9@10.20.30.40:8080/hook77/now?k=v"
    monkeypatch.setenv("SUTRADHAR_ALERT_URLS", urls)
    monkeypatch.setenv("SUTRADHAR_TELEGRAM_TOKEN", "987654321:AAbbccddeeffgghhii_1")
    monkeypatch.setenv("SUTRADHAR_HEARTBEAT_URL", "https://ping.example.org/4f5e6d7c")
    hidden = settings_of(profile="live", openalgo__api_key=KEY).secrets()
    assert {
        "open-sesame-1",
        base64.b64encode(b"desk:open-sesame-1").decode(),
        "123456789",
        "AAbb_77ccdd",
        "4f5e6d7c",
        "pass-word-9",
        "AAbbccddeeffgghhii_1",
    } <= set(hidden)
    plain = {"42", "10.20.30.40", "8080", "hook77", "ping.example.org", "desk", "https", "", "me"}
    assert not plain & set(hidden)


@pytest.mark.parametrize("path", SECRETS, ids=".".join)
def test_yaml_with_a_secret_is_refused(path: tuple[str, ...], tmp_path: Path) -> None:
    text = "".join(f"{'  ' * depth}{part}:\n" for depth, part in enumerate(path)).rstrip()
    (told,) = problems_of(f"{text} {KEY}\n", tmp_path)
    assert told.startswith(f"{'.'.join(path)}: may not stand in {tmp_path / 'mine.yaml'}")
    assert SECRETS[path] in told
    assert KEY not in told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SUTRADHAR_PAGE_CONTROL_TOKEN", "too-short-1"),
        ("SUTRADHAR_PAGE_READ_TOKEN", "with a blank " * 4),
        ("SUTRADHAR_ALERT_URLS", "tgram:/no-address-99"),
        ("SUTRADHAR_TELEGRAM_TOKEN", "no-token-99"),
        ("SUTRADHAR_HEARTBEAT_URL", "ping.example.org/99"),
        ("OPENALGO_BASIC_AUTH", "no-colon-99"),
    ],
)
def test_misshapen_secret_is_refused_without_being_shown(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    (told,) = problems_of(profile="live", openalgo__api_key=KEY)
    assert f": *** ({len(text)} characters) is not allowed; allowed is" in told
    assert text not in told


def test_unreadable_credential_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openalgo_api_key").mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigError, match=r"openalgo_api_key: .* cannot be read \(Is a directory"):
        settings_of(profile="live")
