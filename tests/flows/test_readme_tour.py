"""The five minutes of README.md with a real registry: its commands as written, on other ports."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from real.clients import Buildah
from real.fleet import left_out
from real.process import Proc, free_port, listens
from real.service import Service

README = (Path(__file__).parents[2] / "README.md").read_text()
TOUR = README.split("## Five minutes with a real registry", 1)[1].split("\n## ", 1)[0]
BLOCKS = re.findall(r"^```\n(.*?)^```$", TOUR, re.MULTILINE | re.DOTALL)
SERVE = "docker-registry serve"
REFUSED = ("docker://localhost:5000/public/hello:v1", "authsvc explain")


def commands():
    """Each command of the tour in its order; a here-document is part of its command."""
    text = "".join(BLOCKS).replace("\\\n", "")
    documents = re.split(r"(^cat > .*? <<EOF\n.*?^EOF\n)", text, flags=re.MULTILINE | re.DOTALL)
    for part in documents:
        whole = part.startswith("cat >")
        yield from [part] if whole else re.sub(r"\|\n *", "| ", part).splitlines()


@pytest.fixture
def tour(rt):
    """Runs a command in the place of this checkout, once `make run` serves there."""
    folder, port = rt / "tour", free_port()
    service = Service(folder)
    service.cli("init", "--example")
    service.start()
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/g"\nrunroot = "{folder}/r"\n'
    )
    paths = [str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
    environment = {
        "PATH": os.pathsep.join(paths), "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder),
        "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
    }  # fmt: skip
    running = []

    def run(command):
        # The service knows the registry by the name that it has in the tour, wherever it is.
        text = command if command.startswith("authsvc") else command.replace(":5000", f":{port}")
        text = text.replace("/tmp/tour", f"{folder}/tmp")
        words = ["bash", "-euo", "pipefail", "-c", text]
        if command.startswith(SERVE):
            log = folder / "registry.log"
            served = Proc(words, log=log, ready=lambda: listens(port), env=environment, cwd=folder)
            running.append(served)
            return 0, ""
        done = subprocess.run(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    yield run
    for process in running:
        process.stop()
    service.stop()


@pytest.mark.parametrize("client", [kind.name for kind in (Buildah,) if not left_out(kind)])
def test_the_tour_goes_as_the_readme_says(tour, client):
    assert BLOCKS[0] == "make run\n"
    shown = {}
    for command in list(commands())[1:]:
        code, said = tour(command)
        shown[command] = said
        assert (code != 0) == any(words in command for words in REFUSED), (command, said)
    assert client in README
    assert "no_grant" in shown["authsvc explain user:alice repository:public/hello:push"]
    assert "alice" in shown["authsvc who-can push team/hello"]
    assert "robot:ci" in shown["authsvc who-can push team/hello"]
