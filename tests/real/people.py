"""Who the flows are played by, and the commands that give them their rights."""

from pathlib import Path

from real.service import Account, Service

ONE = "one.test:5000"
TWO = "two.test:5000"
BRIEF = "brief.test:5000"
"""A registry whose tokens live as briefly as tokens may: a minute."""
GIVING = "giving.test:5000"
"""A registry with refresh tokens."""

WRITER = Account("wendy", "wendy has a long password")
READER = Account("rita", "rita has a long password")
MAINTAINER = Account("mia", "mia has a long password")
STRANGER = Account("nora", "nora has a long password")
CATALOGUER = Account("carl", "carl has a long password")


def introduce(service: Service) -> None:
    """Makes the installation: four registries, a private and a public namespace, and everybody."""
    service.init(ONE)
    for account in (WRITER, READER, MAINTAINER, STRANGER, CATALOGUER):
        service.add_user(account)
    service.cli("policy", "apply", str(Path(__file__).with_name("people.yaml")))
