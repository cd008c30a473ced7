"""How often the books are asked for; the paces of the day are seen at the desk."""

from domain.cadence import login_pace
from domain.ledger import Ledger
from domain.units import seconds
from tests.orders import a_resting_entry, an_open_short


def test_server_without_a_session_is_asked_sooner_while_something_is_at_stake() -> None:
    assert login_pace(Ledger(), 30) == seconds(30)
    assert login_pace(an_open_short().ledger, 30) == seconds(5)
    assert login_pace(a_resting_entry().ledger, 30) == seconds(5), "it may fill, and nobody sees"
    assert login_pace(an_open_short().ledger, 2) == seconds(2)
