"""What a lot needs: asked for one by one, believed for a while."""

from domain.margins import Margins, Question
from domain.units import Micros, Paise, Units, seconds
from tests.orders import CE, ENTRY, PE, T0, Bench, an_entry_wish, t
from tests.trading import a_key, a_ticket

LOT = Units(65)
ONE = a_ticket(CE, 65, trigger=12_995, price=12_695)
OTHER = a_ticket(PE, 65, trigger=12_995, price=12_695)


def after(span_s: float) -> Micros:
    return Micros(T0 + seconds(span_s))


def wished() -> Margins:
    margins = Margins()
    margins.wish(ENTRY, LOT)
    return margins


def test_one_lot_of_what_is_wished_is_asked_for() -> None:
    margins = wished()
    assert margins.due(T0) == Question(number=1, ticket=ONE)
    margins.answered(1, Paise(15_000_000), after(1))
    assert margins.per_lot(after(1)) == {CE: 15_000_000}
    assert margins.per_lot(after(301)) == {CE: 15_000_000}
    assert margins.per_lot(after(302)) == {}


def test_one_question_at_a_time_and_none_again_too_soon() -> None:
    margins = wished()
    margins.wish(OTHER, LOT)
    assert margins.due(T0) == Question(number=1, ticket=ONE)
    assert margins.due(after(1)) is None
    margins.answered(1, Paise(1), after(2))
    margins.wish(ENTRY, LOT)
    assert margins.due(after(2)) == Question(number=2, ticket=OTHER)
    margins.answered(2, Paise(1), after(3))
    assert margins.due(after(4)) is None
    assert margins.due(after(152)) == Question(number=3, ticket=ONE)


def test_answer_that_says_nothing_or_comes_too_late_leaves_the_estimate() -> None:
    margins = wished()
    margins.due(T0)
    margins.answered(1, None, after(1))
    assert margins.per_lot(after(1)) == {}
    late = wished()
    late.due(T0)
    late.wish(OTHER, LOT)
    assert late.due(after(30)) == Question(number=2, ticket=OTHER)
    late.answered(1, Paise(5), after(31))
    assert late.per_lot(after(31)) == {}
    never = Margins()
    never.answered(0, Paise(5), T0)
    assert never.per_lot(T0) == {}


def test_gate_goes_by_what_the_server_said() -> None:
    """Cash for ten lots at 2 lakh each; the server says 3 lakh for one."""
    bench = Bench().active(0).wish(0)
    question = bench.desk.entries.margins.due(t(0))
    assert question is not None
    bench.desk.entries.margins.answered(question.number, Paise(30_000_000), t(1))
    bench.reply(0.5, orderid="A1")
    bench.read(1)
    second = an_entry_wish(a_key(PE, slot="PE"), when=t(2))
    assert bench.wish(2, second).placed() == [second.ticket]
    poor = Bench().active(0)
    poor.desk.entries.margins.wish(ENTRY, LOT)
    assert poor.desk.entries.margins.due(t(0)) is not None
    poor.desk.entries.margins.answered(1, Paise(100_000_000), t(0))
    poor.wish(1)
    assert [refusal.code for _, refusal in poor.desk.entries.refused] == ["MARGIN"]
