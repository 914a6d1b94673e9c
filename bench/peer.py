"""docker_auth as a peer: an ES256 key of its own, everything public, as little as it can do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import free_port, running

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the tests have what makes keys

from real.authority import Authority

CONFIG = """\
server: {{addr: "127.0.0.1:{port}"}}
token: {{issuer: authsvc, expiration: 900, certificate: {folder}/peer.crt, key: {folder}/peer.key}}
users: {{"": {{}}}}
acl: [{{match: {{account: ""}}, actions: ["pull"]}}]
"""


@contextmanager
def docker_auth(folder: Path, binary: str, service: str) -> Iterator[tuple[int, str]]:
    """A running docker_auth; yields its process id and the URL that asks it for a token."""
    port = free_port()
    Authority(folder).server("peer", "localhost")
    config = folder / "peer.yml"
    config.write_text(CONFIG.format(port=port, folder=folder))
    url = f"http://127.0.0.1:{port}/auth?service={service}"
    ready = f"{url}&scope=repository:open/app:pull"
    with running([binary, str(config)], ready, log=folder / "peer.log") as pid:
        yield pid, url
