"""Imported rules and docker_auth's own answers, over random configurations and requests.

Nothing is ever wider than it was, and where the rule that decided there was taken over, the answers
are the same. `AUTHSVC_IMPORT_EXAMPLES` sets how many configurations are tried; each is asked about
some 370 requests.
"""

import os
from dataclasses import replace

from changes.docker_auth_samples import (
    ACTIONS,
    KNOWN,
    MATCH,
    Answers,
    configured,
    imported,
    left_out_where_none,
    requests,
    world,
)
from changes.first_match import first_match, granted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("AUTHSVC_IMPORT_EXAMPLES", "120"))

matches = st.fixed_dictionaries(
    {member: st.sampled_from(pool) for member, pool in MATCH.items()}
).map(left_out_where_none)
rules = st.fixed_dictionaries({"match": matches, "actions": st.sampled_from(ACTIONS)})
configurations = st.builds(
    lambda acl, anonymous: configured(acl, anonymous=anonymous),
    st.lists(rules, min_size=1, max_size=6),
    st.booleans(),
)


def as_known(found, account):
    """The configuration as it would be if it knew an account: somebody who comes to it later."""
    users = found["users"]
    return (
        found
        if users.get(account) is not None or not account
        else {**found, "users": {**users, account: KNOWN}}
    )


def is_said(becomes, *, known):
    """Whether a rule was taken over whole, for an account that docker_auth knows or for another."""
    audiences = {"everyone", "authenticated"}
    return not becomes.proposal and (
        known or bool(audiences & {grant.subject for grant in becomes.grants})
    )


def at_or_above(name):
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations)
def test_no_answer_is_wider_and_rules_taken_over_answer_the_same(found):
    translation = imported(found, accept_wider=False)
    answers = Answers(world(translation))
    rows = [row.becomes for row in translation.rows if "actions=" in row.text]
    widened = any("one to everyone" in row.reason for row in rows)
    for asked in requests():
        new = answers(asked)
        here = as_known(found, asked.account)
        old = granted(here, asked)
        # A grant for who does not sign in is one to everyone, and listed (contract section 8).
        anonymous = granted(found, replace(asked, account=""))
        assert new <= (old | anonymous if widened else old), (asked, new, old)
        number = first_match(here, asked)
        if number is not None and is_said(rows[number], known=here is found):
            assert new >= old, (asked, new, old)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(configurations)
def test_accepting_wider_paths_gives_no_more_than_what_is_above(found):
    answers = Answers(world(imported(found, accept_wider=True)))
    for asked in requests():
        above = (
            [asked]
            if asked.type == "registry"
            else [replace(asked, name=name) for name in at_or_above(asked.name)]
        )
        most = set()
        for each in above:
            most |= granted(as_known(found, asked.account), each)
            most |= granted(found, replace(each, account=""))
        new = answers(asked)
        assert new <= most, (asked, new, most)
