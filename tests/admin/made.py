"""Bodies that make and change an item of each collection."""

import itertools

from admin.api import PASSPHRASE

NUMBERS = itertools.count(1)
NOUNS = ["registries", "namespaces", "users", "groups", "roles", "grants", "robots"]
CHANGES = {
    "registries": {"ttl": 600},
    "namespaces": {"visibility": "public"},
    "users": {"enabled": False},
    "groups": {"members": ["file:bob"]},
    "roles": {"allow": ["repository:pull"]},
    "grants": {"role": "writer"},
    "robots": {"role": "writer"},
}


def fresh(noun):
    """A body that makes an item which is not there yet."""
    number = next(NUMBERS)
    return {
        "registries": {"name": f"r{number}.test:5000"},
        "namespaces": {"name": f"space{number}"},
        "users": {"name": f"user{number}", "password": PASSPHRASE},
        "groups": {"name": f"group{number}"},
        "roles": {"name": f"role{number}", "allow": ["repository:push"]},
        "pats": {"name": f"token{number}", "user": "file:alice"},
        "grants": {"subject": "user:file:bob", "role": "reader", "on": f"place{number}"},
        "robots": {"name": f"robot{number}", "namespace": f"place{number}", "role": "reader"},
    }[noun]
