"""A missing shared file is said loudly; a file that is there is found where the design puts it."""

from pathlib import Path

import pytest

from tests import shared

TAPE = "data/nifty_1m_2021-06-11.parquet"


def test_named_folder_is_the_only_one_looked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_DATA", str(tmp_path))
    assert shared.find(TAPE) is None
    (tmp_path / "nifty_1m_2021-06-11.parquet").touch()
    assert shared.shared_path(TAPE) == tmp_path / "nifty_1m_2021-06-11.parquet"


def test_checkout_is_searched_before_its_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUTRADHAR_FIXTURES", raising=False)
    monkeypatch.setattr(shared, "ROOT", tmp_path / "main")
    beside = tmp_path / "shared" / "fixtures" / "a.json"
    under = tmp_path / "main" / "shared" / "fixtures" / "a.json"
    for place in (beside, under):
        place.parent.mkdir(parents=True)
        place.touch()
        assert shared.find("fixtures/a.json") == place


def test_missing_file_skips_with_the_words_of_the_data_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_DATA", str(tmp_path))
    with pytest.raises(pytest.skip.Exception) as skip:
        shared.shared_path(TAPE)
    words = "recorded data not found: nifty_1m_2021-06-11.parquet (see the data README); skipped"
    assert str(skip.value) == words


@pytest.mark.parametrize("name", [TAPE, "fixtures/openalgo/rest_orders.json"])
def test_reason_is_recognised(name: str) -> None:
    assert shared.is_shared_skip(shared.reason(name))
    assert not shared.is_shared_skip("chromium not found")
