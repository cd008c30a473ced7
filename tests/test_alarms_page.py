"""docs/ALARMS.md is the table of alarms: written by `python -m tests.test_alarms_page`."""

from pathlib import Path

from domain.alarms import KINDS, Kind
from tests.documents import read

ROOT = Path(__file__).resolve().parent.parent


def test_page_of_alarms_is_the_table() -> None:
    assert read("docs/ALARMS.md").text == page()


HEAD = """\
# Alarms

What the agent tells people without being asked, by any service that apprise knows (Telegram, mail,
Slack, ntfy and a hundred others). Put the addresses, one a line or a space between two, into
`SUTRADHAR_ALERT_URLS` or a file of mode 0600 named by `SUTRADHAR_ALERT_URLS_FILE`; without one
nobody is told. `run.py doctor --alert` sends a test. A message reads

```
10:00:45 IST CRITICAL OPENALGO_DOWN: OpenAlgo does not answer since 10:00:01 IST; 1 short is
open, stops rest. Start OpenAlgo; the agent asks again by itself, and stops rest at the exchange.
```

- CRITICAL: act now. WARNING: the agent copes, look when you can. INFO: good to know.
  `alerts.least` leaves the quieter ones out.
- The same kind about the same subject is told again no sooner than its throttle; while it goes on
  it says `still` each repeat; once it is over for a minute its recovery is told, if it was told.
  That holds through restarts: a process that dies again and again tells RESTARTED once an hour,
  and CRASH_LOOP besides once three lives ended badly within ten minutes. A short that is bare when
  a life ends is bare since then in the next one.
- An agent that gives up (exit 70) in the session is told as RESTARTED by the life after it; outside
  the session, when that one may sleep, it says GAVE_UP and why itself.
- What comes within `alerts.gather_s` is one message, the worst first; without anything critical the
  next message waits for `alerts.gap_s`.
- While OpenAlgo does not answer, or nobody is logged in there, and for three minutes after, what
  follows from it by itself (the feed, the books) is not told besides.
- Outside the session the feed is no alarm; while the agent recovers only what is bare is.
- What cannot be sent is tried again after 2, 5, 15, 60 and then each 300 s; the newest
  `alerts.queue` messages are kept. An address that is down holds up neither trading nor the others.
- The paper exchange tells nobody, unless `alerts.on=true` is asked for.

## Commands by Telegram

With `SUTRADHAR_TELEGRAM_TOKEN` (or its `_FILE`) and `telegram.chat_id` the agent obeys that one
chat: `/status`, `/pause` (FREEZE), `/resume`, `/kill yes` (FLATTEN; `/kill` alone asks whether it
is meant), `/help`. They go the way of `run.py freeze` and its like, and each gets one answer that
says what came of it. What was sent before the agent was started, or more than 60 s ago, is not
obeyed. Use a chat of your own, not a group: everybody in a chat that is obeyed may do all of it.
The same bot may carry the alerts: `tgram://TOKEN/CHAT_ID`.

## Heartbeat

A host that is down alerts nobody. With `SUTRADHAR_HEARTBEAT_URL` (or its `_FILE`) that address is
called each `heartbeat.every_s` seconds while the agent is healthy and its day is not over: let a
service that expects the call miss it, and tell you.

## The table

`after`: how long it must hold first. Throttle and repeat as above; `-` is never. The words of a
message may say more than this.

| Kind | Severity | What happened | After | Throttle | Repeat | Recovery | What to do |
|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return docs/ALARMS.md as the table makes it."""
    order = sorted(KINDS.values(), key=lambda kind: (-kind.severity.rank, kind.name))
    return HEAD + "".join(map(_row, order))


def _row(kind: Kind) -> str:
    spans = " | ".join(map(_span, (kind.after_s, kind.throttle_s, kind.repeat_s)))
    rest = f"{kind.recovery or '-'} | {kind.action}"
    return f"| `{kind.name}` | {kind.severity} | {kind.says} | {spans} | {rest} |\n"


def _span(span_s: int) -> str:
    if not span_s:
        return "-"
    return f"{span_s // 60} min" if span_s % 60 == 0 else f"{span_s} s"


if __name__ == "__main__":
    (ROOT / "docs" / "ALARMS.md").write_text(page(), "utf-8")
