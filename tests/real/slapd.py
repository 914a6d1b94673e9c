"""OpenLDAP's server on loopback: started, stopped, frozen, filled and edited."""

import base64
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from real.authority import Authority
from real.process import Proc, free_port, listens, program

SUFFIX = "dc=example,dc=com"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
READER = f"cn=reader,{SUFFIX}"
READERS_PASSWORD = "the reader's own secret"
ROOT = f"cn=root,{SUFFIX}"
_ROOTS_PASSWORD = "root of the test directory"

_CONF = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'userAccountControl'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
attributetype ( 1.3.6.1.4.1.4203.666.1.2 NAME 'objectGUID'
  EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.4203.666.1.4 NAME 'accountExpires'
  EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
objectclass ( 1.3.6.1.4.1.4203.666.1.3 NAME 'activeDirectoryAlike' SUP top AUXILIARY
  MAY ( userAccountControl $ objectGUID $ accountExpires ) )
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
{tls}
sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited
access to attrs=userPassword by anonymous auth
access to * by dn.exact="{reader}" read by anonymous auth
database mdb
suffix "{suffix}"
rootdn "{root}"
rootpw "{password}"
directory {data}
dbnosync
maxsize 268435456
index objectClass,uid,cn,member,entryUUID eq
overlay memberof
overlay ppolicy
ppolicy_use_lockout
"""
_RUNS = "openldap"


class Slapd:
    """A server with a certificate for localhost, speaking LDAP, LDAPS and StartTLS.

    `stop` and `start` keep its ports and its data.
    """

    def __init__(
        self, folder: Path, *, tls: str = "", certificate: tuple[Path, Path] | None = None
    ):
        folder.mkdir()
        folder.chmod(0o755)
        self.folder = folder
        self.authority = Authority(folder)
        pair = certificate or self.authority.server("slapd", "localhost", "127.0.0.1")
        self.port, self.tls_port = free_port(), free_port()
        self.process: Proc | None = None
        own = folder / "own"
        own.mkdir()
        (own / "data").mkdir()
        for path in pair:
            shutil.copy(path, own)
        self._conf = own / "slapd.conf"
        self._conf.write_text(_CONF.format(
            ca=self.authority.ca, certificate=own / pair[0].name, key=own / pair[1].name, tls=tls,
            reader=READER, suffix=SUFFIX, root=ROOT, password=_ROOTS_PASSWORD, data=own / "data",
        ))  # fmt: skip
        if os.geteuid() == 0:
            for path in (own, *own.rglob("*")):
                shutil.chown(path, _RUNS, _RUNS)

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    def start(self) -> "Slapd":
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        self.process = Proc(
            [program("slapd"), "-d", "stats", "-f", self._conf, "-h", urls],
            log=self.folder / "log",
            ready=lambda: listens(self.port) and listens(self.tls_port),
            user=_RUNS if os.geteuid() == 0 else None,
        )
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.thaw()
            self.process.stop(signal.SIGINT)
            self.process = None

    def freeze(self) -> None:
        """It keeps its connections, accepts new ones and says nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def said(self) -> list[str]:
        """What it was asked and answered, a line each: `conn=1 op=2 SRCH base=...`."""
        return [line.split(" ", 2)[-1] for line in self.process.log.read_text().splitlines()]

    def add(self, entries: Iterable[str]) -> None:
        self._edit("ldapadd", "\n".join(entries))

    def change(self, dn: str, *lines: str) -> None:
        """Apply the lines of one LDIF change record, `changetype` and what belongs to it."""
        self._edit("ldapmodify", "\n".join([ldif_line("dn", dn), *lines, ""]))

    def replace(self, dn: str, attribute: str, *values: str | bytes) -> None:
        """Set the values of an attribute; none removes it."""
        lines = [ldif_line(attribute, value) for value in values]
        self.change(dn, "changetype: modify", f"replace: {attribute}", *lines)

    def remove(self, dn: str) -> None:
        self.change(dn, "changetype: delete")

    def rename(self, dn: str, rdn: str) -> None:
        self.change(dn, "changetype: modrdn", ldif_line("newrdn", rdn), "deleteoldrdn: 1")

    def set_password(self, dn: str, password: str) -> None:
        self.replace(dn, "userPassword", password)

    def _edit(self, command: str, ldif: str) -> None:
        run = subprocess.run(
            [program(command), "-x", "-e", "relax", "-H", self.url, "-D", ROOT,
             "-w", _ROOTS_PASSWORD],
            input=ldif.encode(), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr.decode()


def entry(dn: str, classes: Sequence[str], **attributes: object) -> str:
    """An entry in LDIF; a value is one text or octets, or a list of them."""
    values = [("dn", dn), *(("objectClass", each) for each in classes)]
    for name, given in attributes.items():
        values += [(name, value) for value in (given if isinstance(given, list) else [given])]
    return "\n".join([*(ldif_line(name, value) for name, value in values), ""])


def ldif_line(name: str, value: str | bytes) -> str:
    """In base64, so that any value may stand there (RFC 2849)."""
    octets = value.encode() if isinstance(value, str) else value
    return f"{name}:: {base64.b64encode(octets).decode()}"


def escaped(value: str) -> str:
    """A value in a distinguished name (RFC 4514, section 2.4)."""
    return "".join(f"\\{c}" if c in ',+"\\<>;=#' or c == " " else c for c in value)
