"""What can fail about a source of people, on the real thing: a directory, a file, the database."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
from inprocess import PASSWORD
from real import hostile_ldap
from real.authority import Authority
from real.company import PASSWORDS, dn_of, settle
from real.process import free_port
from real.slapd import GROUPS, PEOPLE, READER, READERS_PASSWORD, SUFFIX, Slapd

NAME = "corp"  # of the source that fails
LANA = f"lana:{PASSWORDS['lana']}"
AD = "80090308: LdapErr: DSID-0C09, comment: x, data {}, v4f7c"


@dataclass(frozen=True)
class Failing:
    """A source's settings, what then befalls it, and what somebody shows who is of it."""

    settings: dict[str, Any] | None
    who: str = LANA
    after_sign_in: Callable[[], object] | None = None
    credential_ttl: int = 0


@dataclass
class Place:
    """Where things are made to fail: `slapd` is shared and stays as it is."""

    folder: Path
    slapd: Slapd
    _ends: ExitStack = field(default_factory=ExitStack)
    _made: dict[str, Slapd] = field(default_factory=dict)

    def own(self) -> Slapd:
        """A directory that may be stopped, with some in it who may not sign in."""
        if NAME not in self._made:
            server = self._started(NAME, Slapd(self.folder / "slapd"))
            settle(server)
            strict = f"cn=strict,{SUFFIX}"
            server.replace(dn_of("bob"), "pwdAccountLockedTime", "000001010000Z")
            for name in ("p+l+u+s", "#hash"):
                server.replace(dn_of(name), "pwdPolicySubentry", strict)
            server.replace(dn_of("p+l+u+s"), "pwdReset", "TRUE")
            server.replace(dn_of("#hash"), "pwdAccountLockedTime", "20200101000000Z")
        return self._made[NAME]

    def with_certificate(self, fault: str) -> tuple[Slapd, Path]:
        """A directory with a certificate that is no good, and the CA that its clients trust."""
        if fault not in self._made:
            scratch = self.folder / fault
            scratch.mkdir()
            own = Authority(scratch)
            (scratch / "foreign").mkdir()
            pair = {
                "expired": lambda: own.server("expired", "localhost", "127.0.0.1", days=-1),
                "foreign": lambda: Authority(scratch / "foreign", "Foreign CA").server(
                    "foreign", "localhost", "127.0.0.1"
                ),
                "misnamed": lambda: own.server("wrong", "other.example.com", "127.0.0.2"),
            }[fault]()
            self._started(fault, Slapd(self.folder / f"slapd-{fault}", certificate=pair))
            self._made[fault].authority = own
        return self._made[fault], self._made[fault].authority.ca

    def _started(self, name: str, server: Slapd) -> Slapd:
        self._made[name] = server.start()
        self._ends.callback(server.stop)
        return server

    def close(self) -> None:
        self._ends.close()


Fails = Callable[[Place], AbstractContextManager[Failing]]


@dataclass(frozen=True)
class Case:
    """A failure as the table calls it. `says` is what the log must tell of its cause."""

    source: str
    failure: str
    fails: Fails
    says: str = ""


def ldap(*urls: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "ldap", "urls": list(urls), "bind_dn": READER, "bind_password": READERS_PASSWORD,
        "user_base": PEOPLE, "group_base": GROUPS, "connect_timeout": 1.0, "timeout": 1.0, **more,
    }  # fmt: skip


def with_settings(**more: Any) -> Fails:
    """A directory that is well, asked with such settings."""

    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        yield Failing(ldap(place.slapd.url, **more))

    return fails


@contextmanager
def no_server(_place: Place) -> Iterator[Failing]:
    yield Failing(ldap(f"ldap://127.0.0.1:{free_port()}"))


@contextmanager
def one_of_two(place: Place) -> Iterator[Failing]:
    yield Failing(ldap(f"ldap://127.0.0.1:{free_port()}", place.slapd.url))


def goes_down(credential_ttl: int, **settings: Any) -> Fails:
    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        server = place.own()
        yield Failing(
            ldap(server.url, **settings), after_sign_in=server.stop, credential_ttl=credential_ttl
        )
        server.start()

    return fails


def served_by(talk: hostile_ldap.Talk, **settings: Any) -> Fails:
    """Something on loopback that is no good directory."""

    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        with hostile_ldap.serving(talk) as port:
            ca = str(place.slapd.authority.ca)
            yield Failing(ldap(f"ldap://127.0.0.1:{port}", ca_file=ca, **settings))

    return fails


def answering(code: int, text: str = "") -> Fails:
    """A directory that answers Lana's binds so."""

    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        talk = hostile_ldap.between(place.slapd.port, "uid=lana", code, text)
        with hostile_ldap.serving(talk) as port:
            yield Failing(ldap(f"ldap://127.0.0.1:{port}"))

    return fails


def certificate(fault: str, *, start_tls: bool) -> Fails:
    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        server, ca = place.with_certificate(fault)
        url = server.url if start_tls else server.tls_url
        yield Failing(ldap(url, start_tls=start_tls, ca_file=str(ca)))

    return fails


@contextmanager
def no_ca_file(place: Place) -> Iterator[Failing]:
    yield Failing(ldap(place.slapd.tls_url, ca_file=str(place.folder / "absent.crt")))


def showing(name: str, password: str | None = None) -> Fails:
    """Somebody of a directory that is well."""

    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        shown = PASSWORDS[name] if password is None else password
        yield Failing(ldap(place.own().url), f"{name}:{shown}")

    return fails


def file(text: str | None, *, schemes: tuple[str, ...] = ("bcrypt",), who: str = LANA) -> Fails:
    """A file that holds this from the start, or is not there."""

    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        path = place.folder / "people"
        if text is not None:
            path.write_text(text)
        yield Failing({"type": "htpasswd", "path": str(path), "schemes": list(schemes)}, who)
        path.unlink(missing_ok=True)

    return fails


def file_becomes(change: Callable[[Path], object]) -> Fails:
    """A good file that changes after she has signed in."""

    @contextmanager
    def fails(place: Place) -> Iterator[Failing]:
        path = place.folder / "people"
        path.write_text(LINES)
        yield Failing({"type": "htpasswd", "path": str(path)}, after_sign_in=lambda: change(path))
        path.unlink(missing_ok=True)

    return fails


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def local(who: str) -> Fails:
    @contextmanager
    def fails(_place: Place) -> Iterator[Failing]:
        yield Failing(None, who)

    return fails


def _line(name: str) -> str:
    return f"{name}:{bcrypt.hashpw(PASSWORDS[name].encode(), bcrypt.gensalt(4)).decode()}\n"


LINES = _line("bob") + _line("lana")
SHA1_LINE = "lana:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n"

CASES = [
    Case("local users", "wrong password", local(f"root:{PASSWORD}x")),
    Case("local users", "disabled", local("dora")),
    Case("htpasswd", "wrong password", file(LINES, who="lana:wrong")),
    Case("htpasswd", "missing at the start", file(None), "No such file"),
    Case("htpasswd", "goes missing", file_becomes(Path.unlink), "No such file"),
    Case("htpasswd", "becomes unreadable", file_becomes(loop), "symbolic links"),
    Case(
        "htpasswd", "everybody may write it", file_becomes(lambda p: p.chmod(0o666)), "chmod o-w"
    ),
    Case(
        "htpasswd", "half-written, no line whole yet",
        file_becomes(lambda p: p.write_text(LINES[:30])), "no line of it is usable",
    ),
    Case(
        "htpasswd", "half-written, her line cut and left so",
        file_becomes(lambda p: p.write_text(LINES[:-9])),
    ),
    Case("htpasswd", "stays empty", file_becomes(lambda p: p.write_text(""))),
    Case("htpasswd", "a hash of a scheme that is not admitted", file(SHA1_LINE), "sha1"),
    Case("ldap", "wrong password", showing("lana", "wrong")),
    Case("ldap", "disabled by an administrator", showing("bob")),
    Case("ldap", "locked by wrong passwords", showing("#hash")),
    Case("ldap", "password must be changed first", showing("p+l+u+s")),
    Case("ldap", "no server answers", no_server),
    Case("ldap", "one of two servers is down", one_of_two),
    Case("ldap", "goes down; who is remembered", goes_down(60)),
    Case("ldap", "goes down; who is remembered no more", goes_down(60, cache_ttl=0)),
    Case("ldap", "the same with `outage_grace`", goes_down(60, cache_ttl=0, outage_grace=60)),
    Case("ldap", "accepts connections and says nothing", served_by(hostile_ldap.tarpit), "time"),
    Case("ldap", "answers a byte at a time", served_by(hostile_ldap.drip)),
    Case("ldap", "answers what is no LDAP", served_by(hostile_ldap.nonsense)),
    Case("ldap", "answers HTTP", served_by(hostile_ldap.http)),
    Case("ldap", "answers a bind with `busy`", answering(51), "result 51"),
    *(
        Case("ldap", f"certificate {fault}", certificate(word, start_tls=start_tls), says)
        for word, fault, says in (
            ("expired", "expired", "certificate has expired"),
            ("foreign", "of a foreign CA", "unable to get local issuer certificate"),
            ("misnamed", "for another name", "certificate is not valid for"),
        )
        for start_tls in (False, True)
    ),
    Case("ldap", "`ca_file` missing", no_ca_file, "ca_file cannot be used"),
    Case(
        "ldap", "StartTLS stripped", served_by(hostile_ldap.stripping([]), start_tls=True),
        "startTLS failed",
    ),
    Case("ldap", "answers injected behind StartTLS",
         served_by(hostile_ldap.injecting([]), start_tls=True)),
    Case(
        "ldap", "wrong service password", with_settings(bind_password="wrong"),
        "refuses the service account",
    ),
    Case("ldap", "`user_base` missing", with_settings(user_base=f"ou=nowhere,{PEOPLE}")),
    Case(
        "ldap", "two entries for one name",
        with_settings(user_filter="(|(uid={username})(uid=bob))"),
    ),
    Case("ldap", "entry without a stable id", with_settings(id_attribute="objectGUID")),
    Case("Active Directory", "disabled", answering(49, AD.format(533))),
    Case("Active Directory", "locked by wrong passwords", answering(49, AD.format(775))),
    Case("Active Directory", "password expired", answering(49, AD.format(532))),
    Case("Active Directory", "password must be changed first", answering(49, AD.format(773))),
    Case("Active Directory", "account past its end", answering(49, AD.format(701))),
]  # fmt: skip
