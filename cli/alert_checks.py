"""The check of `run.py doctor` about who is told of alarms."""

from cli import alerts
from cli.findings import Finding, failed, passed, warned
from cli.visit import Visit
from config.secrets import SECRETS

URLS = SECRETS["keys", "alert_urls"]
BEAT = SECRETS["keys", "heartbeat_url"]


def told(visit: Visit) -> Finding:
    """Whether somebody is told of alarms; send a test if that is asked for. Raises ConfigError."""
    settings = visit.settings
    targets = alerts.targets_of(settings)
    commands = "on" if alerts.is_telegram_on(settings) else "off"
    beats = "on" if alerts.is_heartbeat_on(settings) else "off"
    rest = f"commands by Telegram {commands}, heartbeat {beats}"
    if not targets:
        remedy = f"Set {URLS}, best also {BEAT}: a host that is down tells nobody"
        return warned(f"nobody is told of alarms, {rest}", remedy)
    if not visit.sends_test:
        return passed(f"{', '.join(target.name for target in targets)}; {rest}")
    test = alerts.test_message(settings.alerts.name)
    missed = [
        target.name
        for target in targets
        if not target.deliver(test.title, test.body, test.severity)
    ]
    if missed:
        return failed(f"{', '.join(missed)} took no test", f"Correct {URLS}, or see that it is up")
    return passed(f"a test was taken by {', '.join(target.name for target in targets)}; {rest}")
