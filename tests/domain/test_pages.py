"""A human is told a finding once, and then how often."""

import pytest

from domain.pages import CRITICAL, Page, PageCode, Pages
from domain.reasons import REASONS
from tests.orders import t


def told(pages: Pages, *seconds: float) -> list[tuple[float, int]]:
    return [(when, page.count) for when in seconds for page in pages.drain(t(when))]


@pytest.mark.incident("INC-113")
def test_same_finding_sixty_times_is_one_alert() -> None:
    pages = Pages()
    heard: list[Page] = []
    for second in range(60):
        pages.add(PageCode.NOT_FLAT, "book", f"{second} s, last={second}", t(second))
        heard += pages.drain(t(second))
    assert heard == [Page(code=PageCode.NOT_FLAT, subject="book", text="0 s, last=0")]
    (later,) = pages.drain(t(60))
    assert later == Page(code=PageCode.NOT_FLAT, subject="book", text="59 s, last=59", count=59)


def test_found_again_within_a_second_it_is_the_same_one() -> None:
    pages = Pages()
    for tenth in range(20):
        pages.add(PageCode.UNCOVERED, "A", "", t(tenth / 10))
    assert told(pages, 2) == [(2, 2)]


def test_other_subject_and_other_code_are_findings_of_their_own() -> None:
    pages = Pages()
    for code, subject in ((PageCode.GAP, "A"), (PageCode.GAP, "B"), (PageCode.UNCOVERED, "A")):
        pages.add(code, subject, "", t(0))
    assert told(pages, 0, 1) == [(0, 1), (0, 1), (0, 1)]


def test_finding_that_ended_is_new_when_it_comes_back() -> None:
    pages = Pages()
    pages.add(PageCode.GAP, "A", "", t(0))
    assert told(pages, 0, 59, 60, 61) == [(0, 1)]
    pages.add(PageCode.GAP, "A", "", t(62))
    assert told(pages, 62) == [(62, 1)]


def test_finding_that_comes_back_too_soon_waits_for_its_minute() -> None:
    pages = Pages()
    pages.add(PageCode.GAP, "A", "", t(0))
    assert told(pages, 0) == [(0, 1)]
    pages.add(PageCode.GAP, "A", "", t(30))
    assert told(pages, 30, 59.9, 60) == [(60, 1)]


def test_every_page_has_its_reason_and_remedy() -> None:
    assert {str(code) for code in PageCode} <= REASONS.keys()


def test_what_nobody_may_sleep_through_is_critical() -> None:
    codes = {c for c in PageCode if Page(code=c, subject="", text="").is_critical}
    assert codes == CRITICAL
