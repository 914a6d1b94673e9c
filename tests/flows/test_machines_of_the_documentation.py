"""The lines of docs/machines.md, run as they are written, by real clients at a real registry."""

import base64
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from real.clients import Buildah, Ctr, Docker, Podman, Skopeo
from real.fleet import left_out
from real.image import make_image
from real.process import BUILT, find
from real.registries import start_registry
from real.service import Account, Service

PAGE = (Path(__file__).parents[2] / "docs" / "machines.md").read_text()
NAME = "registry.example.com"
ALICE = Account("alice", "four lakes and a bridge")
_BLOCK = re.compile(r"^```(\w+)(?: (\w+)=(\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECRET = re.compile(r"^secret +(asv_\w+)$", re.MULTILINE)
_OPTIONAL = (Docker, Podman, Buildah, Ctr)
_OF_A_DAEMON = ("docker build",)


@dataclass
class Step:
    """A block of commands, how it ends, and lines that it prints among others."""

    commands: str
    code: int
    needs: str
    prints: list[str]


def steps():
    found = []
    for language, key, value, text in _BLOCK.findall(PAGE):
        if language == "sh":
            code = int(value) if key == "exit" else 0
            found.append(Step(text, code, value if key == "needs" else "", []))
        elif language == "text":
            found[-1].prints.extend(text.splitlines())
    return found


def blocks(language):
    return [text for found, *_, text in _BLOCK.findall(PAGE) if found == language]


def gitlab():
    (pipeline,) = [yaml.safe_load(each) for each in blocks("yaml") if ".gitlab-ci" in each]
    return pipeline["variables"], pipeline["push"]["script"]


def github():
    (flow,) = [yaml.safe_load(each) for each in blocks("yaml") if ".github" in each]
    job = flow["jobs"]["push"]
    lines = [each["run"] for each in job["steps"] if "run" in each]
    return job["env"], [each for each in lines if not each.startswith(_OF_A_DAEMON)]


def jenkins():
    (text,) = blocks("groovy")
    (script,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
    assert "usernameVariable: 'REGISTRY_USER', passwordVariable: 'REGISTRY_PASSWORD'" in text
    return {"REGISTRY": NAME, "REGISTRY_USER": "robot.ci"}, [script]


def has(commands):
    """Whether this machine has the clients that they call."""
    kinds = [kind for kind in _OPTIONAL if re.search(rf"\b{kind.name} \w", commands)]
    return not any(map(left_out, kinds))


def is_here(step):
    return has(step.commands) and (not step.needs or find(step.needs) is not None)


PIPELINES = [
    pytest.param(made, id=made.__name__)
    for made in (gitlab, github, jenkins) if has("\n".join(made()[1]))
]  # fmt: skip


class Desk:
    """A folder where commands are typed, of somebody who has the settings and the clients."""

    def __init__(self, service, registry, folder, containerd):
        self.service, self.registry, self.folder = service, registry, folder
        folder.mkdir()
        (folder / "etc").mkdir()
        self._env = self._environment(containerd)
        self._configure()

    def run(self, commands, **more):
        """Run them with a place of this folder for /etc, and this registry for that of the page."""
        text = self._here(commands)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env=self._env | more,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def done(self, commands, **more):
        said = self.run(commands, **more)
        assert said.returncode == 0, (commands, said.stdout, said.stderr)
        return said.stdout + said.stderr

    def check(self, step):
        said = self.run(step.commands)
        text = said.stdout + said.stderr
        assert said.returncode == step.code, (step.commands, text)
        assert [line for line in step.prints if line not in text] == [], (step.commands, text)

    def secret(self, file):
        return _SECRET.search((self.folder / file).read_text())[1]

    def place(self, path, text):
        """Write a file that the page shows below /etc."""
        file = Path(self._here(path))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self._here(text).replace("https://", "http://"))

    def _here(self, text):
        """The service knows the registry by the name on the page."""
        text = re.sub(rf"(?<!--registry ){re.escape(NAME)}", self.registry.host, text)
        return text.replace("/etc/cont", f"{self.folder}/etc/cont")

    def _environment(self, containerd):
        home = str(self.folder)
        path = [str(Path(sys.executable).parent), str(BUILT), os.environ["PATH"], "/usr/sbin"]
        return {
            "PATH": os.pathsep.join(path),
            "HOME": home,
            "XDG_RUNTIME_DIR": home,
            "AUTHSVC_CONFIG": str(self.service.folder / "authsvc.toml"),
            "CONTAINERS_STORAGE_CONF": f"{home}/storage.conf",
            "CONTAINERD_ADDRESS": str(containerd or ""),
            "CONTAINERD_NAMESPACE": self.folder.name,
            "CONTAINERD_SNAPSHOTTER": "native",
        }

    def _configure(self):
        """The registry speaks plain HTTP, and what is pulled goes into this folder."""
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/g"\n'
            f'runroot = "{self.folder}/r"\n'
        )
        file = self.folder / ".config" / "containers" / "registries.conf"
        file.parent.mkdir(parents=True)
        file.write_text(f'[[registry]]\nlocation = "{self.registry.host}"\ninsecure = true\n')


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request, rt, postgres):
    """After the first block of the page: its robots, alice, and `v1`, which the pipeline pushed."""
    engine = request.param
    version = {"sqlite": "2.8", "postgresql": "3.1"}[engine]
    url = postgres.url(postgres.make("template0")) if engine == "postgresql" else ""
    service = Service(rt / f"machines-{engine}", database_url=url)
    service.init(NAME)
    service.add_user(ALICE)
    service.cli("grant", "add", "--to", "user:alice", "--role", "reader", "--on", "team")
    service.start()
    registry = start_registry(service, version, NAME, rt / f"machines-{engine}-registry")
    containerd = None if left_out(Ctr) else request.getfixturevalue("containerd")
    made = Desk(service, registry, rt / f"m-{engine[:2]}", containerd)
    made.check(steps()[0])
    make_image(made.folder / "image")
    to = f"--dest-creds robot.ci:{made.secret('ci.txt')} docker://{NAME}/team/app:v1"
    made.done(f"skopeo copy oci:image:v1 {to}")
    yield made
    registry.process.stop()
    service.stop()


def test_the_page_does_what_it_says(desk):
    for file in blocks("toml"):
        tomllib.loads(file)
        desk.place(re.match(r"# ([\w/.-]+)", file)[1], file)
    for step in steps()[1:]:
        if is_here(step):
            desk.check(step)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_pipeline_pushes_with_the_lines_of_its_page(desk, pipeline):
    variables, lines = pipeline()
    commit = {"CI_COMMIT_SHORT_SHA": "c0ffee", "GITHUB_SHA": "c0ffee", "BUILD_NUMBER": "7"}
    secret = desk.secret("ci.txt")
    (desk.folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    said = desk.done(
        "\n".join(lines), **variables | {"REGISTRY": desk.registry.host}, **commit,
        REGISTRY_PASSWORD=secret, WORKSPACE_TMP=str(desk.folder),
    )  # fmt: skip
    assert "Login Succeeded" in said
    assert secret not in said


@pytest.mark.parametrize("kind", [kind for kind in (Skopeo, Podman) if not left_out(kind)])
def test_what_the_pull_secret_holds_is_taken_by_real_clients(desk, kind):
    """By kubectl where there is one: it writes what it was given."""
    kubernetes = [step for step in steps() if "config.json\n" in step.commands][:1]
    kubernetes += [step for step in steps() if step.needs == "kubectl" and is_here(step)]
    for step in kubernetes:
        desk.check(step)
    config = (desk.folder / "config.json").read_bytes()
    if len(kubernetes) > 1:
        made = yaml.safe_load((desk.folder / "pull-secret.yaml").read_text())
        assert (made["kind"], made["type"]) == ("Secret", "kubernetes.io/dockerconfigjson")
        assert base64.b64decode(made["data"][".dockerconfigjson"]) == config
    (entry,) = json.loads(config)["auths"].values()
    login = base64.b64decode(entry["auth"], validate=True).decode()
    assert login == f"robot.cluster:{desk.secret('cluster.txt')}"
    client = kind(desk.folder, desk.registry.host)
    client.auth.write_bytes(config)
    done = client.pull("team/app")
    assert done.ok, done.text
    assert client.push("team/other", make_image(desk.folder / f"new-{kind.name}")).refused
