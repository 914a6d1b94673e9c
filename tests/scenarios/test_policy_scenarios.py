"""Policy documents with the sentences that must hold of them (contract section 8), on the engine.

A scenario is a file beside this one; whoever adds a rule adds sentences, not code.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from access.world import NOBODY, NOW, Grant, World, a_registry, person, robot

from authsvc.protocol.access import Access, Asked
from authsvc.protocol.names import parse_member, parse_subject

HERE = Path(__file__).parent
SENTENCE = re.compile(
    r"(?P<who>\S+) (?P<verb>can|cannot) (?P<actions>\S+) (?P<name>\S+)"
    r"(?: on (?P<service>\S+))?(?: from (?P<address>\S+))?"
)


class Core(yaml.SafeLoader):
    """YAML 1.2 as documents are read by: `on` is a word there, and no truth value."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, text) for tag, text in found if tag != "tag:yaml.org,2002:bool"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


def sentences():
    for path in sorted(HERE.glob("*.yaml")):
        document = yaml.load(path.read_text(), Core)
        for sentence in document["tests"]:
            yield pytest.param(document, sentence, id=f"{path.stem}: {sentence}")


def a_grant(subject: str, item: dict, on: str) -> Grant:
    ends = item.get("expires_at")
    return Grant(
        subject=str(parse_subject(subject)),
        role=item["role"],
        on=on,
        registry=item.get("registry"),
        effect=item.get("effect", "allow"),
        expires=datetime.fromisoformat(ends).timestamp() if ends else None,
        cidrs=tuple(item.get("cidrs", ())),
    )


def a_world(document: dict) -> World:
    grants = [a_grant(it["subject"], it, it.get("on", "**")) for it in document.get("grants", ())]
    robots = [
        a_grant(f"robot:{it['name']}", it, it["namespace"]) for it in document.get("robots", ())
    ]
    return World(
        grants=(*grants, *robots),
        namespaces=tuple(
            (it["name"], it.get("registry"), it.get("visibility", "private"))
            for it in document["namespaces"]
        ),
        members=tuple(
            (f"group:{it['name']}", str(parse_member(member)))
            for it in document.get("groups", ())
            for member in it["members"]
        ),
        roles={
            it["name"]: frozenset(
                action for allow in it["allow"] for action in allow.partition(":")[2].split(",")
            )
            for it in document.get("roles", ())
        },
    )


def a_principal(text: str):
    if text == "anonymous":
        return NOBODY
    who = parse_subject(text)
    return robot(who.name) if who.kind == "robot" else person(who.name, who.source)


@pytest.mark.parametrize(("document", "sentence"), list(sentences()))
def test_the_sentence_holds(document, sentence):
    said = SENTENCE.fullmatch(sentence)
    assert said, "no sentence: SUBJECT can|cannot ACTION[,ACTION] NAME [on SERVICE] [from IP]"
    registries = {it["name"]: it for it in document["registries"]}
    service = said["service"] or next(iter(registries))
    actions = tuple(said["actions"].split(","))
    decision = a_world(document).decide(
        a_principal(said["who"]),
        Asked((Access("repository", said["name"], actions),)),
        a_registry(service, read_only=registries[service].get("read_only", False)),
        address=said["address"] or "",
        known=said["address"] is not None,
        now=NOW,
    )
    expected = tuple(sorted(actions)) if said["verb"] == "can" else ()
    assert decision.verdicts[0].granted == expected
