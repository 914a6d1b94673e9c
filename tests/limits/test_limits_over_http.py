"""Limits as clients, operators and scrapers see them: the whole application in this process."""

import asyncio
import json
import re

import pytest
from inprocess import ANY, PASSWORD, basic, form, installation, serving

from authsvc import metrics
from authsvc.cli.exits import run as run_command
from authsvc.cli.root import app as commands

SMALL = (
    '[limits]\nlogin_failures = "3/5minutes"\naccount_failures = "6/hour"\n'
    'address_failures = "20/5minutes"\n'
)
TEAM = "service=reg-a.test&scope=repository:team/app:pull"


def told(folder, story, more=SMALL, **settings):
    """Runs a story with the application serving."""

    async def inside():
        made = installation(folder, more=more, **settings)
        async with serving(*made) as realm:
            await story(realm)
        made[1].database.dispose()

    asyncio.run(inside())


async def wrong(realm, name, number, *, begin=0, **more):
    """How so many different wrong passwords are answered."""
    answers = [
        await realm.get(TEAM, f"{name}:guess {each}", **more)
        for each in range(begin, begin + number)
    ]
    return [answer.status for answer in answers]


def command(folder, *arguments):
    return run_command(commands, ["--config", str(folder / "authsvc.toml"), *arguments])


def test_a_limited_sign_in_says_when_to_come_back_in_words_that_clients_show(tmp_path):
    """BF-12."""

    async def story(realm):
        assert await wrong(realm, "alice", 5) == [401] * 3 + [429] * 2
        refused = await realm.get(TEAM, "alice")
        assert refused.status == 429
        assert 290 <= int(refused.headers["retry-after"]) <= 300
        assert refused.headers["ratelimit-policy"] == '"login_failures";q=3;w=300'
        assert re.fullmatch(r'"login_failures";r=0;t=\d+', refused.headers["ratelimit"])
        assert refused.json["errors"][0]["code"] == "TOOMANYREQUESTS"
        assert "too many failed sign-ins" in refused.json["details"]
        assert "www-authenticate" not in refused.headers
        assert (await realm.get(TEAM, "bob")).status == 200
        assert (await realm.get(ANY)).status == 200

    told(tmp_path, story)


def test_an_account_that_is_not_there_is_refused_in_the_same_words(tmp_path):
    """BF-13."""

    async def story(realm):
        answers = []
        for name in ("alice", "nobody"):
            await wrong(realm, name, 3)
            refused = await realm.get(TEAM, f"{name}:again")
            headers = {
                each: text for each, text in refused.headers.items() if each != "x-request-id"
            }
            answers.append((refused.status, refused.body, headers))
        assert re.sub(r"\d\d\d", "…", str(answers[0])) == re.sub(r"\d\d\d", "…", str(answers[1]))

    told(tmp_path, story)


def test_post_and_get_with_one_secret_are_one_failure_and_so_is_the_admin_api(tmp_path):
    async def story(realm):
        for _ in range(5):
            shown = form(
                grant_type="password", username="alice", password="typo", service="reg-a.test",
                client_id="docker",
            )  # fmt: skip
            assert (await realm.post(shown)).status == 401
            assert (await realm.get(TEAM, "alice:typo")).status == 401
            me = await realm.call("GET", "/api/v1/me", headers=basic("alice:typo"))
            assert me.status == 401
        assert (await realm.get(TEAM, "alice")).status == 200
        assert await wrong(realm, "alice", 3) == [401] * 3

    told(tmp_path, story)


def test_the_admin_api_counts_too_and_answers_429_as_a_problem(tmp_path):
    async def story(realm):
        for number in range(3):
            headers = basic(f"alice:guess {number}")
            assert (await realm.call("GET", "/api/v1/me", headers=headers)).status == 401
        refused = await realm.call("GET", "/api/v1/me", headers=basic("alice"))
        assert (refused.status, refused.json["title"]) == (429, "Too Many Requests")
        assert refused.headers["ratelimit-policy"] == '"login_failures";q=3;w=300'
        assert (await realm.get(TEAM, "alice")).status == 429

    told(tmp_path, story)


def test_one_address_that_asks_too_much_without_credentials_stops_nobody_else(tmp_path):
    """BF-16."""

    async def story(realm):
        answers = [(await realm.get(ANY, peer="192.0.2.9")).status for _ in range(12)]
        assert answers == [200] * 10 + [429] * 2
        refused = await realm.get(ANY, peer="192.0.2.9")
        assert refused.headers["ratelimit-policy"] == '"anonymous_requests";q=10;w=86400'
        assert (await realm.get("service=reg-a.test", peer="192.0.2.9")).status == 429
        assert (await realm.get(ANY, peer="192.0.2.10")).status == 200
        assert (await realm.get(TEAM, "alice", peer="192.0.2.9")).status == 200

    told(tmp_path, story, '[limits]\nanonymous_requests = "10/day"\n')


def test_a_principal_that_asks_too_much_is_refused_wherever_it_is(tmp_path):
    async def story(realm):
        answers = [(await realm.get(TEAM, "alice", peer=f"192.0.2.{n}")).status for n in range(7)]
        assert answers == [200] * 5 + [429] * 2
        assert (await realm.get(TEAM, "bob")).status == 200
        assert (await realm.get(ANY)).status == 200

    told(tmp_path, story, '[limits]\ntoken_requests = "5/day"\n')


def test_a_flood_of_refusals_leaves_one_record_and_is_counted_in_full(tmp_path):
    """AU-11."""

    async def story(realm):
        before = metrics.LIMITED.labels("login_failures")._value.get()
        await wrong(realm, "alice", 3)
        await asyncio.gather(*(realm.get(TEAM, f"alice:more {n}") for n in range(60)))
        await wrong(realm, "nobody at all", 4)
        assert metrics.LIMITED.labels("login_failures")._value.get() - before == 61
        records = realm.records()
        limits = [record for record in records if record["event"] == "limit"]
        assert [record["reason"] for record in limits] == ["login_failures"] * 2
        known, unknown = limits
        assert (known["claimed"], known["address"], known["outcome"]) == (
            "alice", "127.0.0.1", "refused",
        )  # fmt: skip
        assert re.fullmatch(r"[0-9a-f]{12}", unknown["claimed"])
        assert known["after"]["limit"]["setting"] == "3/5minutes"
        assert sum(record["reason"] == "wrong_password" for record in records) == 3

    told(tmp_path, story)


def test_limits_are_listed_and_cleared_on_the_command_line(tmp_path, capsys):
    """Contract section 3: clearing reaches the workers by the feed."""

    def listed(*arguments):
        capsys.readouterr()
        assert command(tmp_path, "limits", "list", "--json", *arguments) == 0
        return [
            (each["limit"], each["account"], each["address"])
            for each in json.loads(capsys.readouterr().out)
        ]

    async def story(realm):
        await wrong(realm, "alice", 4)
        await wrong(realm, "bob", 4, peer="2001:db8::7")
        await wrong(realm, "nobody", 4)
        pseudonym = listed()[0][1]
        assert listed() == [
            ("login_failures", pseudonym, "127.0.0.1"),
            ("login_failures", "bob", "2001:db8::/64"),
            ("login_failures", "alice", "127.0.0.1"),
        ]
        assert listed("--account", "NOBODY") == listed()[:1]
        assert listed("--address", "2001:db8::1") == listed()[1:2]
        assert listed("--account", "alice", "--address", "192.0.2.1") == []
        assert command(tmp_path, "limits", "clear", "--account", "Alice") == 0
        assert [each[1] for each in listed()] == [pseudonym, "bob"]
        await until(realm, "alice", 200)
        assert (await realm.get(TEAM, "bob", peer="2001:db8::7")).status == 429
        assert command(tmp_path, "limits", "clear", "--address", "2001:db8::/64") == 0
        await until(realm, "bob", 200, peer="2001:db8::8")
        assert command(tmp_path, "limits", "clear") == 0
        assert listed() == []
        changes = [r for r in realm.records() if r["event"] == "limit" and r["writer"] == "changes"]
        assert [change["after"]["cleared"] for change in changes] == [
            {"account": "alice", "address": None},
            {"account": None, "address": "2001:db8::/64"},
            {"account": None, "address": None},
        ]

    told(tmp_path, story)


def test_at_a_known_address_the_limit_that_counts_there_is_said(tmp_path, capsys):
    async def story(realm):
        assert (await realm.get(TEAM, "alice")).status == 200
        await wrong(realm, "alice", 30)
        refused = await realm.get(TEAM, "alice")
        assert refused.status == 429
        assert refused.headers["ratelimit-policy"] == '"login_failures";q=30;w=300'
        capsys.readouterr()
        assert command(tmp_path, "limits", "list", "--json") == 0
        listed = json.loads(capsys.readouterr().out)
        assert {each["setting"] for each in listed if each["limit"] == "login_failures"} == {
            "30/5minutes"
        }

    told(tmp_path, story, SMALL.replace('"20/5minutes"', '"90/5minutes"'))


async def until(realm, who, status, **more):
    for _ in range(200):
        answer = await realm.get(TEAM, who, **more)
        if answer.status == status:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{who}: {answer.status}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--account", ""),
        ("--account", "a:b"),
        ("--address", "nowhere"),
        ("--address", "10.0.0.0/8"),
    ],
)
def test_what_can_be_no_account_or_address_is_refused(tmp_path, arguments):
    installation(tmp_path)[1].database.dispose()
    for verb in ("list", "clear"):
        assert command(tmp_path, "limits", verb, *arguments) == 2


def test_known_addresses_outlive_a_restart(tmp_path):
    async def twice():
        settings, parts = installation(tmp_path, more=SMALL)
        async with serving(settings, parts) as realm:
            assert (await realm.get(TEAM, "alice", peer="192.0.2.1")).status == 200
            await asyncio.sleep(1.5)  # what is known is written once a second
        async with serving(settings, parts) as realm:
            for number in range(2, 5):
                await wrong(realm, "alice", 3, begin=10 * number, peer=f"192.0.2.{number}")
            assert (await realm.get(TEAM, "alice", peer="192.0.2.9")).status == 429
            assert (await realm.get(TEAM, "alice", peer="192.0.2.1")).status == 200
        parts.database.dispose()

    asyncio.run(twice())


def test_redis_is_named_in_readiness_and_metrics_while_it_is_away(tmp_path, redis_of_its_own):
    async def story(realm):
        async def states(state, gauge):
            for _ in range(300):
                ready = await realm.call("GET", "/readyz")
                assert ready.status == 200
                scraped = (await realm.call("GET", "/metrics")).body.decode()
                if "redis" in str(ready.json) and _state(ready.json) == state:
                    assert f"authsvc_redis_up {gauge}" in scraped
                    return
                await asyncio.sleep(0.02)
            raise AssertionError(ready.json)

        await states("ok", 1.0)
        redis_of_its_own.stop()
        await states("degraded", 0.0)
        assert await wrong(realm, "alice", 4) == [401] * 3 + [429]
        assert (await realm.get(TEAM, "bob")).status == 200
        redis_of_its_own.start()
        await states("ok", 1.0)

    told(tmp_path, story, SMALL + f'[redis]\nurl = "{redis_of_its_own.url}"\n')


def _state(document):
    for value in document.values():
        if isinstance(value, dict) and "redis" in value:
            return value["redis"]
    return None


def test_the_password_of_every_reply_is_still_right_afterwards(tmp_path):
    """The limits off: nobody is refused and nothing is noted."""

    async def story(realm):
        assert await wrong(realm, "alice", 30) == [401] * 30
        assert (await realm.get(TEAM, f"alice:{PASSWORD}")).status == 200

    off = "\n".join(f'{name} = ""' for name in
                    ("login_failures", "account_failures", "address_failures"))  # fmt: skip
    told(tmp_path, story, f"[limits]\n{off}\n")
