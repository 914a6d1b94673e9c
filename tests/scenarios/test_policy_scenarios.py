"""Every scenario on the engine: policy documents with the sentences that must hold of them."""

from datetime import datetime

import pytest
from access.world import NOBODY, NOW, Grant, World, a_registry, person, robot
from scenarios.sentences import FILES, read

from authsvc.protocol.access import Access, Asked
from authsvc.protocol.names import parse_member, parse_subject


def sentences():
    for path in FILES:
        scenario = read(path)
        for sentence in scenario.sentences:
            yield pytest.param(scenario, sentence, id=f"{path.stem}: {sentence.text}")


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


def a_world(scenario) -> World:
    grants = [a_grant(it["subject"], it, it.get("on", "**")) for it in scenario.get("grants")]
    robots = [a_grant(f"robot:{it['name']}", it, it["namespace"]) for it in scenario.get("robots")]
    return World(
        grants=(*grants, *robots),
        namespaces=tuple(
            (it["name"], it.get("registry"), it.get("visibility", "private"))
            for it in scenario.get("namespaces")
        ),
        members=tuple(
            (f"group:{it['name']}", str(parse_member(member)))
            for it in scenario.get("groups")
            for member in it["members"]
        ),
        roles={
            it["name"]: frozenset(
                action.replace("*", "catalog")
                for allow in it["allow"]
                for action in allow.rpartition(":")[2].split(",")
            )
            for it in scenario.get("roles")
        },
    )


def a_principal(text: str):
    if text == "anonymous":
        return NOBODY
    who = parse_subject(text)
    return robot(who.name) if who.kind == "robot" else person(who.name, who.source)


@pytest.mark.parametrize(("scenario", "sentence"), list(sentences()))
def test_the_sentence_holds(scenario, sentence):
    registries = {it["name"]: it for it in scenario.get("registries")}
    read_only = registries[sentence.service].get("read_only", False)
    decision = a_world(scenario).decide(
        a_principal(sentence.who),
        Asked((Access("repository", sentence.name, sentence.actions),)),
        a_registry(sentence.service, read_only=read_only),
        address=sentence.address or "",
        known=sentence.address is not None,
        now=NOW,
    )
    assert decision.verdicts[0].granted == sentence.granted
