"""What holds for every input: print then parse is the identity, and nothing raises unforeseen."""

import base64
import json
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from authsvc.errors import Invalid, TooLarge
from authsvc.protocol import names, oauth2, scope
from authsvc.protocol.access import Access
from authsvc.protocol.claims import b64, fixed_part, payload
from authsvc.protocol.credentials import MAX_SECRET, MAX_USERNAME, Password, from_authorization
from authsvc.protocol.secrets import kind_of, mint

FORM = b"application/x-www-form-urlencoded"
SMALL = "abcxyz0189"

words = st.text(SMALL, min_size=1, max_size=6)
components = st.builds(
    lambda first, rest: first + "".join(rest),
    words,
    st.lists(
        st.builds(str.__add__, st.sampled_from([".", "_", "__", "-", "---"]), words), max_size=2
    ),
)
paths = st.lists(components, min_size=1, max_size=4).map("/".join)
hosts = st.builds(
    lambda label, port: label + port,
    st.sampled_from(["Reg", "reg-a.test", "localhost", "127.0.0.1", "A--b.C"]),
    st.sampled_from(["", ":1", ":5000"]),
)
hosted = st.builds(lambda host, path: f"{host}/{path}", hosts, paths)
actions = st.lists(
    st.sampled_from(["pull", "push", "delete", "*", "search"]), min_size=1, max_size=4, unique=True
).map(tuple)
classes = st.one_of(st.just(""), words)
repositories = st.builds(
    Access, st.just("repository"), st.one_of(st.just(""), paths, hosted), actions, classes
)
others = st.builds(
    Access,
    words,
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20),
    actions,
    classes,
)
entries = st.one_of(repositories, others)
# Bytes as hostile clients make them: pieces of real requests in any order, and noise between.
FRAGMENTS = (
    b"& = % + ; : , %20 %FF %00 %2 \xff service scope grant_type password refresh_token username "
    b"client_id access_type offline_token true offline service=r repository:a:pull &scope= "
    b"&grant_type=password &username=a&password=b"
)
pieces = st.one_of(st.binary(max_size=6), st.sampled_from([b" ", *FRAGMENTS.split(b" ")]))
noise = st.lists(pieces, max_size=20).map(b"".join)


@given(entries)
def test_a_printed_entry_is_parsed_to_itself(entry):
    assert scope.parse_entry(entry.scope) == entry


@given(
    st.lists(entries, max_size=8, unique_by=lambda entry: (entry.type, entry.class_, entry.name))
)
def test_a_printed_list_is_parsed_to_itself_however_it_is_sent(listed):
    printed = [entry.scope for entry in listed]
    assert scope.parse(printed).entries == tuple(listed)
    assert scope.parse([" ".join(printed)]) == scope.parse(printed)


@given(st.lists(st.one_of(st.text(max_size=30), entries.map(lambda entry: entry.scope))))
@example(["repository:\ud800:pull"])
def test_parsing_yields_nothing_that_was_not_asked(values):
    texts = [text for value in values for text in value.split(" ") if text]
    asked = scope.parse(values)
    assert len(asked.entries) + len(asked.junk) <= len(texts)
    assert set(asked.junk) <= set(texts)
    for entry in asked.entries:
        kind = f"{entry.type}({entry.class_})" if entry.class_ else entry.type
        head = f"{kind}:{entry.name}:"
        mine = [text.removeprefix(head).split(",") for text in texts if text.startswith(head)]
        assert entry.actions
        assert len(set(entry.actions)) == len(entry.actions)
        assert all(any(action in listed for listed in mine) for action in entry.actions)


@given(st.text())
@example("a" * 300)
@example("A:1/b\n")
def test_grammars_answer_for_any_text_and_accept_ascii_only(text):
    checks = (names.is_repository_name, names.is_path, names.is_path_component, names.is_service,
              names.is_role_name, names.is_robot_name, names.is_source_name)  # fmt: skip
    assert all(text.isascii() and text for check in checks if check(text))
    assert not names.is_user_name(text) or text.isprintable()


@given(st.one_of(paths, hosted))
def test_names_made_by_the_grammar_are_names(name):
    assert names.is_repository_name(name)


@given(st.one_of(st.text(), st.text("abl.:", max_size=12).map("user:".__add__)))
def test_a_subject_is_invalid_or_prints_to_what_parses_to_it(text):
    with suppress(Invalid):
        subject = names.parse_subject(text)
        assert names.parse_subject(str(subject)) == subject


@given(
    st.text(
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters=":"),
        min_size=1,
        max_size=255,
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=1_024),
)
def test_basic_gives_back_the_pair_that_was_put_in(username, secret):
    header = b"Basic " + base64.b64encode(f"{username}:{secret}".encode())
    assert from_authorization(header) == Password(username, secret)


@given(st.one_of(noise, st.binary(), st.binary().map(lambda raw: b"Basic " + raw)))
@example(b"Basic YTpiYx==")
def test_a_header_means_one_pair_or_none(value):
    shown = from_authorization(value)
    if isinstance(shown, Password):
        pair = f"{shown.username}:{shown.secret}".encode()
        assert value.strip(b" \t").split()[-1] == base64.b64encode(pair)
        assert 0 < len(shown.username) <= MAX_USERNAME
        assert 0 < len(shown.secret) <= MAX_SECRET


@given(noise)
def test_a_query_is_parsed_or_invalid(raw):
    with suppress(oauth2.OAuthInvalid, TooLarge):
        asked = oauth2.parse_query(raw)
        assert names.is_service(asked.service)
        assert asked.client_id is None or asked.client_id.isprintable()
        scope.parse(asked.scopes)
    with suppress(oauth2.OAuthInvalid):
        oauth2.check_post_query(raw)


@given(noise)
def test_a_form_is_parsed_or_invalid(raw):
    for body in (raw, b"service=r&grant_type=password&username=a&password=b&" + raw):
        with suppress(oauth2.OAuthInvalid, TooLarge):
            asked = oauth2.parse_form(body, FORM)
            assert names.is_service(asked.service)
            assert asked.grant_type in {"password", "refresh_token"}
            scope.parse(asked.scopes)


@given(st.binary())
def test_any_content_type_is_a_form_or_an_unsupported_body(content_type):
    with suppress(oauth2.UnsupportedBody):
        oauth2.parse_form(b"service=r&grant_type=refresh_token&refresh_token=x", content_type)


@given(
    st.text(),
    st.text(),
    st.lists(entries, max_size=4),
    st.integers(60, 2**40),
    st.integers(60, 3600),
)
def test_claims_are_read_as_they_were_made(issuer, subject, access, now, ttl):
    text = payload(fixed_part(issuer, subject, "r", access), now, ttl, "0" * 32)
    claims = json.loads(text)
    assert text.isascii()
    assert (claims["iss"], claims["sub"], claims["aud"]) == (issuer, subject, "r")
    assert (claims["exp"] - now, now - claims["nbf"], now - claims["iat"]) == (ttl, 60, 60)
    assert [(one["type"], one["name"], one.get("class", "")) for one in claims["access"]] == [
        (entry.type, entry.name, entry.class_) for entry in access
    ]


@given(st.binary())
def test_base64url_is_the_urlsafe_one_without_padding(data):
    assert b64(data) == base64.urlsafe_b64encode(data).rstrip(b"=")


@given(st.sampled_from(["pat", "rob", "ref"]), st.binary(min_size=48, max_size=48))
def test_a_minted_secret_is_known(kind, drawn):
    assert kind_of(mint(kind, lambda _count: drawn)) == kind


@given(st.binary(min_size=48, max_size=48), st.integers(0, 43), st.characters())
def test_a_secret_with_one_character_changed_is_none(drawn, place, other):
    secret = mint("pat", lambda _count: drawn)
    changed = secret[:place] + other + secret[place + 1 :]
    assert (kind_of(changed) is None) == (changed != secret)


@given(st.text())
def test_any_text_has_a_kind_or_none(text):
    assert kind_of(text) is None
