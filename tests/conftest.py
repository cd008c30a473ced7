"""What every test shares: how hard Hypothesis tries, loud skips, and how long is too long."""

import faulthandler
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.shared import shared_path

SLOW_TEST_S = 600
# Two layers share two cores, so a slow draw says nothing about the strategy that made it.
PATIENT = [HealthCheck.too_slow]

settings.register_profile("dev", max_examples=100, deadline=None, suppress_health_check=PATIENT)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=60, derandomize=True)
settings.register_profile("brief", settings.get_profile("dev"), max_examples=20, derandomize=True)
settings.register_profile("soak", settings.get_profile("dev"), max_examples=20_000)
settings.load_profile("ci" if os.environ.get("SUTRADHAR_CI") == "1" else "dev")

# The tests may run in a container themselves; its children look there too.
os.environ["DOCKER_ENV"] = "0"

_stderr = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    # Kept before a test captures it: the stacks of a wedged test must reach the terminal.
    config.stash[_stderr] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[_stderr])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs_shared"):
        for name in marker.args:
            shared_path(name)
    if item.get_closest_marker("slow"):
        # Replaces the timer of faulthandler_timeout in setup.cfg, which stops any other test.
        faulthandler.dump_traceback_later(SLOW_TEST_S, exit=True, file=item.config.stash[_stderr])
