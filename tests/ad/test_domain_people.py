"""Who somebody of a domain is: the name, the id and the groups."""

import pytest
from identity.parts import NOW
from real.domain import COMMON_NAMES, DIRECTLY, NESTED, dn_of, group, group_dn, password_of
from real.samba import GROUPS, PEOPLE, SUFFIX
from real.slapd import entry

from authsvc.identity.provider import Rejected, Unknown, Verified

EVERYBODY = [pytest.param(name, id=f"person-{n}") for n, name in enumerate(COMMON_NAMES, 1)]


def verified(source, name, password=None):
    outcome = source.verify(name, password or password_of(name), NOW)
    assert isinstance(outcome, Verified)
    return outcome.principal


def subjects(names):
    return tuple(sorted(f"group:corp:{name}" for name in names))


@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_gets_their_own_name_and_nested_groups(corp, name):
    source = corp()
    principal = verified(source, name)
    assert principal.name == name
    assert principal.groups == subjects(NESTED.get(name, ()))
    assert source.verify(name, password_of(name) + "x", NOW) == Rejected("wrong_password")


@pytest.mark.parametrize("name", EVERYBODY)
def test_the_id_is_the_guid_as_the_domain_itself_writes_it(corp, domain, name):
    principal = verified(corp(), name)
    shown = domain.tool("user", "show", name, "--attributes=objectGUID")
    assert f"objectGUID: {principal.id}" in shown.splitlines()


def test_a_person_is_found_by_the_id(corp):
    source = corp()
    for name in COMMON_NAMES:
        principal = verified(source, name)
        assert source.recheck(principal) == principal


@pytest.mark.parametrize(
    ("strategy", "groups"),
    [
        pytest.param("member", DIRECTLY["lana"], id="member"),
        pytest.param("memberof", DIRECTLY["lana"], id="memberof"),
        pytest.param("ad-nested", NESTED["lana"], id="ad-nested"),
        pytest.param("recursive", NESTED["lana"], id="recursive"),
    ],
)
def test_a_strategy_finds_what_its_name_says(corp, strategy, groups):
    """`memberof` knows groups by their distinguished names alone."""
    source = corp(group_strategy=strategy, group_attribute="cn")
    assert verified(source, "lana").groups == subjects(groups)


def test_two_groups_of_one_common_name_are_two_by_their_account_names(corp, domain, eve):
    above = f"OU=of {eve.name},{GROUPS}"
    twin = group_dn("devs", above)
    domain.add([
        entry(above, ["organizationalUnit"], ou=f"of {eve.name}"),
        group(f"{eve.name}-devs", [eve.dn], twin),
    ])  # fmt: skip
    assert verified(corp(), eve.name).groups == subjects([f"{eve.name}-devs"])


@pytest.mark.parametrize("typed", ["LANA", "Lana", "lAnA"])
def test_other_letters_lead_to_the_stored_name(corp, typed):
    source = corp()
    assert verified(source, typed, password_of("lana")).name == "lana"
    assert source.knows(typed).name == "lana"


def test_capitals_are_kept_as_they_are_stored(corp, eve):
    assert verified(corp(), eve.name.lower(), eve.password).name == eve.name


@pytest.mark.parametrize("typed", ["lana@ad.test", "Lana@AD.test"])
def test_a_login_by_principal_name_gives_the_stored_name(corp, typed):
    source = corp(
        user_filter="(&(objectCategory=person)"
        "(|(sAMAccountName={username})(userPrincipalName={username})))"
    )
    assert verified(source, typed, password_of("lana")) == verified(source, "lana")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("zoe", id="LD-21 without its dots"),
        pytest.param("\uff4cana", id="LD-21 full width"),
        pytest.param("lana,OU=people", id="LD-04 a DN's next part"),
        pytest.param("ADTEST\\lana", id="with its domain"),
        pytest.param("lana)(objectClass=*", id="a second condition"),
        pytest.param("lan*", id="the beginning"),
        pytest.param("lana\0", id="NUL"),
        pytest.param(" lana", id="leading blank"),
        pytest.param("lana ", id="trailing blank"),
        pytest.param(dn_of("lana"), id="a whole DN"),
        pytest.param("devs", id="a group"),
        pytest.param("DC1$", id="a computer"),
        pytest.param("reader", id="outside of the base"),
    ],
)
def test_a_name_is_never_more_than_a_name(corp, name):
    source = corp(user_base=PEOPLE)
    for password in (password_of("lana"), "", "*"):
        assert source.verify(name, password, NOW) == Unknown()
    assert source.knows(name) is None


def test_referrals_to_other_parts_of_the_forest_are_left_alone(corp, domain):
    """A search from the top of a domain always brings some."""
    assert "# refldaps://ad.test/" in domain.find("(sAMAccountName=lana)", "cn")
    source = corp(user_base=SUFFIX, group_base=SUFFIX)
    principal = verified(source, "lana")
    assert set(subjects(NESTED["lana"])) <= set(principal.groups)
    assert source.recheck(principal) == principal
    assert source.verify("nobody", "wrong", NOW) == Unknown()
    source.refresh()
    assert source.state() == "ok"
