"""Ground truth as rows and as lines."""

import pytest

from domain.units import Micros
from sandbox.truth import Accepted, Arrived, Mode, Outage, Row, Truth, decode, encode
from tests.sandbox.pit import Pit


def an_arrival(digest: str = "d") -> Arrived:
    return Arrived(route="placeorder", digest=digest, peer="127.0.0.1", answer="passed")


def some_lines() -> tuple[Pit, list[bytes]]:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 65)], printed=(15_000, 65))
    pit.orderid(quantity=130)
    pit.orderid(price=5)
    pit.place(quantity=7)
    return pit, [encode(row) for row in pit.truth.rows]


def test_rows_are_numbered_and_handed_to_the_sink_as_lines() -> None:
    lines: list[bytes] = []
    truth = Truth(lines.append)
    truth.add(Micros(5), an_arrival("a"))
    truth.add(Micros(6), an_arrival("b"))
    assert lines[0] == (
        b'{"seq":1,"at":5,"kind":"arrived","payload":{"route":"placeorder","digest":"a",'
        b'"peer":"127.0.0.1","answer":"passed"}}\n'
    )
    assert [row.seq for row in truth.since(1)] == [2]
    assert truth.since(-3) == truth.rows


def test_lines_are_read_back_as_the_same_rows() -> None:
    pit, lines = some_lines()
    assert decode(lines) == tuple(pit.truth.rows)
    assert any(isinstance(row.payload, Accepted) for row in decode(lines))


def test_outage_and_mode_are_rows_like_any_other() -> None:
    lines: list[bytes] = []
    truth = Truth(lines.append)
    truth.add(Micros(5), Outage(id="f", on=True, what="calls"))
    truth.add(Micros(6), Mode(mode="live"))
    assert lines[0] == (
        b'{"seq":1,"at":5,"kind":"outage","payload":{"id":"f","on":true,"what":"calls"}}\n'
    )
    assert decode(lines) == tuple(truth.rows)


def test_torn_last_line_is_left_out() -> None:
    _, lines = some_lines()
    assert decode([*lines[:-1], lines[-1][:20]]) == decode(lines[:-1])


def test_bad_line_in_the_middle_is_refused_with_its_number() -> None:
    _, lines = some_lines()
    with pytest.raises(ValueError, match="line 1 of ground truth is no row"):
        decode([b"{}\n", *lines])


def test_missing_row_is_noticed() -> None:
    _, lines = some_lines()
    with pytest.raises(ValueError, match="line 1 of ground truth has seq 2"):
        decode(lines[1:])


def test_continued_truth_counts_on() -> None:
    pit, _ = some_lines()
    rows = pit.truth.rows
    added = Truth(rows=rows).add(Micros(9), an_arrival())
    assert added == Row(seq=len(rows) + 1, at=Micros(9), kind="arrived", payload=an_arrival())
