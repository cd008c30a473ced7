"""One source has the say, and an outage is told from its last canary tick to the next."""

from domain.authority import Authority, Outage
from domain.market import Source
from tests.domain.tape import OPEN, at


def an_authority(wall: str = "09:05") -> Authority:
    return Authority(OPEN, at(wall))


def test_primary_has_the_say_first() -> None:
    authority = an_authority()
    authority.renew(1)
    assert (authority.source, authority.epoch, authority.switches) == (Source.PRIMARY, 1, 0)


def test_choosing_the_source_that_has_the_say_changes_nothing() -> None:
    authority = an_authority()
    authority.renew(3)
    assert not authority.choose(Source.PRIMARY, 4, at("10:00"))
    assert (authority.epoch, authority.switches) == (3, 0)


def test_each_switch_has_its_epoch_and_is_counted() -> None:
    authority = an_authority()
    assert authority.choose(Source.REST, 2, at("10:00"))
    assert authority.choose(Source.PRIMARY, 3, at("10:10"))
    assert (authority.source, authority.epoch, authority.switches) == (Source.PRIMARY, 3, 2)


def test_silence_counts_from_tick_choice_or_open_whichever_is_last() -> None:
    authority = an_authority()
    assert authority.silent_since(None) == OPEN
    assert authority.silent_since(at("10:00")) == at("10:00")
    authority.choose(Source.REST, 2, at("10:05"))
    assert authority.silent_since(at("10:00")) == at("10:05")
    assert an_authority("11:37:30").silent_since(None) == at("11:37:30")


def test_outage_is_news_once_and_ends_with_a_tick() -> None:
    authority = an_authority()
    assert authority.regain(at("10:00")) is None
    assert [authority.lose(at("10:00:05")), authority.lose(at("10:00:05"))] == [True, False]
    assert authority.is_lost
    assert authority.regain(at("10:02")) == Outage(at("10:00:05"), at("10:02"))
    assert not authority.is_lost


def test_outage_keeps_its_earliest_beginning() -> None:
    authority = an_authority()
    authority.lose(at("10:00:05"))
    authority.lose(at("10:00:30"))
    authority.lose(at("10:00:01"))
    assert authority.regain(at("10:02")) == Outage(at("10:00:01"), at("10:02"))


def test_outage_never_ends_before_it_began() -> None:
    authority = an_authority()
    authority.lose(at("10:00:05"))
    assert authority.regain(at("10:00:04")) == Outage(at("10:00:04"), at("10:00:04"))
