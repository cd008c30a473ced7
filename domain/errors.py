"""Errors, sorted by what the program will do, not by where they arose.

SutradharError
+-- BrokerError
|   +-- Rejected       the broker said no, provably: record it, do not retry
|   +-- NotSent        nothing left this machine, or 429: safe to try again on a later Pulse
|   +-- Unknown        sent, no usable answer: never retry; UNKNOWN until the books tell
+-- WireError          the broker spoke nonsense: no entries until it makes sense
+-- JournalError       no durable intent, no entry; exits go on with the fallback journal
|   +-- JournalBusy    another process holds the file: it is whole, wait for it
|   +-- JournalDamaged the file is no longer what was written: set it aside and begin anew
|   +-- JournalNewer   a later version wrote it: leave it alone and refuse to start
+-- ConfigError        refuse to start with exit code 78
    +-- RuleError      a dated rule is missing, malformed or contradicts itself
"""


class SutradharError(Exception):
    """Whatever this project raises on purpose."""


class BrokerError(SutradharError):
    """A call to the broker did not succeed; the subclass says what is known.

    `status` is the HTTP status, 0 without an answer; `code` is a word of `broker/errors.py`.
    """

    def __init__(self, text: str = "", *, status: int = 0, code: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Rejected(BrokerError):
    """The broker said no, provably. Record it, do not retry."""


class NotSent(BrokerError):
    """Nothing left this machine, or the server refused to look (429). Safe to try again."""


class Unknown(BrokerError):
    """Sent, and no usable answer. Never retry: the books will tell."""


class WireError(SutradharError):
    """The broker spoke nonsense. The text holds the payload, redacted."""


class JournalError(SutradharError):
    """An event could not be made durable, or what is on disk cannot be trusted."""


class JournalBusy(JournalError):
    """Another process holds the file. Nothing is wrong with it."""


class JournalDamaged(JournalError):
    """What is on disk is not what was written. The file is worth keeping, not going on with."""


class JournalNewer(JournalError):
    """A later version wrote what this one cannot read. Nothing is wrong with the file."""


class ConfigError(SutradharError):
    """The settings do not allow a start: one line per problem, each with its remedy."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class RuleError(ConfigError, ValueError):
    """A dated rule is missing, malformed or not in force: key, row, value, what is allowed."""
