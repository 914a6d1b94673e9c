"""The policy documents beside this file, and the sentences that must hold of them.

A document is as contract section 8 says; whoever adds a rule adds sentences, not code.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import yaml

from authsvc.access.sentences import parse_sentence
from authsvc.protocol.names import parse_member, parse_subject

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


class Core(yaml.SafeLoader):
    """YAML 1.2 as documents are read by: `on` is a word there, and no truth value."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, text) for tag, text in found if tag != "tag:yaml.org,2002:bool"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


@dataclass(frozen=True)
class Sentence:
    """One of `tests`; `address` None: the caller's true one is not known."""

    text: str
    who: str
    can: bool
    actions: tuple[str, ...]
    name: str
    service: str
    address: str | None

    @property
    def granted(self):
        return tuple(sorted(self.actions)) if self.can else ()

    @property
    def scope(self):
        return f"repository:{self.name}:{','.join(self.actions)}"


@dataclass(frozen=True)
class Scenario:
    """A document, whole, and without what only later issues can make over every interface."""

    document: dict

    def get(self, noun):
        return self.document.get(noun, [])

    @property
    def sentences(self):
        return [sentence(self.document, text) for text in self.document["tests"]]

    @property
    def told(self):
        """The sentences about people and about nobody."""
        return [each for each in self.sentences if not each.who.startswith("robot:")]

    @property
    def grants(self):
        """What can be granted now: to people and groups, and not for a time that is over."""
        now = datetime.now(UTC).isoformat()
        return [
            grant for grant in self.get("grants")
            if not grant["subject"].startswith("robot:") and grant.get("expires_at", "9") > now
        ]  # fmt: skip

    @property
    def groups(self):
        """Each behind those that are members of it."""
        waiting, done = {it["name"]: it["members"] for it in self.get("groups")}, []
        while waiting:
            name = next(
                name for name, members in waiting.items()
                if not {f"group:{other}" for other in waiting} & set(members)
            )  # fmt: skip
            done.append((name, waiting.pop(name)))
        return done

    def people(self, source):
        """The names of all people of a source that are mentioned anywhere."""
        texts = [it["subject"] for it in self.get("grants")] + [it.who for it in self.told]
        found = [parse_subject(text) for text in texts if text != "anonymous"]
        found += [parse_member(text) for _, members in self.groups for text in members]
        return sorted({ref.name for ref in found if (ref.kind, ref.source) == ("user", source)})


def sentence(document, text):
    said = parse_sentence(text)
    service = said.service or document["registries"][0]["name"]
    return Sentence(
        text, said.subject, said.can, said.actions, said.name, service, said.address
    )  # fmt: skip


def read(file):
    return Scenario(yaml.load(file.read_text(), Core))
