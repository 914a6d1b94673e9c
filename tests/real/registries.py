"""Real registries of several versions, each configured by what `authsvc registry config` prints."""

import os
from dataclasses import dataclass
from pathlib import Path

from real.process import Proc, free_port, listens, program
from real.service import Service

_PROGRAMS = {"2.8": "docker-registry", "3.0": "registry30", "3.1": "registry31"}


@dataclass(frozen=True)
class Registry:
    """A running registry.

    `host` stands in front of an image's name: `localhost`, since oras refuses a token realm on a
    loopback address unless the registry has the same host name.
    """

    version: str
    service: str
    host: str
    process: Proc

    def log(self) -> str:
        return self.process.log.read_text(errors="replace")


def start_registry(authsvc: Service, version: str, service: str, folder: Path) -> Registry:
    """Starts the registry `service` of this version; it trusts what authsvc says it should."""
    folder.mkdir()
    port = free_port()
    bundle = folder / "roots.pem"
    stanza = authsvc.cli(
        "registry", "config", service, "--registry-version", version[0],
        "--bundle", str(bundle), "--write-bundle", str(bundle),
    )  # fmt: skip
    config = folder / "registry.yml"
    config.write_text(
        "version: 0.1\n"
        "log: {level: warn}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/store}}, delete: {{enabled: true}}}}\n"
        f'http: {{addr: "127.0.0.1:{port}", secret: of-no-use}}\n' + stanza
    )
    process = Proc(
        [program(_PROGRAMS[version]), "serve", config],
        log=folder / "registry.log",
        ready=lambda: listens(port),
        # Version 3 would look for a collector of traces otherwise.
        env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
    )
    return Registry(version, service, f"localhost:{port}", process)
