"""A docker_auth configuration as it is read: every fault at once, with its place."""

import json
from ipaddress import ip_network

import pytest

from authsvc.changes.imports.docker_auth import configuration
from authsvc.changes.imports.docker_auth.configuration import Member, Person, Rule
from authsvc.errors import Invalid

EXAMPLE = b"""\
# as docker_auth's documentation has it
server:
  addr: ":5001"
  real_ip_header: X-Forwarded-For
token: {issuer: "Acme auth server", expiration: 900}
users:
  "admin":
    password: "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"  # badmin
    labels: {group: [VIP]}
  "": {}  # no login
  007:
ldap_auth:
  addr: ldap.example.com:636
acl:
  - match: {account: "admin", type: repository, name: yes, service: reg, ip: "172.17.0.1"}
    actions: ["*"]
    comment: "Everything"
  - match: {}
    actions: []
"""


def faults(data):
    with pytest.raises(Invalid) as caught:
        configuration.read("x.yml", data)
    return [f"{place.removeprefix('x.yml:')} {text}" for place, text in caught.value.faults]


def test_a_configuration_becomes_values_that_know_their_lines():
    found = configuration.read("x.yml", EXAMPLE)
    hashed = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
    assert found.people == (
        Person(7, "admin", known=True, password=hashed, labels=("group",)),
        Person(10, "", known=True),
        Person(11, "007", known=False),
    )
    assert found.rules == (
        Rule(
            15, 5, "admin", "repository", "yes", "reg", ip_network("172.17.0.1/32"), (), ("*",),
            "Everything",
        ),
        Rule(18, 5),
    )  # fmt: skip
    assert found.members == (Member(4, "server.real_ip_header"), Member(12, "ldap_auth"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", ["1:1 a docker_auth configuration has 'users' or 'acl'"], id="empty"),
        pytest.param("grants: []", ["1:1 a docker_auth configuration has"], id="a policy"),
        pytest.param("[]", ["1:1 a docker_auth configuration has"], id="a list"),
        pytest.param("acl: [}", ["1:7 this is no YAML"], id="no YAML"),
        pytest.param("users: {a: &x {}, b: *x}", ["1:12 anchors", "1:22 anchors"], id="anchors"),
        pytest.param("users: {a: {}, a: {}}", ["1:16 'a' stands here twice"], id="twice"),
        pytest.param("users: [a]", ["1:8 'users' is an object"], id="users"),
        pytest.param("users: {a: secret}", ["1:12 the entry of a user has"], id="user"),
        pytest.param("users: {a: {password: 1}}", ["1:23 this is a text"], id="a number"),
        pytest.param(
            "users: {a: {passwd: x}}",
            ["1:13 docker_auth reads no member 'passwd': did you mean 'password'?"],
            id="a misspelt password lets anybody in",
        ),
        pytest.param("users: {a: {labels: [x]}}", ["1:21 'labels' is an object"], id="labels"),
        pytest.param("acl: {}", ["1:6 'acl' is a list"], id="acl"),
        pytest.param("acl: [x]", ["1:7 a rule is an object"], id="rule"),
        pytest.param("acl: [{actions: []}]", ["1:7 a rule needs 'match'"], id="no match"),
        pytest.param("acl: [{match: {}}]", ["1:7 a rule needs 'actions'"], id="no actions"),
        pytest.param("acl: [{match: {}, actions: }]", ["1:7 a rule needs 'actions'"], id="null"),
        pytest.param("acl: [{match: x, actions: []}]", ["1:15 'match' is an object"], id="match"),
        pytest.param("acl: [{match: {}, actions: x}]", ["1:28 'actions' is a list"], id="actions"),
        pytest.param("acl: [{match: {}, actions: [1]}]", ["1:29 this is a text"], id="action"),
        pytest.param(
            "acl: [{match: {acount: x}, actions: []}]",
            ["1:16 docker_auth reads no member 'acount': did you mean 'account'?"],
            id="a misspelt account matches everybody",
        ),
        pytest.param("acl: [{match: {name: true}, actions: []}]", ["1:22 this is a"], id="bool"),
        pytest.param("acl: [{match: {ip: 10.0.0.*}, actions: []}]", ["1:20 'ip' is"], id="ip"),
        pytest.param("acl: [{match: {ip: 'fe80::1%eth0'}, actions: []}]", ["1:20 'ip'"], id="zone"),
        pytest.param(
            "acl: [{match: {ip: 10.0.0.0/255.0.0.0}, actions: []}]", ["1:20 'ip'"], id="mask"
        ),
        pytest.param("acl: [{match: {ip: 10.0.0.0/33}, actions: []}]", ["1:20 'ip'"], id="length"),
        pytest.param(
            "users: {a: {x: 1}}\nacl:\n- {match: {ip: x}, actions: [], y: 1}",
            ["1:13 docker_auth reads", "3:33 docker_auth reads", "3:16 'ip' is"],
            id="all at once",
        ),
        pytest.param(
            "acl:\n- {match: {ip: x}}\n- {actions: [1]}",
            ["2:3 a rule needs 'actions'", "2:16 'ip' is", "3:3 a rule needs 'match'",
             "3:14 this is a text"],
            id="what a member is missing in is looked at as well",
        ),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_place(text, expected):
    found = faults(text.encode())
    assert len(found) == len(expected), found
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


def test_a_fault_never_repeats_a_hash_or_a_password():
    secret = "$2y$05$LO.vzwpWC5LZGqThvEfznu8qhb5SGqvBSWY1J3yZ4AxtMRZ3kN5jC"
    said = faults(f"users: {{a: '{secret}', b: {{password: ['{secret}']}}}}".encode())
    assert len(said) == 2
    assert secret not in " ".join(said)


def test_a_file_may_hold_more_users_than_a_policy_has_members():
    users = {f"u{number}": {} for number in range(5_000)}
    found = configuration.read("x.json", json.dumps({"users": users}).encode())
    assert len(found.people) == 5_000
