"""Samba as an Active Directory domain controller, in a network of its own: its ports are fixed."""

import ctypes
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from real.authority import Authority
from real.process import Proc, listens, program
from real.slapd import ldif_line

SUFFIX = "DC=ad,DC=test"
PEOPLE = f"OU=people,{SUFFIX}"
GROUPS = f"OU=groups,{SUFFIX}"
ADMINISTRATOR = "ADTEST\\Administrator"
_ADMINISTRATORS_PASSWORD = "Adm1n of the tests"
_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_ENV = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "LC_ALL": "C.UTF-8"}

_CONF = """\
[global]
server role = active directory domain controller
server services = ldap
workgroup = ADTEST
realm = AD.TEST
netbios name = DC1
interfaces = lo
bind interfaces only = yes
private dir = {folder}/private
state directory = {folder}/state
cache directory = {folder}/cache
lock directory = {folder}
binddns dir = {folder}/bind-dns
pid directory = {folder}/run
ncalrpc dir = {folder}/run/ncalrpc
ntp signd socket directory = {folder}/run/ntp
winbindd socket directory = {folder}/run/winbindd
old password allowed period = 0
log file = {folder}/samba.log
tls certfile = {certificate}
tls keyfile = {key}
tls cafile = {ca}
"""


@contextmanager
def network_of_its_own() -> Iterator[None]:
    """This thread and what it starts have a loopback that nobody else has. Only root may.

    The namespace has no name: it ends with the last process in it.
    """
    with Path("/proc/thread-self/ns/net").open() as before:
        _must(_LIBC.unshare(_CLONE_NEWNET), "a network namespace (only root may make one)")
        try:
            subprocess.run([program("ip"), "link", "set", "lo", "up"], check=True)
            yield
        finally:
            _must(_LIBC.setns(before.fileno(), _CLONE_NEWNET), "the way back")


class Samba:
    """The controller of the domain AD.TEST with a certificate for localhost.

    It refuses simple binds that are not encrypted, as Microsoft's does where that is demanded.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.authority = Authority(folder)
        self._certificate, self._key = self.authority.server("dc1", "localhost", "127.0.0.1")
        self._key.chmod(0o600)
        self.process: Proc | None = None

    url = "ldap://127.0.0.1:389"
    tls_url = "ldaps://127.0.0.1:636"

    def provision(self) -> "Samba":
        self.tool(
            "domain", "provision", f"--targetdir={self.folder}", "--realm=AD.TEST",
            "--domain=ADTEST", "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1",
            f"--adminpass={_ADMINISTRATORS_PASSWORD}", "--host-ip=127.0.0.1",
            "--option=interfaces=lo", "--option=bind interfaces only=yes",
            "--option=server services=ldap",
        )  # fmt: skip
        (self.folder / "run").mkdir(mode=0o755)
        self._conf.write_text(_CONF.format(
            folder=self.folder, ca=self.authority.ca, certificate=self._certificate, key=self._key,
        ))  # fmt: skip
        return self

    def start(self) -> "Samba":
        self.process = Proc(
            [program("samba"), "-i", "-M", "single", "--no-process-group", "-s", self._conf],
            log=self.folder / "log",
            ready=lambda: listens(389) and listens(636),
        )
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def tool(self, *arguments: str) -> str:
        """What `samba-tool` prints; it works on the files of the controller."""
        conf = ["-s", str(self._conf)] if self._conf.exists() else []
        return _run([program("samba-tool"), *arguments, *conf])

    def add(self, entries: Iterable[str]) -> None:
        self._edit("ldapadd", "\n".join(entries))

    def replace(self, dn: str, attribute: str, *values: str | bytes) -> None:
        """Set the values of an attribute; none removes it."""
        self._change(dn, "modify", f"replace: {attribute}", *_lines(attribute, values))

    def remove(self, dn: str) -> None:
        self._change(dn, "delete")

    def rename(self, dn: str, rdn: str, *, above: str) -> None:
        more = ["deleteoldrdn: 1", ldif_line("newsuperior", above)]
        self._change(dn, "modrdn", ldif_line("newrdn", rdn), *more)

    def set_password(self, dn: str, password: str) -> None:
        self.replace(dn, "unicodePwd", quoted(password))

    def find(self, text: str, *attributes: str) -> str:
        """What `ldapsearch` finds in the whole domain, in LDIF."""
        return self._client("ldapsearch", "", "-LLL", "-b", SUFFIX, text, *attributes)

    @property
    def _conf(self) -> Path:
        return self.folder / "etc" / "smb.conf"

    def _change(self, dn: str, *lines: str) -> None:
        record = [ldif_line("dn", dn), f"changetype: {lines[0]}", *lines[1:], ""]
        self._edit("ldapmodify", "\n".join(record))

    def _edit(self, command: str, ldif: str) -> None:
        self._client(command, ldif)

    def _client(self, command: str, given: str, *arguments: str) -> str:
        as_whom = ["-D", ADMINISTRATOR, "-w", _ADMINISTRATORS_PASSWORD]
        argv = [program(command), "-x", "-H", self.tls_url, *as_whom, *arguments]
        return _run(argv, given, {"LDAPTLS_CACERT": str(self.authority.ca)})


def quoted(password: str) -> bytes:
    """A password as `unicodePwd` takes it (MS-ADTS 3.1.1.3.1.5.1)."""
    return f'"{password}"'.encode("utf-16-le")


def _lines(attribute: str, values: Sequence[str | bytes]) -> list[str]:
    return [ldif_line(attribute, value) for value in values]


def _run(argv: Sequence[str], given: str = "", env: dict[str, str] | None = None) -> str:
    run = subprocess.run(
        argv, input=given.encode(), capture_output=True, check=False, timeout=120,
        env=_ENV | (env or {}),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


def _must(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)
