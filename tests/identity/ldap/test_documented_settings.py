"""The settings that docs/sources.md shows are settings, and those for OpenLDAP let people in."""

import re
from pathlib import Path

import pytest
from identity.parts import NOW
from real.company import GROUPS_OF, PASSWORDS
from real.slapd import READERS_PASSWORD

from authsvc.identity.ldap.provider import Ldap
from authsvc.identity.provider import Verified
from authsvc.settings import load

PAGE = Path(__file__).parents[3] / "docs" / "sources.md"
EXAMPLES = dict(
    zip(
        ("htpasswd", "OpenLDAP", "Active Directory"),
        re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL),
        strict=True,
    )
)


def shown(folder, example):
    """The source of an example, its secret and its file made."""
    (folder / "ldap").write_text(READERS_PASSWORD)
    (folder / "ldap").chmod(0o600)
    file = folder / "authsvc.toml"
    file.write_text(EXAMPLES[example].replace("/run/secrets/ldap", str(folder / "ldap")))
    return load(file, {}).sources[0]


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_read(tmp_path, example):
    assert shown(tmp_path, example).name in {"file", "corp"}


def test_people_of_openldap_sign_in_by_the_example(tmp_path, slapd):
    example = shown(tmp_path, "OpenLDAP")
    corp = Ldap(
        example.model_copy(update={"urls": (slapd.tls_url,), "ca_file": slapd.authority.ca})
    )
    found = corp.verify("lana", PASSWORDS["lana"], NOW)
    corp.close()
    assert isinstance(found, Verified)
    wanted = {f"group:corp:{name}" for name in {*GROUPS_OF["lana"], "inner"}}
    assert set(found.principal.groups) == wanted
