"""Settings from file, environment and secret files, and everything that can be wrong with them."""

import os
from pathlib import Path

import pytest

from authsvc.errors import InvalidSettings
from authsvc.settings import HtpasswdSource, LdapSource, known_keys, load

LDAP = """
[[sources]]
type = "ldap"
name = "corp"
urls = ["ldaps://dc1.example.com"]
user_base = "ou=people,dc=example,dc=com"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with nothing in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def read(folder):
    """Settings of a TOML text and an environment."""

    def loaded(text, **environ):
        file = folder / "authsvc.toml"
        file.write_text(text)
        return load(file, environ)

    return loaded


@pytest.fixture
def faults(read):
    """What is wrong, as {place without the file's folder: text}."""

    def found(text, **environ):
        with pytest.raises(InvalidSettings) as refused:
            read(text, **environ)
        return {place.replace(f"{Path.cwd()}/", ""): text for place, text in refused.value.faults}

    return found


def test_everything_has_the_default_of_the_contract(folder):
    settings = load(None, {})
    assert settings.issuer == "authsvc"
    assert settings.public_url == "http://localhost:5001"
    assert settings.realm == "http://localhost:5001/token"
    assert settings.database_url.get_secret_value() == f"sqlite:///{folder}/data/authsvc.db"
    assert (settings.data_dir, settings.certs_dir) == (folder / "data", folder / "certs")
    server = settings.server
    assert (server.host, server.port, server.workers) == ("127.0.0.1", 5001, 1)
    assert (server.connections, server.drain, server.trusted_proxies) == (2048, 5, ())
    assert [str(net) for net in server.metrics_allow] == ["127.0.0.0/8", "::1/128"]
    assert (server.tls_cert, server.tls_key) == (None, None)
    assert (settings.token.ttl, settings.token.algorithm) == (900, "ES256")
    assert (settings.keys.leaf_days, settings.keys.allow_shared_root) == (30, False)
    assert settings.sources == ()
    assert (settings.cache.credential_ttl, settings.cache.staleness) == (60, 1.0)
    assert settings.limits.login_failures == "10/5minutes"
    assert settings.refresh.max_age == 90 * 86400
    assert (settings.audit.durability, settings.audit.on_failure) == ("before-response", "refuse")
    assert (settings.audit.max_bytes, settings.audit.sinks) == (None, ())
    assert settings.file is None
    assert settings.warnings() == ()


def test_the_file_is_named_by_argument_environment_or_its_place(folder):
    for name in ("authsvc.toml", "named.toml", "environment.toml"):
        (folder / name).write_text(f'issuer = "{name}"')
    environ = {"AUTHSVC_CONFIG": "environment.toml"}
    assert load(None, {}).issuer == "authsvc.toml"
    assert load(None, environ).issuer == "environment.toml"
    assert load(Path("named.toml"), environ).issuer == "named.toml"
    assert load(Path("named.toml"), environ).file == folder / "named.toml"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_file_that_was_named_must_be_there(folder, how):
    path, environ = (Path("x.toml"), {}) if how == "argument" else (None, {"AUTHSVC_CONFIG": "x"})
    with pytest.raises(InvalidSettings, match="not there"):
        load(path, environ)


def test_relative_paths_start_from_the_folder_of_the_file(folder, monkeypatch):
    (folder / "etc").mkdir()
    (folder / "etc" / "a.toml").write_text(
        'certs_dir = "c"\ndata_dir = "/var/d"\ndatabase_url = "sqlite:///x/a.db"\n'
        '[server]\ntls_cert = "t.crt"\ntls_key = "t.key"\n'
        '[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "people"\n'
    )
    settings = load(Path("etc/a.toml"), {"AUTHSVC_DATA_DIR": "d"})
    etc = folder / "etc"
    assert (settings.certs_dir, settings.data_dir) == (etc / "c", etc / "d")
    assert settings.database_url.get_secret_value() == f"sqlite:///{etc}/x/a.db"
    assert (settings.server.tls_cert, settings.server.tls_key) == (etc / "t.crt", etc / "t.key")
    assert settings.sources[0].path == etc / "people"


def test_the_environment_overrides_every_kind_of_key(read):
    settings = read(
        LDAP + "[token]\nttl = 120",
        AUTHSVC_ISSUER="other",
        AUTHSVC_TOKEN__TTL="300",
        AUTHSVC_KEYS__ALLOW_SHARED_ROOT="yes",
        AUTHSVC_CACHE__STALENESS="0.5",
        AUTHSVC_SERVER__DRAIN="2",
        AUTHSVC_SERVER__TRUSTED_PROXIES="10.0.0.0/8, fd00::/8",
        AUTHSVC_SERVER__METRICS_ALLOW='["192.0.2.1"]',
        AUTHSVC_AUDIT__MAX_BYTES="200GB",
        AUTHSVC_AUDIT__SINKS='[{"type": "syslog", "url": "tls://siem.example.com:6514"}]',
        AUTHSVC_REFRESH__IDLE="12h",
        AUTHSVC_SOURCES__CORP__TLS_VERIFY="false",
        AUTHSVC_SOURCES__CORP__BIND_DN="cn=reader",
        AUTHSVC_SOURCES__CORP__BIND_PASSWORD="hunter2",
        AUTHSVC_SOURCES__CORP__TIMEOUT="2.5",
        UNRELATED="x",
    )
    assert (settings.issuer, settings.token.ttl) == ("other", 300)
    assert settings.keys.allow_shared_root
    assert (settings.cache.staleness, settings.server.drain) == (0.5, 2)
    assert [str(net) for net in settings.server.trusted_proxies] == ["10.0.0.0/8", "fd00::/8"]
    assert [str(net) for net in settings.server.metrics_allow] == ["192.0.2.1/32"]
    assert settings.audit.max_bytes == 200 * 10**9
    assert settings.audit.sinks[0].url == "tls://siem.example.com:6514"
    assert settings.refresh.idle == 12 * 3600
    (corp,) = settings.sources
    assert isinstance(corp, LdapSource)
    assert not corp.tls_verify
    assert corp.bind_password.get_secret_value() == "hunter2"
    assert corp.timeout == 2.5


def test_a_source_may_stand_in_the_environment_alone(folder):
    settings = load(
        None, {"AUTHSVC_SOURCES__FILE__TYPE": "htpasswd", "AUTHSVC_SOURCES__FILE__PATH": "people"}
    )
    assert settings.sources == (
        HtpasswdSource(type="htpasswd", name="file", path=folder / "people"),
    )


def test_a_source_with_a_hyphen_is_written_with_an_underscore(read):
    text = LDAP.replace('"corp"', '"corp-2"')
    settings = read(text, AUTHSVC_SOURCES__CORP_2__CACHE_TTL="5")
    assert settings.sources[0].cache_ttl == 5


def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_setting(folder):
    load(
        None,
        {
            "AUTHSVC_SERVICE_HOST": "10.0.0.1",
            "AUTHSVC_SERVICE_PORT": "5001",
            "AUTHSVC_SERVICE_PORT_HTTP": "5001",
            "AUTHSVC_PORT": "tcp://10.0.0.1:5001",
            "AUTHSVC_PORT_5001_TCP": "tcp://10.0.0.1:5001",
            "AUTHSVC_PORT_5001_TCP_ADDR": "10.0.0.1",
        },
    )


@pytest.mark.parametrize(
    ("text", "environ", "place", "nearest"),
    [
        ("isuer = 1", {}, "authsvc.toml: isuer", "issuer"),
        ("[toke]\nttl = 60", {}, "authsvc.toml: toke", "token"),
        ("ttl = 60", {}, "authsvc.toml: ttl", "token.ttl"),
        ("[server]\nworkes = 2", {}, "authsvc.toml: server.workes", "server.workers"),
        ("[limits]\nlogin = ''", {}, "authsvc.toml: limits.login", "limits.login_failures"),
        (LDAP + "ca_fil = ''", {}, "authsvc.toml: sources.corp.ca_fil", "sources.corp.ca_file"),
        (
            "[[audit.sinks]]\ntype = 'file'\npath = 'x'\nur = ''",
            {},
            "authsvc.toml: audit.sinks.1.ur",
            "audit.sinks.url",
        ),
        ("", {"AUTHSVC_TOKEN__TTTL": "60"}, "environment: AUTHSVC_TOKEN__TTTL",
         "AUTHSVC_TOKEN__TTL"),
        ("", {"AUTHSVC_TOKEN_TTL": "60"}, "environment: AUTHSVC_TOKEN_TTL", "AUTHSVC_TOKEN__TTL"),
        ("", {"AUTHSVC_PORT": "5002"}, "environment: AUTHSVC_PORT", "AUTHSVC_SERVER__PORT"),
        ("", {"AUTHSVC_SOURCES__NOBODY__BIND_DN": "x"},
         "environment: AUTHSVC_SOURCES__NOBODY__BIND_DN", "AUTHSVC_SOURCES__NAME__BIND_DN"),
        ("", {"AUTHSVC_TOKEN": "{}"}, "environment: AUTHSVC_TOKEN", "AUTHSVC_TOKEN"),
        ("file = 'x'", {}, "authsvc.toml: file", None),
        ("issuer_file = 'x'", {}, "authsvc.toml: issuer_file", None),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest_known_one(faults, text, environ, place, nearest):
    found = faults(text, **environ)
    assert list(found) == [place]
    assert "unknown; the nearest is" in found[place]
    if nearest:
        assert found[place].endswith(f" {nearest}")


WRONG = [
    ("issuer", '""'), ("issuer", "5"), ("issuer", '"a\\u0000b"'),
    ("public_url", '"auth.example.com"'), ("public_url", '"ftp://x"'), ("public_url", '"https://"'),
    ("public_url", '"https://x/?a=b"'), ("public_url", '"https://x/#f"'),
    ("public_url", '"https://u:p@x"'), ("public_url", '"https://x:99999"'),
    ("public_url", '"https://x y"'),
    ("database_url", '"mysql://x/y"'), ("database_url", '"postgresql://x/y"'),
    ("database_url", '"postgres://x/y"'), ("database_url", '"postgresql+psycopg://x"'),
    ("database_url", '"sqlite://"'), ("database_url", '"sqlite:///:memory:"'),
    ("data_dir", '""'), ("certs_dir", "5"),
    ("server.port", "0"), ("server.port", "65536"), ("server.port", '"5001"'),
    ("server.port", "true"), ("server.port", "1.5"), ("server.workers", "0"),
    ("server.drain", "-1"), ("server.drain", "nan"), ("server.connections", "0"),
    ("server.host", '""'), ("server.trusted_proxies", '["10.0.0.1/8"]'),
    ("server.trusted_proxies", '["*"]'), ("server.trusted_proxies", '"10.0.0.0/8"'),
    ("server.metrics_allow", "[5]"),
    *[("token.ttl", text) for text in ("0", "-1", "59", "3601", "1000000000", '"60"', "60.5")],
    ("token.algorithm", '"HS256"'), ("token.algorithm", '"none"'), ("token.algorithm", '"EdDSA"'),
    ("keys.leaf_days", "0"), ("keys.leaf_days", "731"), ("keys.allow_shared_root", '"true"'),
    ("keys.allow_shared_root", "1"),
    ("cache.credential_ttl", "-1"), ("cache.staleness", "0"), ("cache.staleness", "inf"),
    ("cache.staleness", "6"), ("redis.url", '"http://x"'),
    ("redis.url", '"redis://h/0?nonsense=1"'), ("redis.url", '"redis://h/0?socket_timeout=soon"'),
    ("redis.url", '"rediss://h/0?retry=yes"'), ("redis.url", '"redis://h/first"'),
    ("limits.login_failures", '"10"'), ("limits.login_failures", '"0/minute"'),
    ("limits.login_failures", '"10/0minutes"'), ("limits.login_failures", '"10/5fortnights"'),
    ("limits.token_requests", "5"),
    ("refresh.max_age", "90"), ("refresh.max_age", '"90"'), ("refresh.max_age", '"0d"'),
    ("refresh.idle", '"1w"'), ("refresh.per_user_and_registry", "0"),
    ("audit.durability", '"sometimes"'), ("audit.on_failure", '"ignore"'),
    ("audit.retention", '""'), ("audit.max_bytes", '"200"'), ("audit.max_bytes", '"2 PB"'),
    ("audit.max_bytes", "200"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[f"{k}={v}" for k, v in WRONG])
def test_a_wrong_value_is_a_fault_at_its_key(faults, key, value):  # JW-18 for token.ttl
    section, _, name = key.rpartition(".")
    found = faults((f"[{section}]\n" if section else "") + f"{name} = {value}")
    (place,) = found
    assert place in {f"authsvc.toml: {key}", f"authsvc.toml: {key}.1"}
    assert "Input should" not in found[place]


RIGHT = [
    ("issuer", '"Acme auth server"'), ("public_url", '"https://auth.example.com/registry/"'),
    ("database_url", '"postgresql+psycopg://u:p%40@h:5432/d?sslmode=require"'),
    ("token.ttl", "60"), ("token.ttl", "3600"), ("server.drain", "0"), ("server.port", "65535"),
    ("limits.login_failures", '""'), ("limits.login_failures", '"1/second"'),
    ("audit.max_bytes", '"1TiB"'), ("redis.url", '"rediss://:p@h:6380/0"'),
    ("redis.url", '"redis://u:p@h?socket_keepalive=yes&db=3"'), ("redis.url", '"redis://h/"'),
    ("redis.url", '"unix:///run/redis.sock?db=1"'),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), RIGHT, ids=[f"{k}={v}" for k, v in RIGHT])
def test_a_right_value_is_taken(read, key, value):
    section, _, name = key.rpartition(".")
    read((f"[{section}]\n" if section else "") + f"{name} = {value}")


SOURCES = [
    ('name = "local"', "name"), ('name = "Corp"', "name"), ('name = "a:b"', "name"),
    ('name = ""', "name"), ("urls = []", "urls"), ('urls = ["http://x"]', "urls.1"),
    ('group_strategy = "guess"', "group_strategy"), ('user_filter = "(uid=x)"', "user_filter"),
    ("timeout = 0", "timeout"), ("start_tls = true", "start_tls"), ('bind_dn = "cn=x"',
     "bind_password"), ('bind_password = "x"', "bind_dn"), ("tls_verify = 0", "tls_verify"),
]  # fmt: skip


SOURCES += [
    *[(f'urls = ["ldap://h", "{url}"]', "urls.2") for url in (
        "ldap://u:p@h", "ldap://@h", "ldaps://h/dc=x", "ldap://h?uid", "ldap://h/#f", "ldap://",
    )],
    *[(f'user_filter = "{text}"', "user_filter") for text in (
        "(uid={username}", "uid={username}", "(uid={username})(x=y)", "(!(uid={username})(x=y))",
    )],
    *[(f'{key} = "{text}"', key) for key in ("active_filter", "group_filter") for text in (
        "x=y", "(x=y", "(x)", "()", "(&)", "((x=y))",
    )],
    ('group_filter = ""', "group_filter"), ('user_base = ""', "user_base"),
    *[(f'{key} = "{text}"', key) for key in ("user_base", "group_base") for text in (
        "nonsense", "example.com", "ou=people,dc", "ou=people,,dc=x", "ou=people,", "=x",
        "reader@example.com",
    )],
]  # fmt: skip
DIRECTORY = [
    'urls = ["ldap://h:389/", "ldaps://[::1]"]',
    'user_filter = "(|(uid={username})(mail={username}))"',
    'active_filter = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"',
    'active_filter = "( & (a>=1) (b~=c) (d=*e*) (memberOf=cn=x\\\\2c y,dc=z))"',
    'user_base = "ou=Büro\\\\, Haus 1, dc=example"', 'user_base = "2.5.4.11=people+l=x,dc=y"',
    'group_base = "<GUID=7b95f0d5-a3ed-486c-919c-077b8c9731f2>"',
    'group_base = \'cn="Doe, Jane";dc=x\'',
    *[f"bind_dn = '{text}'\nbind_password = \"x\"" for text in (
        "cn=reader,dc=x", "reader@example.com", r"EXAMPLE\reader",
    )],
]  # fmt: skip


@pytest.mark.parametrize("line", DIRECTORY)
def test_what_directories_understand_is_no_fault(read, line):
    changed = line.partition(" ")[0]
    text = "".join(part + "\n" for part in LDAP.splitlines() if not part.startswith(changed))
    (source,) = read(text + line).sources
    assert source.name


@pytest.mark.parametrize("bind", ["reader", "a@b@c", "@", "cn=x,"])
def test_what_nobody_can_bind_as_is_a_fault(faults, bind):
    found = faults(f'{LDAP}bind_dn = "{bind}"\nbind_password = "x"\n')
    assert list(found) == ["authsvc.toml: sources.corp.bind_dn"]


@pytest.mark.parametrize(("line", "key"), SOURCES, ids=[line for line, _ in SOURCES])
def test_a_faulty_source_is_named_by_its_name(faults, line, key):
    changed = line.partition(" ")[0]
    text = "".join(part + "\n" for part in LDAP.splitlines() if not part.startswith(changed))
    found = faults(text + line)
    (place,) = found
    assert place.startswith("authsvc.toml: sources.")
    assert place.endswith(f".{key}")


@pytest.mark.parametrize(
    ("schemes", "right"),
    [
        ('["bcrypt"]', True),
        ('["sha256_crypt", "sha512_crypt", "apr_md5", "sha1"]', True),
        ("[]", False),
        ('["plaintext"]', False),
        ('["des_crypt"]', False),
        ('["bcrypt", "bcrypt"]', False),
    ],
)
def test_htpasswd_schemes_are_those_of_the_contract(read, schemes, right):
    text = f'[[sources]]\ntype = "htpasswd"\nname = "file"\npath = "x"\nschemes = {schemes}'
    if right:
        assert read(text).sources[0].schemes
    else:
        with pytest.raises(InvalidSettings):
            read(text)


def test_names_of_sources_are_unique(faults):
    found = faults(LDAP + LDAP + LDAP.replace('"corp"', '"other"'))
    assert list(found) == ["authsvc.toml: sources.corp.name"]


def test_an_unknown_type_and_a_missing_one_are_named(faults):
    found = faults('[[sources]]\ntype = "ldpa"\nname = "a"\n[[sources]]\nname = "b"')
    assert set(found) == {"authsvc.toml: sources.a.type", "authsvc.toml: sources.b.type"}


@pytest.mark.parametrize("key", ["tls_cert", "tls_key"])
def test_a_certificate_and_its_key_come_together(faults, key):
    other = {"tls_cert": "tls_key", "tls_key": "tls_cert"}[key]
    assert list(faults(f'[server]\n{key} = "x"')) == [f"authsvc.toml: server.{other}"]


def test_all_faults_are_told_at_once_with_file_or_variable(faults):
    found = faults(
        'issuer = ""\nisuer = ""\n[token]\nttl = 1\n[server]\ntls_key = "x"\nport = 0\n'
        '[[sources]]\ntype = "htpasswd"\nname = "local"\n',
        AUTHSVC_CACHE__STALENESS="soon",
        AUTHSVC_TOKN__TTL="5",
        AUTHSVC_SERVER__WORKERS="many",
    )
    assert set(found) == {
        "authsvc.toml: issuer",
        "authsvc.toml: isuer",
        "authsvc.toml: token.ttl",
        "authsvc.toml: server.tls_cert",
        "authsvc.toml: server.port",
        "authsvc.toml: sources.local.name",
        "authsvc.toml: sources.local.path",
        "environment: AUTHSVC_CACHE__STALENESS",
        "environment: AUTHSVC_TOKN__TTL",
        "environment: AUTHSVC_SERVER__WORKERS",
    }


@pytest.mark.parametrize(
    ("content", "place"),
    [
        pytest.param(b"a = 1\nb = = 2\n", "authsvc.toml:2:5", id="broken"),
        pytest.param(b'issuer = "a"\nissuer = "b"\n', "authsvc.toml:2", id="twice"),
        pytest.param(b'a = 1\nissuer = "\xff"\n', "authsvc.toml:2", id="not UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_names_the_line(folder, content, place):
    file = folder / "authsvc.toml"
    file.write_bytes(content)
    with pytest.raises(InvalidSettings) as refused:
        load(file, {})
    assert refused.value.faults[0][0].startswith(f"{folder}/{place}")


def test_a_byte_order_mark_is_no_fault(folder):
    (folder / "authsvc.toml").write_bytes(b'\xef\xbb\xbfissuer = "a"\n')
    assert load(None, {}).issuer == "a"


@pytest.mark.parametrize("text", ["server = 5", "sources = 5", "sources = [5]", "audit = []"])
def test_a_section_that_is_none_is_a_fault(faults, text):
    assert faults(text)


def test_a_variable_below_what_is_no_section_is_a_fault(faults):
    assert "environment: AUTHSVC_SERVER__PORT" in faults("server = 5", AUTHSVC_SERVER__PORT="5002")


def secret_file(folder, name="secret", content="hunter2\n", mode=0o600):
    file = folder / name
    file.write_text(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("content", ["hunter2", "hunter2\n", "hunter2\r\n"])
def test_every_secret_may_stand_in_a_file(read, folder, content):
    secret_file(folder, content=content)
    secret_file(folder, "database", "postgresql+psycopg://u:pw@h/d\n")
    secret_file(folder, "redis", "redis://:pw@h/0\n")
    settings = read(
        'database_url_file = "database"\n[redis]\nurl_file = "redis"\n'
        + LDAP + 'bind_dn = "cn=x"\nbind_password_file = "secret"\n'
    )  # fmt: skip
    assert settings.sources[0].bind_password.get_secret_value() == "hunter2"
    assert settings.database_url.get_secret_value() == "postgresql+psycopg://u:pw@h/d"
    assert settings.redis.url.get_secret_value() == "redis://:pw@h/0"


def test_a_secret_file_of_the_environment_beats_the_value_of_the_file(read, folder):
    secret_file(folder, content="redis://from.file")
    text = '[redis]\nurl = "redis://written"'
    settings = read(text, AUTHSVC_REDIS__URL_FILE="secret")
    assert settings.redis.url.get_secret_value() == "redis://from.file"
    text = '[redis]\nurl_file = "secret"'
    settings = read(text, AUTHSVC_REDIS__URL="redis://variable")
    assert settings.redis.url.get_secret_value() == "redis://variable"


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        pytest.param("x", 0o644, "chmod o-rwx", id="PX-12 everybody"),
        pytest.param("x", 0o604, "chmod o-rwx", id="PX-12 others alone"),
        pytest.param("", 0o600, "empty", id="empty"),
        pytest.param("\n", 0o600, "empty", id="a line end alone"),
    ],
)
def test_a_secret_file_that_everybody_can_read_is_refused_with_the_fix(
    faults, folder, content, mode, says
):
    secret_file(folder, content=content, mode=mode)
    found = faults('[redis]\nurl_file = "secret"')
    assert says in found["authsvc.toml: redis.url_file"]


def test_a_secret_file_that_is_missing_or_contradicts_is_one_fault(faults, folder):
    secret_file(folder)
    text = LDAP + 'bind_dn = "cn=x"\nbind_password_file = "nowhere"\n'
    assert list(faults(text)) == ["authsvc.toml: sources.corp.bind_password_file"]
    both = '[redis]\nurl = "redis://x"\nurl_file = "secret"'
    assert list(faults(both)) == ["authsvc.toml: redis.url_file"]
    variables = {"AUTHSVC_REDIS__URL": "redis://x", "AUTHSVC_REDIS__URL_FILE": "secret"}
    assert list(faults("", **variables)) == ["environment: AUTHSVC_REDIS__URL_FILE"]


def test_no_secret_is_ever_printed(read, faults, folder):
    secret_file(folder, content="hunter2")
    text = 'database_url = "postgresql+psycopg://u:hunter2@h/d"\n' + LDAP
    settings = read(text + 'bind_dn = "cn=x"\nbind_password_file = "secret"')
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()
    found = faults(
        'database_url = "mysql://u:hunter2@h/d"\n[redis]\nurl = "http://:hunter2@x"\n'
        '[token]\nttl = "hunter2"'
    )
    assert len(found) == 3
    assert "hunter2" not in str(found)


def test_what_is_unwise_is_said(read):
    settings = read('public_url = "http://127.0.0.1:5001"\n' + LDAP + "tls_verify = false")
    assert [text.partition(" ")[0] for text in settings.warnings()] == [
        "sources.corp.tls_verify",
        "public_url",
    ]


def test_settings_cannot_be_changed_and_loading_reads_no_environment_but_the_one_given(
    folder, monkeypatch
):
    monkeypatch.setitem(os.environ, "AUTHSVC_ISSUER", "of the process")
    settings = load(None, {})
    assert settings.issuer == "authsvc"
    with pytest.raises(ValueError, match="frozen"):
        settings.issuer = "changed"


def test_every_key_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    missing = [key for key in known_keys() if f"`{key}`" not in text]
    assert missing == []
