"""Several services on one database: two with a worker each, and one with two workers."""

import itertools
import json
from dataclasses import dataclass, field

from real.process import wait_for
from real.service import ADMIN, Account, Service
from real.wire import ask_token, basic, call, claims

AT = "replicas.test:5000"
MEETINGS = 16  # answers on connections of their own: enough to have met both workers of one
PATIENCE = 20  # seconds; far more than cache.staleness, for machines that are busy
WORKERS = (1, 1, 2)
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Question:
    """One entry of scope, asked by somebody at a registry."""

    account: Account | None
    name: str
    actions: str = "pull,push,delete"
    service: str = AT

    @property
    def scope(self):
        return f"repository:{self.name}:{self.actions}"


@dataclass
class Replicas:
    """Changes go to the first one's API; `all` are asked for tokens."""

    all: list[Service] = field(default_factory=list)

    def api(self, method, path, body=None, **headers):
        """A call of the administrator: the JSON of a good answer."""
        sent = basic(ADMIN) | {"Content-Type": "application/json"} | headers
        data = b"" if body is None else json.dumps(body).encode()
        url = f"{self.all[0].url}/api/v1{path}"
        answer = call(method, url, body=data, headers=sent)
        assert answer.status in (200, 201), (method, path, answer.body)
        return answer.json()

    def make(self, noun, **members):
        return self.api("POST", f"/{noun}", members)

    def patch(self, noun, item, **members):
        return self.api("PATCH", f"/{noun}/{item['id']}", members, **{"If-Match": "*"})

    def remove(self, noun, item):
        return self.api("DELETE", f"/{noun}/{item['id']}")

    def fresh(self, noun):
        """A name that nothing has."""
        return f"{noun}{next(_NUMBERS)}"

    def person(self):
        """Somebody new, who holds nothing, and their item."""
        account = Account(self.fresh("person"), "four lakes and a bridge")
        item = self.make("users", name=account.name, password=account.password)
        return account, item

    def settle(self, question, *expected):
        """Wait until every worker answers with these actions, or with this status."""
        wanted = expected[0] if expected and isinstance(expected[0], int) else list(expected)
        wait_for(
            lambda: all(
                self._answers(one, question, 1 if workers == 1 else MEETINGS) == {str(wanted)}
                for one, workers in zip(self.all, WORKERS, strict=True)
            ),
            f"every worker to say {wanted} of {question}",
            patience=PATIENCE,
        )

    def _answers(self, service, question, times):
        found = set()
        for _ in range(times):
            found.add(str(answer_of(service, question)))
            if len(found) > 1:
                break
        return found


def answer_of(service, question):
    """What a token gives, or the status of a refusal."""
    realm = f"{service.url}/token"
    answer = ask_token(realm, question.service, question.scope, account=question.account)
    if answer.status != 200:
        return answer.status
    return [a for entry in claims(answer.json()["token"])["access"] for a in entry["actions"]]


def started(folder, database_url):
    """All of them, on one database and with one folder of keys."""
    folder.mkdir()
    replicas = Replicas()
    try:
        for number, workers in enumerate(WORKERS):
            home = folder / f"replica{number}"
            one = Service(home, database_url=database_url, settings=f"workers = {workers}\n")
            file = home / "authsvc.toml"
            shared = f'certs_dir = "{folder}/replica0/certs"\ndata_dir = "{folder}/data"\n'
            file.write_text(shared + file.read_text())
            if number == 0:
                one.init(AT)
            replicas.all.append(one)
            one.start()
    except BaseException:
        stop(replicas)
        raise
    return replicas


def stop(replicas):
    for one in replicas.all:
        one.stop()
