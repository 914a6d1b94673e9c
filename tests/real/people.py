"""Who the flows are played by, and the commands that give them their rights."""

from real.service import Account, Service

ONE = "one.test:5000"
TWO = "two.test:5000"
BRIEF = "brief.test:5000"
"""A registry whose tokens live as briefly as tokens may: a minute."""

WRITER = Account("wendy", "wendy has a long password")
READER = Account("rita", "rita has a long password")
MAINTAINER = Account("mia", "mia has a long password")
STRANGER = Account("nora", "nora has a long password")
CATALOGUER = Account("carl", "carl has a long password")


def introduce(service: Service) -> None:
    """The registries, a private and a public namespace, and everybody's grants."""
    service.init(ONE)
    for name in (TWO, BRIEF):
        service.cli("registry", "add", name)
    service.cli("registry", "set", BRIEF, "--ttl", "60")
    for account in (WRITER, READER, MAINTAINER, STRANGER, CATALOGUER):
        service.add_user(account)
    service.cli("namespace", "add", "team", "--visibility", "private")
    service.cli("namespace", "add", "open", "--visibility", "public")
    service.cli("group", "add", "devs")
    service.cli("group", "member", "add", "devs", WRITER.name)
    for subject, role, where in (
        ("group:devs", "writer", ["--on", "team"]),
        ("group:devs", "writer", ["--on", "open"]),
        (f"user:{READER.name}", "reader", ["--on", "team"]),
        (f"user:{MAINTAINER.name}", "maintainer", ["--on", "team"]),
        (f"user:{CATALOGUER.name}", "catalog-reader", []),
    ):
        service.cli("grant", "add", "--to", subject, "--role", role, *where)
