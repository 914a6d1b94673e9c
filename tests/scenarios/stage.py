"""An installation with nothing in it but people who can sign in, for scenarios to be played on."""

import bcrypt

from authsvc.assembly.offline import offline
from authsvc.changes import grants, registries
from authsvc.changes.key_maker import KeyMaker
from authsvc.changes.spec import checked
from authsvc.db import schema
from authsvc.principal import SYSTEM
from authsvc.settings import load

PASSWORD = "four lakes and a bridge"
HAND = "stage-hand"  # who sets things up; no scenario knows them
MADE = (
    (registries, registries.RegistrySpec, {"name": "reg-a.test"}),  # `serving` waits for it
    (grants, grants.GrantSpec, {"subject": f"user:corp:{HAND}", "role": "admin"}),
)


def settings_file(folder, url, people=()):
    """Settings with a source `corp`, whose people are these."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text("".join(f"{name}:{hashed}\n" for name in [HAND, *people]))
    file = folder / "authsvc.toml"
    file.write_text(
        f'public_url = "http://auth.test"\ndatabase_url = "{url}"\n'
        '[[sources]]\ntype = "htpasswd"\nname = "corp"\npath = "htpasswd"\n'
    )
    return file


def staged(folder, url, people):
    """A service that is ready to be told a scenario over its admin API."""
    settings = load(settings_file(folder, url, people), {})
    parts = offline(settings)
    schema.upgrade(parts.database)
    KeyMaker(settings, parts.database, parts.unit_of_work, parts.clock).initialise(SYSTEM)
    for noun, kind, members in MADE:
        spec = checked(kind, members)
        parts.unit_of_work.run(SYSTEM, lambda tx, noun=noun, spec=spec: noun.add(tx, spec))
    return settings, parts
