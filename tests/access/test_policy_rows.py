"""Policy rows become policy values, on both engines."""

import pytest
from access.rows import TIME, Rows
from sqlalchemy import delete, select, update

from authsvc.access import store
from authsvc.access.model import Role, Visibility, When
from authsvc.access.roles import BUILT_IN
from authsvc.db.models import Role as RoleRow
from authsvc.db.models import Subject


@pytest.fixture
def filled(database):
    """A database with a row of each kind."""
    with database.write() as session:
        session.execute(delete(RoleRow).where(RoleRow.builtin.is_(False)))
        rows = Rows(session)
        reg = rows.registry("reg:5000", ttl=120, key_header="libtrust", refresh_tokens=True)
        rows.registry("other", enabled=False, read_only=True)
        rows.namespace("team", visibility="internal")
        rows.namespace("team", reg, "public")
        rows.namespace("team/secret")
        rows.role("pusher", ["repository:push", "registry:catalog:*"])
        alice = rows.subject("user", "alice", "local")
        rows.subject("user", "alice", "corp")
        devs, everybody = rows.subject("group", "devs"), rows.subject("group", "all")
        corp = rows.subject("group", "devs", "corp")
        rows.member(devs, alice)
        rows.member(everybody, devs)
        rows.member(everybody, corp)
        rows.grant(alice, "pusher", "team")
        rows.grant(alice, "pusher", "team/*", registry_id=reg, effect="deny")
        rows.grant(
            alice, "pusher", "{username}/**", expires_at=TIME,
            cidrs=["10.0.0.0/8", "::ffff:192.0.2.0/120", "2001:db8::/32"],
        )  # fmt: skip
        audience = session.scalar(select(Subject.id).where(Subject.kind == "everyone"))
        rows.grant(audience or rows.subject("everyone", "everyone"), "pusher", "**")
        retired = rows.subject("user", "left", "corp", retired=True)
        rows.grant(retired, "pusher", "team")
        rows.member(devs, retired)
    return database


def loaded(database, subject):
    with database.read() as session:
        return store.load_rules(session, subject)


def test_the_base_is_registries_roles_visibilities_and_nesting(filled):
    with filled.read() as session:
        base = store.load_base(session)
    assert set(base.registries) >= {"reg:5000", "other"}
    registry = base.registries["reg:5000"]
    assert (registry.enabled, registry.read_only) == (True, False)
    assert (registry.ttl, registry.key_header) == (120, "libtrust")
    assert (registry.refresh_tokens, registry.libtrust_kid) == (True, None)
    assert not base.registries["other"].enabled
    assert base.registries["other"].read_only
    assert base.visibility == {
        "team": {None: Visibility.INTERNAL, "reg:5000": Visibility.PUBLIC},
        "team/secret": {None: Visibility.PRIVATE},
    }
    assert base.parents == {"group:devs": ("group:all",), "group:corp:devs": ("group:all",)}
    assert base.roles == {
        **BUILT_IN, "pusher": Role("pusher", frozenset({"push"}), catalog=True)
    }  # fmt: skip


def test_the_row_of_a_built_in_role_changes_nothing_about_it(filled):
    with filled.write() as session:
        Rows(session).role("reader", builtin=True)
        session.execute(
            update(RoleRow).where(RoleRow.name == "reader").values(allow=["repository:push"])
        )
    with filled.read() as session:
        assert store.load_base(session).roles["reader"] == BUILT_IN["reader"]


def test_rules_of_a_subject_are_its_grants_by_where_they_hold(filled):
    rules = loaded(filled, "user:local:alice")
    (path,) = rules.paths["team"]
    assert (path.role, path.allow, path.registry, path.when) == ("pusher", True, None, None)
    assert path.subject == "user:local:alice"
    (glob,) = rules.globs.find("team/app")
    assert (glob.allow, glob.registry) == (False, "reg:5000")
    (template,) = rules.templates
    assert template.pattern == "{username}/**"
    assert isinstance(template.when, When)
    assert template.when.expires == TIME.timestamp()
    assert list(map(str, template.when.networks)) == ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]
    assert rules.groups == ("group:devs",)
    assert rules.everywhere == ()


def test_an_audience_is_found_by_its_word(filled):
    (rule,) = loaded(filled, "everyone").everywhere
    assert rule.role == "pusher"
    assert loaded(filled, "authenticated").empty


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("user:corp:alice", id="namesake"),
        pytest.param("user:local:nobody", id="no-row"),
        pytest.param("user:corp:left", id="retired"),
        pytest.param("robot:alice", id="robot-namesake"),
        pytest.param("group:alice", id="group-namesake"),
        pytest.param("user:corp:a:b", id="no-subject-at-all"),
        pytest.param("", id="empty"),
    ],
)
def test_who_has_no_row_of_its_own_has_no_rules(filled, subject):
    rules = loaded(filled, subject)
    assert rules.empty
    assert rules.subject == subject


def test_a_group_has_rules_like_anybody(filled):
    with filled.write() as session:
        corp = session.scalar(
            select(Subject.id).where(Subject.kind == "group", Subject.source == "corp")
        )
        Rows(session).grant(corp, "reader", "corp")
    assert list(loaded(filled, "group:corp:devs").paths) == ["corp"]
    assert loaded(filled, "group:devs").paths == {}


def test_reading_leaves_no_trace(filled):
    with filled.read() as session:
        store.load_base(session)
        store.load_rules(session, "user:local:alice")
        assert not session.new
        assert not session.dirty
