"""People are told once that systemd has given up, whatever state the settings are in."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from freezegun import freeze_time

from cli.failed import TOO_OFTEN, TRIES, Options, addresses, cause_of, tell
from domain.errors import ConfigError
from tests.cli.typing_in import RunPy

UNIT = "sutradhar.service"
URLS = "json://127.0.0.1:9/"
LIMIT = {"MONITOR_SERVICE_RESULT": "exit-code", "MONITOR_EXIT_STATUS": "70"}
CONFIG = {"MONITOR_SERVICE_RESULT": "exit-code", "MONITOR_EXIT_STATUS": "78"}
NOON = "2026-11-19 06:30:00"


class Mail:
    """What was sent; the first `down` tries fail."""

    def __init__(self, down: int = 0) -> None:
        self.down = down
        self.tries = 0
        self.sent: list[tuple[str, str]] = []

    def __call__(self, urls: str, title: str, body: str) -> bool:
        assert urls == URLS
        self.tries += 1
        if self.tries <= self.down:
            return False
        self.sent.append((title, body))
        return True


def told(folder: Path, names: dict[str, str], mail: Mail, urls: str = URLS) -> int:
    options = Options(unit=UNIT, state_dir=folder / "state")
    return tell(options, names, urls, mail, lambda: None)


@pytest.mark.parametrize(
    ("names", "cause"),
    [
        (LIMIT, f"{TOO_OFTEN} crashed (exit-code, status 70)"),
        (
            {"MONITOR_SERVICE_RESULT": "watchdog", "MONITOR_EXIT_STATUS": "ABRT"},
            f"{TOO_OFTEN} stood still (watchdog, status ABRT)",
        ),
        (
            CONFIG,
            "its settings, its key or the server do not allow a start (exit-code, status 78)",
        ),
        (
            {"MONITOR_SERVICE_RESULT": "exit-code", "MONITOR_EXIT_STATUS": "75"},
            "another agent holds its state directory (exit-code, status 75)",
        ),
        ({}, f"{TOO_OFTEN} crashed (unknown result, status unknown)"),
    ],
)
def test_cause_is_said_in_words_and_raw(names: dict[str, str], cause: str) -> None:
    assert cause_of(names) == cause


@freeze_time(NOON)
def test_message_says_what_happened_what_it_means_and_what_to_do(tmp_path: Path) -> None:
    mail = Mail()
    assert told(tmp_path, LIMIT, mail) == 0
    ((title, body),) = mail.sent
    assert title == "Sutradhar: sutradhar.service has failed"
    assert body.startswith(TOO_OFTEN)
    for words in ("stops rest at the broker", "nobody closes at 15:15", f"journalctl -u {UNIT}"):
        assert words in body


def test_same_end_is_told_once_an_hour_and_another_one_at_once(tmp_path: Path) -> None:
    mail = Mail()
    with freeze_time(NOON) as frozen:
        told(tmp_path, LIMIT, mail)
        frozen.tick(3599)
        told(tmp_path, LIMIT, mail)
        assert len(mail.sent) == 1
        told(tmp_path, CONFIG, mail)
        assert len(mail.sent) == 2
        frozen.tick(3600)
        told(tmp_path, CONFIG, mail)
    assert len(mail.sent) == 3


@freeze_time(NOON)
def test_who_cannot_be_reached_is_tried_again_and_not_taken_as_told(tmp_path: Path) -> None:
    assert told(tmp_path, LIMIT, gone := Mail(down=TRIES)) == 1
    assert (gone.tries, gone.sent) == (TRIES, [])
    assert told(tmp_path, LIMIT, slow := Mail(down=TRIES - 1)) == 0
    assert len(slow.sent) == 1


@freeze_time(NOON)
def test_without_an_address_nobody_is_told_and_that_is_no_failure(tmp_path: Path) -> None:
    mail = Mail()
    assert told(tmp_path, LIMIT, mail, urls="") == 0
    assert mail.tries == 0


@freeze_time(NOON)
@pytest.mark.parametrize("memory", ["", "[]", '{"cause": 1}'])
def test_a_memory_that_cannot_be_read_tells_again(tmp_path: Path, memory: str) -> None:
    file = tmp_path / "state" / f"{UNIT}.told.json"
    file.parent.mkdir()
    file.write_text(memory)
    told(tmp_path, LIMIT, mail := Mail())
    assert len(mail.sent) == 1


@freeze_time(NOON)
def test_a_memory_that_cannot_be_written_tells_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("in the way")
    assert told(tmp_path, LIMIT, mail := Mail()) == 0
    assert len(mail.sent) == 1
    assert "this may be told again" in caplog.text


def test_address_comes_from_variable_file_or_credential(tmp_path: Path) -> None:
    file = tmp_path / "sutradhar_alert_urls"
    file.write_text(f"{URLS}\n")
    file.chmod(0o600)
    credential = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert addresses({"SUTRADHAR_ALERT_URLS": "a", **credential}) == "a"
    assert addresses({"SUTRADHAR_ALERT_URLS_FILE": str(file)}) == URLS
    assert addresses(credential) == URLS
    assert addresses({}) == ""
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        addresses({"SUTRADHAR_ALERT_URLS_FILE": str(file)})


@contextmanager
def a_post_box() -> Iterator[tuple[str, list[dict[str, str]]]]:
    got: list[dict[str, str]] = []

    class Box(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            del args

    with HTTPServer(("127.0.0.1", 0), Box) as server:
        thread = threading.Thread(target=server.serve_forever)  # noqa: TID251 - the other end
        thread.start()
        try:
            yield f"json://127.0.0.1:{server.server_port}/", got
        finally:
            server.shutdown()
            thread.join()


# The library still looks at pictures by a module that Python is about to drop.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_command_posts_one_message_though_every_setting_is_wrong(
    run_py: RunPy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALGO_PORT", "not a port")
    for name, value in LIMIT.items():
        monkeypatch.setenv(name, value)
    with a_post_box() as (url, got):
        monkeypatch.setenv("SUTRADHAR_ALERT_URLS", url)
        words = ("failed", UNIT, "--state-dir", str(tmp_path / "state"))
        assert [run_py(*words).code, run_py(*words).code] == [0, 0]
    assert [message["title"] for message in got] == [f"Sutradhar: {UNIT} has failed"]
