"""A Bearer of the admin API, and what looks like a secret of ours though it is none."""

import pytest

from authsvc.protocol import secrets
from authsvc.protocol.credentials import (
    MAX_SECRET,
    Anonymous,
    Bearer,
    Malformed,
    Password,
    from_api_authorization,
    from_authorization,
)

SECRET = secrets.mint("pat", lambda length: bytes(range(7, 7 + length)))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(b"Bearer " + SECRET.encode(), Bearer(SECRET), id="as it is"),
        pytest.param(
            b"bEARER   " + SECRET.encode() + b" \t", Bearer(SECRET), id="any case, blanks"
        ),
        pytest.param(b"Bearer a.b-c_d~e/f+g==", Bearer("a.b-c_d~e/f+g=="), id="RFC 6750 2.1"),
        pytest.param(b"Bearer " + b"x" * MAX_SECRET, Bearer("x" * MAX_SECRET), id="longest"),
        pytest.param(b"Bearer " + b"x" * (MAX_SECRET + 1), Malformed("too_long"), id="longer"),
        pytest.param(b"Bearer", Malformed("scheme"), id="nothing"),
        pytest.param(b"Bearer ", Malformed("scheme"), id="blank"),
        pytest.param(b"Bearer a b", Malformed("scheme"), id="two"),
        pytest.param(b"Bearer a,Bearer b", Malformed("scheme"), id="a list"),
        pytest.param(b"Bearer a\0", Malformed("scheme"), id="NUL"),
        pytest.param(b"Bearer a\n", Malformed("scheme"), id="line end"),
        pytest.param("Bearer ä".encode(), Malformed("scheme"), id="not ASCII"),
        pytest.param(b"Bearer =", Malformed("scheme"), id="padding alone"),
        pytest.param(b"Bearer\t" + SECRET.encode(), Malformed("scheme"), id="tab"),
        pytest.param(b"BearerX a", Malformed("scheme"), id="another scheme"),
        pytest.param(b"Basic YTpi", Password("a", "b"), id="Basic"),
        pytest.param(b"", Malformed("scheme"), id="empty"),
        pytest.param(None, Anonymous(), id="none"),
    ],
)
def test_the_admin_api_takes_a_bearer_beside_basic_and_the_token_realm_does_not(header, expected):
    assert from_api_authorization(header) == expected
    if isinstance(expected, Bearer):
        assert from_authorization(header) == Malformed("scheme")
        assert expected.secret not in repr(expected)


@pytest.mark.parametrize(
    "text",
    [
        SECRET, SECRET.upper(), SECRET.swapcase(), f" {SECRET}\n", SECRET[:-3], SECRET + "abc",
        SECRET[:10] + "_" + SECRET[11:], SECRET.replace("pat", "rob").lower(),
    ],
)  # fmt: skip
def test_what_was_a_secret_of_ours_before_it_was_mistyped_is_known_as_one(text):
    assert secrets.resembles(text)
    assert (secrets.kind_of(text) is None) == (text != SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "", "asv_pat_", "asv_pat", "correct horse battery staple", "asv_abc_" + "x" * 36,
        "my asv_pat_" + "x" * 36, "asv_pat_ " + "x" * 36, "asv_pat_" + "x" * 20,
        "asv_pat_" + "x" * 60, "asv_pat_" + "x" * 18 + " " + "x" * 17, "\N{KELVIN SIGN}" * 40,
    ],
)  # fmt: skip
def test_what_somebody_may_have_for_a_password_is_left_to_the_sources(text):
    assert not secrets.resembles(text)
