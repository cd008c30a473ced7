"""Who may ask what: every way in is shut unless the rules open it."""

import pytest

from dashboard.access import Access, Headers
from tests.dashboard.serving import CONTROL, READ

HERE: Headers = {"host": "127.0.0.1:8501"}
NGINX = ("page.example",)


def an_access(*, is_loopback: bool = True, control: str = CONTROL, read: str = READ) -> Access:
    return Access(control=control, read=read, is_loopback=is_loopback, names=NGINX)


def bearer(token: str) -> Headers:
    return {**HERE, "authorization": f"Bearer {token}"}


def status_to_read(access: Access, headers: Headers, path: str = "/state") -> int:
    denied = access.to_read(path, headers)
    return denied.status if denied else 200


def status_to_pull(access: Access, headers: Headers) -> int:
    denied = access.to_pull(headers)
    return denied.status if denied else 200


def test_everybody_on_this_machine_may_read() -> None:
    assert status_to_read(an_access(), HERE) == 200
    assert status_to_read(an_access(control="", read=""), HERE) == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8501", "127.9.9.9", "[::1]:8501"])
def test_page_knows_its_own_names(host: str) -> None:
    assert status_to_read(an_access(), {"host": host}) == 200


@pytest.mark.parametrize("host", ["", "evil.example:8501", "127.0.0.1.evil.example", "[::1", "[x]"])
def test_name_that_was_bent_to_this_machine_is_turned_away(host: str) -> None:
    assert status_to_read(an_access(), {"host": host}) == 421
    headers = {**bearer(CONTROL), "host": host}
    assert status_to_pull(an_access(), headers) == 421


def test_name_of_a_proxy_is_let_in_once_it_is_listed() -> None:
    assert status_to_read(an_access(), {"host": "page.example"}) == 200
    assert status_to_read(Access(), {"host": "page.example"}) == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Basic dXNlcjpwYXNz"}, 401),
        ({"authorization": f"Bearer {READ}x"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Bearer {READ}"}, 200),
        ({"authorization": f"bearer  {CONTROL}"}, 200),
        ({"authorization": "Basic dXNlcjpwYXNz", "x-sutradhar-token": READ}, 200),
        ({"authorization": f"Bearer {READ}", "x-sutradhar-token": "x"}, 401),
        ({"authorization": "Bearer \xff"}, 401),
    ],
)
def test_elsewhere_reading_needs_a_token(headers: Headers, status: int) -> None:
    elsewhere = an_access(is_loopback=False)
    assert status_to_read(elsewhere, {"host": "10.0.0.5", **headers}) == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_need_no_token_anywhere(path: str) -> None:
    assert status_to_read(an_access(is_loopback=False), {"host": "10.0.0.5"}, path) == 200


@pytest.mark.parametrize("is_loopback", [True, False])
def test_no_token_opens_what_no_token_was_set_for(is_loopback: bool) -> None:
    access = an_access(is_loopback=is_loopback, control="")
    for headers in (HERE, bearer(""), bearer(CONTROL), bearer(READ)):
        assert status_to_pull(access, headers) == 403
    nothing = an_access(is_loopback=False, control="", read="")
    assert status_to_read(nothing, bearer("")) == 401


@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("x", 401), (CONTROL[:-1], 401), (READ, 403), (CONTROL, 200)]
)
def test_lever_needs_the_control_token(token: str, status: int) -> None:
    assert status_to_pull(an_access(), bearer(token)) == status
    own = {**HERE, "x-sutradhar-token": token, "authorization": "Basic dXNlcjpwYXNz"}
    assert status_to_pull(an_access(), own) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://127.0.0.1:8501"}, 200),
        ({"origin": "https://page.example"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[::1"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "application/json; charset=utf-8", "content-length": "2"}, 200),
        ({"content-type": "text/plain", "content-length": "2"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-length": "2"}, 415),
        ({"content-length": "0"}, 200),
        ({"transfer-encoding": "chunked"}, 415),
    ],
)
def test_page_of_another_site_pulls_no_lever(headers: Headers, status: int) -> None:
    assert status_to_pull(an_access(), {**bearer(CONTROL), **headers}) == status


def test_tokens_are_in_no_repr() -> None:
    assert CONTROL not in repr(an_access())
    assert READ not in repr(an_access())
