"""The proxies of deploy/, run from their files as they are, but for addresses, ports and paths."""

import os
from pathlib import Path

from real.process import Proc, listens, program

DEPLOY = Path(__file__).parents[2] / "deploy"
REPLICAS = ("10.0.0.11:5001", "10.0.0.12:5001")
TLS = "/etc/authsvc/tls"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def start(kind: str, folder: Path, port: int, replicas: list[int]) -> Proc:
    """nginx or haproxy on a port of loopback; `folder` has the certificate."""
    file = folder / "front.conf"
    if kind == "nginx":
        text, command = _nginx(folder, port), ["-p", folder, "-c", file, "-g", "daemon off;"]
    else:
        text, command = _haproxy(port), ["-f", file]
    known = {there: f"127.0.0.1:{here}" for there, here in zip(REPLICAS, replicas, strict=True)}
    file.write_text(filled(text, known | {TLS: str(folder)}))
    return Proc([program(kind), *command], log=folder / "log", ready=lambda: listens(port))


def _haproxy(port: int) -> str:
    return filled((DEPLOY / "haproxy.cfg").read_text(), {"bind :443 ": f"bind 127.0.0.1:{port} "})


def _nginx(folder: Path, port: int) -> str:
    known = {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "/run/nginx.pid": f"{folder}/nginx.pid",
    }
    text = filled((DEPLOY / "nginx.conf").read_text(), known)
    if os.geteuid() != 0:  # Debian's folders for nginx belong to somebody else
        paths = [f"{each}_temp_path {folder}/{each};" for each in _TEMPORARY]
        text = text.replace("http {\n", "http {\n" + "\n".join(paths) + "\n")
    return text


def filled(text: str, known: dict[str, str]) -> str:
    """What only its reader can know of a file, replaced; all of it must be there."""
    for there, here in known.items():
        assert there in text, f"{there} is not in the file"
        text = text.replace(there, here)
    return text
