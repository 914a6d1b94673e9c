"""The grammar of tests beside a policy (contract section 8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authsvc.access.sentences import LONGEST, Sentence, parse_sentence
from authsvc.errors import Invalid
from authsvc.protocol.names import is_repository_name, is_user_name

WORDS = ["can", "cannot", "on", "from", "pull", "push,pull", "reg", "a b", "a", "x/y", "é", "10"]
spoken = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
people = st.one_of(spoken, st.text(max_size=12)).filter(is_user_name)
subjects = st.one_of(
    st.just("anonymous"),
    st.sampled_from(["robot:ci", "robot:can"]),
    people.map("user:local:{}".format),
    people.map("user:corp:{}".format),
)
names = st.one_of(
    st.sampled_from(["can", "cannot", "on", "from/on", "team/app", "host.test:5000/app", "pull"]),
    st.from_regex(r"[a-z0-9]{1,5}(/[a-z0-9]{1,5}){0,2}", fullmatch=True),
).filter(is_repository_name)
sentences = st.builds(
    lambda subject, can, actions, name, service, address: Sentence(
        " ".join(
            [subject, "can" if can else "cannot", ",".join(actions), name]
            + ["on", service] * (service is not None)
            + ["from", address] * (address is not None)
        ),
        subject, can, tuple(actions), name, service, address,
    ),
    subjects,
    st.booleans(),
    st.lists(st.sampled_from(["pull", "push", "delete"]), min_size=1, max_size=3, unique=True),
    names,
    st.sampled_from([None, "reg", "localhost:5000", "can", "from", "on", "pull"]),
    st.sampled_from([None, "192.0.2.7", "2001:db8::7"]),
)  # fmt: skip


@given(sentences)
def test_a_sentence_is_read_as_it_is_written(sentence):
    assert parse_sentence(sentence.text) == sentence


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("alice can pull a", "user:local:alice"),
        ("Alice B can pull a", "user:local:Alice B"),
        ("can can pull a", "user:local:can"),
        ("user:alice can pull a", "user:local:alice"),
        ("robot:robot.ci can pull a", "robot:ci"),
        ("anonymous can pull a", "anonymous"),
    ],
)
def test_a_bare_name_is_a_local_person_and_subjects_are_canonical(text, subject):
    assert parse_sentence(text).subject == subject


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "write SUBJECT can|cannot", id="nothing"),
        pytest.param("alice can pull", "write SUBJECT can|cannot", id="no name"),
        pytest.param("alice may pull a", "write SUBJECT can|cannot", id="another verb"),
        pytest.param(" can pull a", "write SUBJECT can|cannot", id="no subject"),
        pytest.param("alice can pull a on", "write SUBJECT can|cannot", id="no registry"),
        pytest.param("alice can pull a from 10.0.0.1 on reg", "write SUBJECT can|cannot",
                     id="another order"),
        pytest.param("alice can  pull a", "write SUBJECT can|cannot", id="two blanks"),
        pytest.param("alice\ncan pull a", "write SUBJECT can|cannot", id="two lines"),
        pytest.param("alice can pull a\n", "write SUBJECT can|cannot", id="a line's end"),
        pytest.param("alice can pull,fly a", "'pull,fly' are no actions", id="action"),
        pytest.param("alice can pull,pull a", "each once", id="an action twice"),
        pytest.param("alice can * a", "are no actions", id="every action"),
        pytest.param("alice can pull team/*", "is no name of a repository", id="glob"),
        pytest.param("alice can pull Team", "is no name of a repository", id="capital"),
        pytest.param("alice can pull a on 'reg'", "is no name of a registry", id="quotes"),
        pytest.param("alice can pull a from 10.0.0.0/8", "is no IP address", id="network"),
        pytest.param("group:devs can pull a", "is nobody who asks for tokens", id="group"),
        pytest.param("everyone can pull a", "is nobody who asks for tokens", id="everyone"),
        pytest.param("authenticated can pull a", "is nobody who asks", id="authenticated"),
        pytest.param("robot.ci can pull a", "is nobody who asks for tokens", id="a robot's login"),
        pytest.param("user: can pull a", "is nobody who asks for tokens", id="nobody's name"),
        pytest.param(" alice can pull a", "is nobody who asks for tokens", id="outer blank"),
        pytest.param("x" * LONGEST + " can pull a", "write SUBJECT can|cannot", id="too long"),
    ],
)  # fmt: skip
def test_what_is_no_sentence_says_what_to_write(text, says):
    with pytest.raises(Invalid, match=says.replace("|", r"\|").replace("*", r"\*")):
        parse_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        " can" * 375,
        "a can pull " * 130,
        "a can pull b on c from " * 60,
        "can" + " " * (LONGEST - 3),
        "a " * 740 + "can pull",
        "a can " + "pull," * 290,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_sentences_are_refused_at_once(text):
    assert len(text) <= LONGEST
    for _ in range(200):
        with pytest.raises(Invalid):
            parse_sentence(text)
