"""F32: who attacks a person's sign-in locks out no token and no robot of theirs."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from real.process import wait_for
from real.service import Account, Service
from real.wire import basic, call

from authsvc.protocol import secrets

AT = "limits.test:5000"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"
VICTIM = Account("victim", "four lakes and a bridge")
LIMITS = (
    '[limits]\nlogin_failures = "4/5minutes"\naddress_failures = "40/5minutes"\n'
    'account_failures = "20/hour"\n'
)
SHOWN = 24  # of each: enough to meet both workers


@dataclass
class Attacked:
    """The service, and what the victim has: two of each, so that one was never shown before."""

    service: Service
    pats: list[str]
    robots: list[str]
    tokens: list[str]

    def secret(self, number):
        """How one of each kind is shown."""
        return [
            get(Account(VICTIM.name, self.pats[number])),
            get(Account("robot.ci", self.robots[number])),
            post(self.tokens[number]),
        ]

    def statuses(self, requests, address):
        """How these are answered, each on a connection of its own."""

        def ask(request):
            method, query, body, headers = request
            url = f"{self.service.url}/token{query}"
            return call(method, url, body=body, headers=headers | {"X-Forwarded-For": address})

        with ThreadPoolExecutor(8) as threads:
            return [answer.status for answer in threads.map(ask, requests)]


def get(account):
    return ("GET", f"?{urlencode({'service': AT})}", b"", basic(account))


def post(token):
    form = {"grant_type": "refresh_token", "refresh_token": token, "service": AT}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return ("POST", "", urlencode(form).encode(), kind)


def made_secret(service, *command):
    return json.loads(service.cli(*command, "--json"))["secret"]


def refresh_token(service):
    url = f"{service.url}/token?{urlencode({'service': AT, 'offline_token': 'true'})}"
    headers = basic(VICTIM) | {"X-Forwarded-For": HOME}
    return call("GET", url, headers=headers).json()["refresh_token"]


@pytest.fixture(scope="module")
def attacked(rt):
    settings = 'workers = 2\ntrusted_proxies = ["127.0.0.1"]\n' + LIMITS
    service = Service(rt / "while-limited", settings=settings)
    service.init(AT)
    service.add_user(VICTIM)
    service.cli("registry", "set", AT, "--refresh-tokens", "on")
    pats = [made_secret(service, "pat", "add", "--user", "victim", "--name", n) for n in "ab"]
    robots = [made_secret(service, "robot", "add", "ci", "--namespace", "t", "--role", "reader")]
    robots.append(made_secret(service, "robot", "rotate", "ci"))
    service.start()
    yield Attacked(service, pats, robots, [refresh_token(service) for _ in range(2)])
    service.stop()


def test_made_up_secrets_and_tokens_in_the_wrong_place_are_no_failures(attacked):
    made_up = [
        get(Account(VICTIM.name, secrets.mint("pat", lambda size, n=n: bytes([n]) * size)))
        for n in range(SHOWN)
    ]
    assert set(attacked.statuses(made_up, HOME)) == {401}
    misplaced = [get(Account(name, attacked.tokens[0])) for name in ("", VICTIM.name)] * SHOWN
    assert set(attacked.statuses(misplaced, HOME)) == {401}
    robots = [get(Account("robot.ci", f"guess {n}")) for n in range(SHOWN)]
    assert set(attacked.statuses(robots, HOME)) == {401}
    assert set(attacked.statuses([get(VICTIM)] * SHOWN, HOME)) == {200}


def limit(attacked, guess):
    """Guess until both workers refuse to look at another one."""
    numbers = iter(range(10_000))

    def is_limited():
        guesses = [get(guess(next(numbers))) for _ in range(16)]
        return set(attacked.statuses(guesses, ELSEWHERE)) == {429}

    wait_for(is_limited, "both workers to refuse every password")


GUESSES = {
    "the account there": lambda number: Account(VICTIM.name, f"guess {number}"),
    "the whole address": lambda number: Account(f"nobody{number}", "guess"),
}


@pytest.mark.parametrize("guess", GUESSES)
def test_all_of_them_are_served_while_account_and_address_are_limited(attacked, guess):
    assert set(attacked.statuses(attacked.secret(0) * SHOWN, HOME)) == {200}
    limit(attacked, GUESSES[guess])
    for where in (ELSEWHERE, HOME):
        assert set(attacked.statuses(attacked.secret(0) * SHOWN, where)) == {200}
        assert set(attacked.statuses(attacked.secret(1) * SHOWN, where)) == {200}
    assert set(attacked.statuses([get(VICTIM)] * SHOWN, HOME)) == {200}  # it is known there
    assert set(attacked.statuses([get(VICTIM)] * SHOWN, ELSEWHERE)) == {429}
