"""What becomes of each kind of rule of docker_auth: grants that say the same, or a proposal."""

import json

import pytest

from authsvc.changes.imports.docker_auth import configuration
from authsvc.changes.imports.docker_auth.rules import MOST_GRANTS
from authsvc.changes.imports.docker_auth.translation import translated
from authsvc.errors import Conflict

HASH = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
USERS = {name: {"password": HASH} for name in ("alice", "bob", "dev-a", "dev-b", "Team")}
PUBLIC = {**USERS, "": {}}
PULL, PUSH, ALL = ["pull"], ["push", "pull"], ["*"]


def rows(acl, users=USERS, *, accept_wider=False, **members):
    data = json.dumps({"users": users, "acl": acl, **members}).encode()
    translation = translated(configuration.read("x.yml", data), accept_wider=accept_wider)
    return [row.becomes for row in translation.rows if "actions=" in row.text]


def rule(actions, **match):
    return {"match": match, "actions": actions}


def said(becomes):
    """Each grant in short."""
    return [
        " ".join(filter(None, (spec.role, spec.subject, spec.on, spec.registry, *spec.cidrs)))
        for spec in becomes.grants
    ]


@pytest.mark.parametrize(
    ("one", "grants"),
    [
        pytest.param(
            rule(ALL, account="alice"),
            ["maintainer user:local:alice **", "catalog-reader user:local:alice **"],
            id="everything, the catalog too",
        ),
        pytest.param(
            rule(ALL, account="alice", type="repository"),
            ["maintainer user:local:alice **"],
            id="repositories alone",
        ),
        pytest.param(
            rule(ALL, account="alice", type="registry", name="catalog"),
            ["catalog-reader user:local:alice **"],
            id="the catalog alone",
        ),
        pytest.param(
            rule(ALL, account="alice", name="ca*"),
            ["maintainer user:local:alice ca*", "catalog-reader user:local:alice **"],
            id="a glob that matches the catalog",
        ),
        pytest.param(rule(PULL, account="alice"), ["reader user:local:alice **"], id="pull"),
        pytest.param(
            rule(PUSH, account="bob", name="team/*"), ["writer user:local:bob team/*"], id="push"
        ),
        pytest.param(
            rule(["push", "delete", "pull"], account="bob", name="*/app"),
            ["maintainer user:local:bob */app"],
            id="all by name",
        ),
        pytest.param(
            rule(PULL, account="bob", name="a**b/***"),
            ["reader user:local:bob a*b/*"],
            id="several stars are one",
        ),
        pytest.param(
            rule(PULL, account="dev-*", name="*"),
            ["reader user:local:dev-a *", "reader user:local:dev-b *"],
            id="a glob over accounts",
        ),
        pytest.param(
            rule(PULL, account="?ob", name="*"), ["reader user:local:bob *"], id="one character"
        ),
        pytest.param(
            rule(PULL, name="*/*"), ["reader authenticated */*"], id="whoever can sign in"
        ),
        pytest.param(
            rule(PULL, account="bob", ip="10.1.2.3/8"),
            ["reader user:local:bob ** 10.0.0.0/8"],
            id="a network, its host bits dropped as Go does",
        ),
        pytest.param(
            rule(PULL, account="bob", ip="::ffff:10.1.2.3"),
            ["reader user:local:bob ** 10.1.2.3/32"],
            id="an address mapped into IPv6",
        ),
        pytest.param(
            rule(PULL, account="bob", service="reg:5000"),
            ["reader user:local:bob ** reg:5000"],
            id="one service",
        ),
        pytest.param(
            rule(PULL, account="bob", type="*", labels={}),
            ["reader user:local:bob **"],
            id="no labels, any type",
        ),
        pytest.param(
            rule(ALL, account="alice", name="${account}/*"),
            ["maintainer user:local:alice {username}/*"],
            id="the name of the account",
        ),
        pytest.param(rule(PULL, account="zoe"), [], id="nobody is called so"),
        pytest.param(rule(PULL, type="plugin"), [], id="nothing is of that type"),
        pytest.param(rule(PULL, name="a//b"), [], id="no repository is called so"),
        pytest.param(rule([], name="*"), [], id="a denial with nothing below"),
        pytest.param(rule(PULL, type="registry"), [], id="nothing of the catalog"),
    ],
)
def test_what_grants_say_exactly_becomes_them_and_is_not_listed(one, grants):
    (becomes,) = rows([one])
    assert said(becomes) == grants
    assert becomes.proposal == ""
    assert bool(becomes.reason) is not bool(grants)


@pytest.mark.parametrize(
    ("one", "reason", "proposal"),
    [
        pytest.param(
            rule(PULL, account="/.+/"),
            "regular expression",
            "--to authenticated --role reader --on '**'",
            id="a regular expression over accounts",
        ),
        pytest.param(
            rule(PULL, name="/^team/"), "regular expression", "--on PATH_OR_GLOB", id="over names"
        ),
        pytest.param(
            rule(PULL, service="/^reg/"), "all registries, or", "--registry NAME", id="services"
        ),
        pytest.param(rule(PULL, service="r*"), "all registries", "--registry NAME", id="a glob"),
        pytest.param(
            rule(PULL, service="Docker registry"), "without blanks", "--registry NAME", id="blank"
        ),
        pytest.param(rule(PULL, labels={"group": "dev"}), "labels", "--to group:NAME", id="labels"),
        pytest.param(
            rule(PULL, name="${labels:group}/*"), "variable", "PATH_OR_GLOB", id="labels in a name"
        ),
        pytest.param(rule(PULL, account="${name}"), "variable", "--to SUBJECT", id="a variable"),
        pytest.param(rule(PULL, name="t?am/*"), "'?'", "PATH_OR_GLOB", id="one character"),
        pytest.param(rule(PULL, name="[a-c]/*"), "'['", "PATH_OR_GLOB", id="a set"),
        pytest.param(rule(PULL, name="a\\*/*"), "'\\'", "PATH_OR_GLOB", id="an escape"),
        pytest.param(rule(PULL, account="[ab]*"), "'['", "--to SUBJECT", id="a set of accounts"),
        pytest.param(
            rule(PULL, name="Team/*"), "can match no repository", "PATH_OR_GLOB", id="a host"
        ),
        pytest.param(
            rule(PULL, account="bob", name="hello"),
            "--accept-wider",
            "--to user:bob --role reader --on hello",
            id="an exact name",
        ),
        pytest.param(
            rule(["push"], account="bob"), "no role", "--allow repository:push", id="push alone"
        ),
        pytest.param(rule(["pull", "*"]), "'*' among others", "--role reader", id="a star beside"),
        pytest.param(rule(["pull", "tag"]), "'tag'", "--role reader", id="an unknown action"),
        pytest.param(rule(PULL, type="re*"), "types", "--role reader", id="a glob over types"),
    ],
)
def test_what_has_no_equal_is_listed_with_a_proposal_and_not_applied(one, reason, proposal):
    (becomes,) = rows([one])
    assert said(becomes) == []
    assert reason in becomes.reason
    assert proposal in becomes.proposal


def test_an_exact_name_becomes_a_path_when_wider_is_accepted():
    (becomes,) = rows([rule(PULL, account="bob", name="team/app")], accept_wider=True)
    assert said(becomes) == ["reader user:local:bob team/app"]
    assert becomes.proposal == ""


def test_an_exact_name_is_not_widened_over_what_an_earlier_line_keeps():
    acl = [rule([], name="team/app/secret"), rule(PULL, name="team/app")]
    denial, wide = rows(acl, accept_wider=True)
    assert said(wide) == []
    assert "comes first" in wide.reason
    assert said(denial) == []


def test_who_does_not_sign_in_becomes_everyone_and_is_listed():
    (becomes,) = rows([rule(PULL, account="", name="open/*")], PUBLIC)
    assert said(becomes) == ["reader everyone open/*"]
    assert "people who sign in get it as well" in becomes.reason
    assert becomes.proposal.endswith("--to authenticated --role reader --on 'open/*' --deny")


@pytest.mark.parametrize("users", [USERS, {**USERS, "": None}, {**USERS, "": {"password": HASH}}])
@pytest.mark.parametrize(
    "match",
    [
        pytest.param({"name": "secret/*"}, id="a glob"),
        pytest.param({"name": "secret/app"}, id="an exact name"),
        pytest.param({"name": "/^secret/"}, id="a regular expression"),
        pytest.param({"labels": {"group": "dev"}}, id="labels"),
        pytest.param({}, id="everything"),
    ],
)
def test_who_does_not_sign_in_is_proposed_nothing_where_everybody_must(match, users):
    for actions in (PULL, ALL, ["push"]):
        (becomes,) = rows([rule(actions, account="", **match)], users)
        assert (becomes.grants, becomes.proposal) == ((), "")
        assert becomes.reason.startswith("nothing to do: ")


def test_a_rule_for_whoever_asks_is_for_everyone_where_nobody_must_sign_in():
    (becomes,) = rows([rule(PULL, name="open/*")], PUBLIC)
    assert said(becomes) == ["reader everyone open/*"]
    assert becomes.proposal == ""


def test_a_star_for_the_account_is_everyone_but_for_names_with_a_slash():
    (becomes,) = rows([rule(PULL, account="*", name="open/*")], PUBLIC)
    assert said(becomes) == ["reader everyone open/*"]
    assert "'/' in their names" in becomes.reason
    (becomes,) = rows([rule(PULL, account="*", name="open/*")], {**PUBLIC, "a/b": USERS["bob"]})
    assert said(becomes) == []
    assert becomes.proposal


def test_more_people_than_the_file_names_make_a_glob_over_accounts_one_without_equal():
    acl = [rule(PULL, account="dev-*"), rule(PULL, account="zoe"), rule(PULL)]
    globbed, named, all_ = rows(acl, ldap_auth={"addr": "ldap.test"})
    assert said(globbed) == said(named) == []
    assert "not in this file" in globbed.reason
    assert "--to user:SOURCE:zoe" in named.proposal
    assert said(all_) == ["reader authenticated **"]


def ordered(name, acl, expected, *, users=USERS):
    """A list of rules, and the grants that each becomes."""
    return pytest.param(acl, expected, users, id=name)


ORDERED = [
    ordered(
        "less and less: the order tells nothing",
        [rule(ALL, account="alice"), rule(PUSH, name="team/*"), rule(PULL)],
        [
            ["maintainer user:local:alice **", "catalog-reader user:local:alice **"],
            ["writer everyone team/*"],
            ["reader everyone **"],
        ],
        users=PUBLIC,
    ),
    ordered(
        "never reached",
        [rule(PULL, name="team/*"), rule(PUSH, name="team/*")],
        [["reader authenticated team/*"], []],
    ),
    ordered(
        "the first gives less where both match",
        [rule(PULL, name="team/*"), rule(PUSH, name="*/*")],
        [["reader authenticated team/*"], []],
    ),
    ordered(
        "nothing in common",
        [rule(PULL, name="team/*"), rule(PUSH, name="other/*")],
        [["reader authenticated team/*"], ["writer authenticated other/*"]],
    ),
    ordered(
        "all but one",
        [rule([], account="bob"), rule(PULL, name="*/*")],
        [[], [f"reader user:local:{name} */*" for name in ("Team", "alice", "dev-a", "dev-b")]],
    ),
    ordered(
        "all but one, and who does not sign in",
        [rule([], account="bob"), rule(PULL, name="*/*")],
        [[], []],
        users=PUBLIC,
    ),
    ordered(
        "who does not sign in is done with before",
        [rule(PULL, account="", name="open/*"), rule([], account=""), rule(PULL)],
        [["reader everyone open/*"], [], ["reader authenticated **"]],
        users=PUBLIC,
    ),
    ordered(
        "other networks",
        [rule([], ip="10.0.0.0/8"), rule(PULL, ip="192.0.2.0/24"), rule(PULL)],
        [[], ["reader authenticated ** 192.0.2.0/24"], []],
    ),
    ordered(
        "a network within another is never reached",
        [rule([], ip="10.0.0.0/8"), rule(PULL, ip="10.1.0.0/16")],
        [[], []],
    ),
    ordered(
        "other services",
        [rule([], service="reg"), rule(PULL, service="other"), rule(PULL)],
        [[], ["reader authenticated ** other"], []],
    ),
    ordered(
        "the catalog is taken before",
        [rule([], type="registry"), rule(ALL, account="bob")],
        [[], ["maintainer user:local:bob **"]],
    ),
    ordered(
        "what a regular expression matches nobody knows here",
        [rule([], name="/^secret/"), rule(PULL, name="team/*")],
        [[], []],
    ),
    ordered(
        "one who may come later",
        [rule([], account="zoe"), rule(PULL, name="*/*")],
        [[], [f"reader user:local:{name} */*" for name in sorted(USERS)]],
    ),
    ordered(
        "a variable is compared as filled in",
        [rule(PULL, name="${account}/*"), rule(PUSH, name="alice/*")],
        [["reader authenticated {username}/*"], []],
    ),
]


@pytest.mark.parametrize(("acl", "expected", "users"), ORDERED)
def test_a_rule_is_taken_only_where_no_line_before_it_gives_less(acl, expected, users):
    assert [said(becomes) for becomes in rows(acl, users)] == expected


def test_a_rule_that_is_cut_names_the_line_that_comes_first():
    data = b"""users: {bob: {password: x}}
acl:
- match: {name: team/*}
  actions: [pull]
- match: {}
  actions: [pull, push]
"""
    found = translated(configuration.read("x.yml", data), accept_wider=False)
    last = found.rows[-1]
    assert (last.line, last.column) == (5, 3)
    assert last.becomes.reason.startswith("line 3 comes first")
    assert "deny what line 3 keeps" in last.becomes.proposal


def test_a_rule_for_all_but_one_and_for_who_does_not_sign_in_names_the_line_of_that_one():
    _, becomes = rows([rule([], account="bob"), rule(PULL)], PUBLIC)
    assert becomes.reason.startswith("line 1 comes first")


def test_a_denial_that_keeps_something_is_listed_and_one_that_keeps_nothing_is_not():
    keeps, _, last = rows([rule([], name="team/*"), rule(PULL), rule([])])
    assert keeps.proposal.endswith("--role maintainer --on 'team/*' --deny")
    assert last.reason == "nothing is given without a grant anyway"
    assert last.proposal == ""


def test_nobody_is_told_to_deny_everyone_for_the_sake_of_who_does_not_sign_in():
    denial, _ = rows([rule([], account="", name="team/*"), rule(PULL)], PUBLIC)
    assert "--deny" not in denial.proposal
    assert "grant list --to everyone" in denial.proposal


def test_an_import_makes_so_many_grants_and_none_more():
    users = {f"dev-{number}": {"password": HASH} for number in range(20_000)}
    acl = [rule(PULL, account="dev-*", name=f"{name}/*") for name in "abcde"]
    # What a part that is let go would have made is not counted.
    gone = rule(ALL, account="dev-*", name="catalog")
    found = rows([gone, *acl], users)
    assert sum(len(becomes.grants) for becomes in found) == MOST_GRANTS == 100_000
    with pytest.raises(Conflict, match="with line 1 the rules become more than 100,000 grants"):
        rows([*acl, rule(PULL, account="dev-7", name="f/*")], users)


def test_people_whom_username_does_not_stand_for_are_named():
    (becomes,) = rows([rule(PULL, name="${account}/*")])
    assert said(becomes) == ["reader authenticated {username}/*"]
    assert becomes.reason.startswith("not for Team:")
    assert "--to user:Team" in becomes.proposal


def test_a_rule_for_somebody_who_is_not_imported_is_listed():
    users = {**USERS, "guest": {}, "dev-x": {"password": "plain"}}
    literal, glob = rows([rule(PULL, account="guest"), rule(PULL, account="dev-*")], users)
    assert said(literal) == []
    assert literal.reason.startswith("not for guest: not imported")
    assert said(glob) == ["reader user:local:dev-a **", "reader user:local:dev-b **"]
    assert glob.reason.startswith("not for dev-x")


def test_a_comment_becomes_the_reason_of_the_grant():
    (becomes,) = rows([{**rule(PULL), "comment": "All may pull\0" + "!" * 2_000}])
    assert becomes.grants[0].reason == "All may pull" + "!" * 988


def test_what_comes_from_the_file_is_quoted_for_a_shell():
    users = {"$(reboot)": {"password": HASH}}
    (becomes,) = rows([rule(PULL, account="$(reboot)", name="x")], users)
    assert "--to 'user:$(reboot)'" in becomes.proposal


@pytest.mark.parametrize(
    ("name", "entry", "user", "reason"),
    [
        pytest.param("bob", {"password": HASH}, "bob", "", id="a person"),
        pytest.param("", {}, "", "the rules say to what", id="who shows nothing"),
        pytest.param("bob", None, "", "knows nobody", id="null"),
        pytest.param("bob", {}, "", "every password is right", id="no password"),
        pytest.param("bob", {"password": "secret"}, "", "no known password hash", id="plaintext"),
        pytest.param(
            "bob", {"password": "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}, "", "sha1", id="sha1"
        ),
        pytest.param("bob", {"password": HASH.replace("$05$", "$31$")}, "", "cost", id="HT-07"),
        pytest.param("", {"password": HASH}, "", "who shows none", id="a password for nobody"),
        pytest.param("robot.ci", {"password": HASH}, "", "nobody can be called", id="robot"),
        pytest.param("a:b", {"password": HASH}, "", "nobody can be called", id="colon"),
        pytest.param("Everyone", {"password": HASH}, "", "nobody can be called", id="reserved"),
        pytest.param(
            "bob", {"password": HASH, "labels": {"group": ["dev"]}}, "bob", "labels", id="labels"
        ),
    ],
)
def test_what_becomes_of_a_user(name, entry, user, reason):
    data = json.dumps({"users": {name: entry}, "acl": []}).encode()
    found = translated(configuration.read("x.yml", data), accept_wider=False)
    (row,) = found.rows
    assert list(found.people) == ([user] if user else [])
    assert row.becomes.user == user
    assert reason in row.becomes.reason
    assert HASH not in repr(row)


def test_members_that_hold_more_people_and_rules_are_listed():
    data = json.dumps(
        {
            "server": {"addr": ":5001", "real_ip_header": "X-Forwarded-For"},
            "token": {"issuer": "x"},
            "users": {},
            "acl": [],
            "ldap_auth": {"addr": "x"},
            "github_auth": {"organization": "x"},
            "casbin_authz": {"model_path": "x"},
            "acll": [],
            "ext_auth": None,
        }
    ).encode()
    found = translated(configuration.read("x.yml", data), accept_wider=False)
    listed = {row.text: row.becomes for row in found.rows}
    assert set(listed) == {
        "server.real_ip_header",
        "ldap_auth",
        "github_auth",
        "casbin_authz",
        "acll",
    }
    assert all(becomes.reason and becomes.proposal for becomes in listed.values())
    assert "trusted_proxies" in listed["server.real_ip_header"].proposal
