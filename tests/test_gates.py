"""The gates of make check find what they are there for, and nothing in good files."""

import pytest

from tests import gates

GOOD = """\
# made by make lock
pykka==4.5.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via sutradhar (setup.cfg)
Types_Requests==2.33.0 ; sys_platform == 'linux' \\
    --hash=sha256:cc
"""


def found(lock: str) -> list[str]:
    return list(gates.lock_complaints("x.lock", lock))


def test_good_lock_is_read_and_passes() -> None:
    assert found(GOOD) == []
    assert gates.pins(GOOD) == {"pykka": "4.5.0", "types-requests": "2.33.0"}


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("# made by", "--index-url somewhere #", "names a package host"),
        ("# made by", "-i somewhere #", "names a package host"),
        ("# made by", "--find-links wheels #", "names a package host"),
        ("# via", "# file://wheels", "names a package host"),
        ("    --hash=sha256:cc\n", "", "Types_Requests has no hash"),
        ("pykka==4.5.0", "pykka>=4.5.0", "not a pin"),
        (GOOD, "", "pins nothing"),
    ],
)
def test_bad_lock_is_found(good: str, bad: str, complaint: str) -> None:
    assert [complaint in each for each in found(GOOD.replace(good, bad))] == [True]


def test_dev_lock_must_hold_the_same_pins() -> None:
    runtime = {"pykka": "4.5.0", "polars": "2.1.0"}
    assert list(gates.superset_complaints(runtime, runtime | {"ruff": "0.17.6"})) == []
    assert len(list(gates.superset_complaints(runtime, {"pykka": "4.4.0"}))) == 2


SETUP = """\
[options]
install_requires =
    PyYAML >=6
    tzdata; sys_platform == "never"
[options.extras_require]
dev =
    ruff >=0.17
"""


def test_what_setup_cfg_asks_for_must_be_pinned() -> None:
    asked = gates.declared(SETUP)
    pinned = {"pyyaml": "6.0.3", "ruff": "0.16.0"}
    assert list(gates.unanswered(gates.RUNTIME, asked[gates.RUNTIME], pinned)) == []
    assert len(list(gates.unanswered(gates.DEV, asked[gates.DEV], pinned))) == 1
    assert len(list(gates.unanswered(gates.DEV, asked[gates.DEV], {}))) == 2


DRAWN = "9f86d081884c7d65" + "9a2feaa0c55ad015"


@pytest.mark.parametrize(
    "line",
    [
        f"OPENALGO_API_KEY={DRAWN}",
        f'"apikey": "{DRAWN}"',
        f"api_key = '{DRAWN}'",
        f"telegram_token: {DRAWN}",
        "12345678:" + "A" * 35,
        "-----BEGIN " + "PRIVATE KEY-----",
        "AKIA" + "Z" * 16,
        "ghp_" + "a" * 36,
        "see https://" + gates.HOSTS[0],
    ],
)
def test_secret_is_found_and_not_repeated(line: str) -> None:
    (complaint,) = gates.secret_complaints("x.py", f"x = 1\n{line}\n")
    assert complaint.startswith("x.py:2: ")
    assert line not in complaint


@pytest.mark.parametrize(
    "line",
    [
        "api_key: str = settings.openalgo_api_key",
        "OPENALGO_API_KEY=change-me-to-the-key-of-your-server-1",
        'apikey="sandbox-key-0123456789abcdef"',
        f"--hash=sha256:{DRAWN}{DRAWN}",
        "token = secrets_of_the_control_app[port]",
    ],
)
def test_what_is_no_secret_passes(line: str) -> None:
    assert list(gates.secret_complaints("x.py", line)) == []


def test_this_checkout_passes() -> None:
    assert gates.main() == 0
