"""What a check found, as one line for people: PASS, WARN or FAIL with a remedy, or SKIP."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from domain.errors import ConfigError, JournalError

Subject = TypeVar("Subject")


class Verdict(StrEnum):
    """The first word of a line."""

    PASS = "PASS"  # noqa: S105 - a verdict
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found. `remedy` is one sentence, for WARN and FAIL only."""

    verdict: Verdict
    text: str
    remedy: str = ""

    def line(self, name: str) -> str:
        """Return the line of the check called `name`."""
        remedy = f". {self.remedy}." if self.remedy else ""
        return f"{self.verdict} {name}: {self.text}{remedy}"


def passed(text: str) -> Finding:
    """Return that all is well."""
    return Finding(Verdict.PASS, text)


def warned(text: str, remedy: str) -> Finding:
    """Return what a start may go on with, and should not for long."""
    return Finding(Verdict.WARN, text, remedy)


def failed(text: str, remedy: str = "") -> Finding:
    """Return what is wrong; a text that says itself what to do needs no remedy."""
    return Finding(Verdict.FAIL, text, remedy)


def skipped(text: str) -> Finding:
    """Return why this was not looked at."""
    return Finding(Verdict.SKIP, text)


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """One thing to look at, and the checks that must have passed before it makes sense.

    `look` may raise ConfigError or JournalError, whose problems are its findings.
    """

    name: str
    look: Callable[[Subject], Finding]
    needs: tuple[str, ...] = ()


def examine(
    checks: Iterable[Check[Subject]], subject: Subject, tell: Callable[[str], None]
) -> bool:
    """Make the checks in order and tell each line as soon as it is known.

    Returns whether nothing failed.
    """
    sound: set[str] = set()
    is_good = True
    for check in checks:
        lacking = [name for name in check.needs if name not in sound]
        findings = [skipped(f"needs {lacking[0]}")] if lacking else _look(check, subject)
        for finding in findings:
            tell(finding.line(check.name))
        verdicts = {finding.verdict for finding in findings}
        is_good = is_good and Verdict.FAIL not in verdicts
        if verdicts <= {Verdict.PASS, Verdict.WARN}:
            sound.add(check.name)
    return is_good


def _look(check: Check[Subject], subject: Subject) -> list[Finding]:
    try:
        return [check.look(subject)]
    except (ConfigError, JournalError) as error:
        return [failed(problem) for problem in str(error).splitlines()]
