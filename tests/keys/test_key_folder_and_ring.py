"""certs_dir, the keyring and renewal: real files, real databases, a clock that stands."""

import json
import os
import stat
import threading

import jwt
import pytest
import structlog.testing

from authsvc.errors import Conflict, InvalidSettings, NotFound, Unavailable
from authsvc.keys import readiness, store
from authsvc.keys.jwks import libtrust_id

DAY = 86400.0


def kids(installation):
    return [entry["kid"] for entry in json.loads(installation.keyring.jwks())["keys"]]


def age(installation, seconds=1.1):
    """Let the rows become as old as every worker needs to have seen them."""
    installation.clock.advance(seconds)


def test_init_makes_private_files_and_does_it_once(installation):
    first = installation.init()
    assert (first.made_ca, first.made_leaf) == (True, True)
    files = {path.name: path for path in installation.path.iterdir()}
    assert {"ca.crt", "ca.key", "secret.key"} < set(files)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files.values())
    before = {path: path.read_bytes() for path in files.values()}
    second = installation.init()
    assert (second.authority, second.made_ca, second.made_leaf) == (first.authority, False, False)
    assert {path: path.read_bytes() for path in installation.path.iterdir()} == before
    assert installation.states() == ["active"]


def test_a_new_installation_signs_at_once_and_jwks_verifies_it(installation):
    installation.init()
    signer = installation.signer()
    token = signer.header + b"." + jwt.utils.base64url_encode(b'{"iss":"x"}')
    token += b"." + signer.sign(token)
    header = jwt.get_unverified_header(token)
    assert list(header) == ["alg", "typ", "kid", "x5c"]
    assert (header["alg"], header["typ"], header["kid"]) == ("ES256", "JWT", signer.kid)
    assert len(header["x5c"]) == 1
    keys = jwt.PyJWKSet.from_json(installation.keyring.jwks().decode())
    assert jwt.decode(token, keys[signer.kid], ["ES256"]) == {"iss": "x"}
    libtrust = installation.libtrust(signer.kid)
    unpadded = jwt.utils.base64url_decode(libtrust.header)
    assert json.loads(unpadded) == {"alg": "ES256", "typ": "JWT", "kid": libtrust.kid}
    assert libtrust.kid == libtrust_id(keys[signer.kid].key)
    assert libtrust.ends == float("inf")


def test_the_signer_is_the_same_object_while_nothing_changed(on_sqlite):
    on_sqlite.init()
    assert on_sqlite.signer() is on_sqlite.signer()
    kid = on_sqlite.signer().kid
    assert on_sqlite.libtrust(kid) is on_sqlite.libtrust(kid)


def test_rs256_by_setting(on_sqlite):
    on_sqlite.init()
    changed = on_sqlite.again(algorithm="RS256")
    assert changed.maker.renew_if_due()
    age(changed)
    header = json.loads(jwt.utils.base64url_decode(changed.signer().header))
    assert header["alg"] == "RS256"
    assert not changed.maker.renew_if_due()


def test_a_rotated_key_signs_once_its_row_is_as_old_as_workers_need(installation):
    installation.init()
    age(installation, 60)
    old = installation.signer()
    new = installation.rotate().made
    assert installation.signer() is old
    assert new["kid"] in kids(installation)  # published before any token is signed with it
    age(installation, 0.9)
    assert installation.signer(refresh=False) is old
    age(installation, 0.2)
    assert installation.signer(refresh=False).kid == new["kid"]
    assert old.kid in kids(installation)
    assert installation.states() == ["active", "retired"]


def test_a_retired_key_leaves_the_key_set_after_its_last_token(on_sqlite):
    on_sqlite.init()
    old = on_sqlite.signer()
    on_sqlite.rotate()
    on_sqlite.clock.wall = old.ends + 59
    on_sqlite.keyring.refresh()
    assert old.kid in kids(on_sqlite)
    on_sqlite.clock.advance(2)
    on_sqlite.keyring.refresh()
    assert old.kid not in kids(on_sqlite)


def test_no_token_outlives_its_leaf(on_sqlite):  # JW-21
    on_sqlite.init()
    end = on_sqlite.signer().ends
    on_sqlite.clock.wall = end - 100
    signer = on_sqlite.signer(ttl=900)
    assert signer.ends - on_sqlite.clock.now() == 100
    on_sqlite.clock.wall = end - 59
    with pytest.raises(Unavailable):
        on_sqlite.signer(ttl=60)
    assert on_sqlite.libtrust(signer.kid).ends > end  # a look-up by kid checks no dates


def test_an_older_leaf_signs_what_the_newest_does_not_outlive(on_sqlite, authority):
    ca = authority("ours")
    ca.put(on_sqlite.path, key=False)
    ca.put_leaf(on_sqlite.path, "long.pem", days=90)
    on_sqlite.init()
    age(on_sqlite, 10)
    long = on_sqlite.signer()
    ca.put_leaf(on_sqlite.path, "short.pem", days=1)
    assert on_sqlite.maker.renew_if_due()
    age(on_sqlite, 10)
    short = on_sqlite.signer()
    assert short is not long
    on_sqlite.clock.wall = short.ends - 300
    assert on_sqlite.signer(ttl=300) is short
    assert on_sqlite.signer(ttl=301) is long


def test_leaves_are_renewed_at_half_of_their_life_with_nobody_asked(installation):
    installation.init()
    first = installation.signer()
    installation.clock.advance(14.9 * DAY)
    assert not installation.maker.renew_if_due()
    installation.clock.advance(0.2 * DAY)
    assert installation.maker.renew_if_due()
    assert not installation.maker.renew_if_due()
    age(installation)
    assert installation.signer().ends - first.ends == pytest.approx(15.1 * DAY, abs=10)
    assert installation.keyring.warnings() == ()


def test_years_without_a_hand_never_stop_signing(on_sqlite):
    on_sqlite.init()
    seen = set()
    for _ in range(3 * 52):
        on_sqlite.clock.advance(7 * DAY)
        on_sqlite.maker.renew_if_due()
        age(on_sqlite)
        seen.add(on_sqlite.signer(ttl=3600).kid)
        assert len(kids(on_sqlite)) <= 6  # two ids each
    assert len(seen) > 3 * 52 / 4


def test_one_process_of_those_that_share_a_folder_renews(installation):
    installation.init()
    installation.clock.advance(16 * DAY)
    replicas = [installation.again() for _ in range(4)]
    made = []
    threads = [
        threading.Thread(target=lambda each=each: made.append(each.maker.renew_if_due()))
        for each in replicas
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    assert len(installation.keys()) == 2


def test_a_replica_with_a_copy_of_the_folder_renews_its_own(installation, tmp_path):  # JW-12
    installation.init()
    copy = installation.replica(tmp_path / "copy")
    copy.path.mkdir()
    for path in installation.path.iterdir():
        (copy.path / path.name).write_bytes(path.read_bytes())
        (copy.path / path.name).chmod(0o600)
    installation.clock.advance(16 * DAY)
    assert installation.maker.renew_if_due()
    assert copy.maker.renew_if_due()
    age(installation)
    ours, theirs = installation.signer(), copy.signer()
    assert ours.kid != theirs.kid
    assert {ours.kid, theirs.kid} < set(kids(installation)) == set(kids(copy))


def test_a_file_without_a_row_signs_nothing_until_it_is_found(on_sqlite, authority):
    ca = authority("ours")
    ca.put(on_sqlite.path, key=False)
    ca.put_leaf(on_sqlite.path, "one.pem")
    on_sqlite.init()
    age(on_sqlite, 5)
    first = on_sqlite.signer()
    ca.put_leaf(on_sqlite.path, "two.pem", start=on_sqlite.clock.now())
    assert on_sqlite.signer() is first
    assert on_sqlite.maker.renew_if_due()
    age(on_sqlite)
    assert on_sqlite.signer() is not first


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"garbage", id="JW-13 garbage"),
        pytest.param(b"", id="JW-13 empty"),
        pytest.param("other key", id="JW-13 a key that is not the certificate's"),
        pytest.param("other CA", id="JW-13 a leaf of another CA"),
        pytest.param("others can read it", id="PX-12"),
    ],
)
def test_a_spoiled_key_file_leaves_the_old_key_signing_and_is_named(on_sqlite, authority, content):
    on_sqlite.init()
    signer = on_sqlite.signer()
    path = on_sqlite.leaf_path(signer.kid)
    if content == "other key":
        other = on_sqlite.folder.path / "other.pem"
        authority("x").put_leaf(on_sqlite.path, "other.pem")
        key_half = other.read_bytes().split(b"-----BEGIN CERT")[0]
        cert_half = path.read_bytes().split(b"-----BEGIN CERT")[1]
        other.unlink()
        on_sqlite.folder.write(path.name, key_half + b"-----BEGIN CERT" + cert_half)
    elif content == "other CA":
        authority("x").put_leaf(on_sqlite.path, path.name)
    elif content == "others can read it":
        path.chmod(0o640)
    else:
        on_sqlite.folder.write(path.name, content)
    with structlog.testing.capture_logs() as log:
        assert on_sqlite.signer() is signer
        assert on_sqlite.signer() is signer
    (warning,) = on_sqlite.keyring.warnings()
    assert str(path) in warning
    assert [line["fault"] for line in log] == [warning]  # said once, not at every look
    # A new process has no old key; with the key of the CA at hand it makes another.
    restarted = on_sqlite.again()
    with pytest.raises(Unavailable):
        restarted.signer()
    assert restarted.maker.renew_if_due()
    age(restarted)
    assert restarted.signer().kid != signer.kid


def test_key_files_that_are_gone_leave_the_last_key_signing(on_sqlite):
    on_sqlite.init()
    signer = on_sqlite.signer()
    on_sqlite.leaf_path(signer.kid).unlink()
    assert on_sqlite.signer() is signer
    assert "gone" in on_sqlite.keyring.warnings()[0]


@pytest.mark.parametrize("name", ["ca.key", "secret.key", "leaf"])
@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_private_file_that_others_can_read_is_refused_with_the_fix(on_sqlite, name, mode):
    first = on_sqlite.init()
    path = on_sqlite.leaf_path(on_sqlite.keys()[0]["kid"]) if name == "leaf" else None
    path = path or on_sqlite.path / name
    path.chmod(mode)
    for refused in (
        on_sqlite.init,
        on_sqlite.rotate,
        lambda: readiness.check(on_sqlite.settings, first.authority),
    ):
        with pytest.raises(InvalidSettings, match=f"chmod 600 {path}"):
            refused()


def test_a_folder_without_the_known_ca_stops_init_and_serve(installation, tmp_path):
    first = installation.init()
    stranger = installation.replica(tmp_path / "elsewhere")
    for refused in (
        stranger.init,
        lambda: readiness.check(stranger.settings, first.authority),
        stranger.rotate,
    ):
        with pytest.raises(Conflict, match="copy the folder of a running replica"):
            refused()
    assert not (stranger.path / "ca.crt").exists()


def test_a_database_that_knows_no_ca_takes_over_the_one_in_the_folder(on_sqlite, authority):
    ca = authority("ours", days=500)
    ca.put(on_sqlite.path)
    made = on_sqlite.init()
    assert (made.made_ca, made.made_leaf) == (False, True)
    assert on_sqlite.signer()


def test_an_offline_ca_needs_leaves_from_elsewhere(on_sqlite, authority):
    ca = authority("offline")
    ca.put(on_sqlite.path, key=False)
    with pytest.raises(Conflict, match=r"ca\.key is not here"):
        on_sqlite.init()
    ca.put_leaf(on_sqlite.path, days=40)
    on_sqlite.init()
    age(on_sqlite)
    assert on_sqlite.signer()
    with pytest.raises(Conflict, match=r"ca\.key is not here"):
        on_sqlite.rotate()
    on_sqlite.clock.advance(25 * DAY)
    on_sqlite.keyring.refresh()
    assert on_sqlite.keyring.warnings() == ()
    assert not on_sqlite.maker.renew_if_due()
    on_sqlite.clock.advance(1.5 * DAY)
    on_sqlite.keyring.refresh()
    (warning,) = on_sqlite.keyring.warnings()
    assert "ends in 13 days" in warning
    ca.put_leaf(on_sqlite.path, "second.pem", start=on_sqlite.clock.now())
    assert on_sqlite.rotate().made["state"] == "active"
    age(on_sqlite)
    on_sqlite.keyring.refresh()
    assert on_sqlite.keyring.warnings() == ()


def test_libtrust_registries_stay_until_they_are_switched(installation):
    installation.init()
    installation.add_registry("reg.example:5000")
    installation.add_registry("small", key_header="libtrust")
    first = installation.keys()[0]["kid"]
    assert installation.pinned() == {"small": first}
    installation.clock.advance(16 * DAY)
    assert installation.maker.renew_if_due()
    age(installation)
    renewed = installation.signer().kid
    assert renewed != first
    assert installation.pinned() == {"small": first}
    assert installation.states() == ["active", "active"]
    assert installation.libtrust(first)

    age(installation)
    published = installation.rotate()
    assert published.made["state"] == "next"
    assert published.registries == ("small",)
    assert "--activate" in published.notes[0]
    assert installation.pinned() == {"small": first}
    age(installation)
    assert installation.signer().kid == published.made["kid"]  # x5c moves at once

    installation.clock.advance(40 * DAY)  # beyond the end of the first certificate
    assert installation.maker.renew_if_due()
    age(installation)
    assert installation.libtrust(first)
    assert first in kids(installation)
    switched = installation.rotate(activate=True)
    assert switched.activated["kid"] == published.made["kid"]
    assert switched.made is None
    assert installation.pinned() == {"small": published.made["kid"]}
    installation.keyring.refresh()
    assert first in kids(installation)
    installation.clock.advance(3600 + 60 + 121)
    installation.keyring.refresh()
    assert first not in kids(installation)


def test_there_is_nothing_to_switch_to_before_a_rotation(on_sqlite):
    on_sqlite.init()
    on_sqlite.add_registry("small", key_header="libtrust")
    with pytest.raises(Conflict, match="no key is published"):
        on_sqlite.rotate(activate=True)


def test_a_published_key_that_is_not_here_is_not_switched_to(on_sqlite):
    on_sqlite.init()
    on_sqlite.add_registry("small", key_header="libtrust")
    kid = on_sqlite.rotate().made["kid"]
    on_sqlite.leaf_path(kid).unlink()
    with pytest.raises(Conflict, match="is not in"):
        on_sqlite.rotate(activate=True)


def test_a_revoked_key_signs_nothing_and_is_listed_nowhere(installation):
    installation.init()
    installation.add_registry("small", key_header="libtrust")
    age(installation, 60)
    stolen = installation.signer().kid
    done = installation.rotate(revoke=stolen)
    assert done.made is not None
    assert done.revoked["state"] == "revoked"
    assert done.registries == ("small",)
    assert "--new-ca" in done.notes[0]
    assert installation.pinned() == {"small": done.made["kid"]}
    assert installation.signer().kid == done.made["kid"]
    assert stolen not in kids(installation)
    with pytest.raises(Unavailable):
        installation.libtrust(stolen)
    assert installation.rotate(revoke=stolen).made is None  # said again, nothing more is done
    with pytest.raises(NotFound):
        installation.rotate(revoke="nobody")


def test_a_key_can_be_named_by_its_libtrust_id(on_sqlite):
    on_sqlite.init()
    old = on_sqlite.keys()[0]
    age(on_sqlite)
    on_sqlite.rotate()
    assert on_sqlite.rotate(revoke=old["libtrust_id"]).revoked["kid"] == old["kid"]
    assert on_sqlite.states() == ["active", "revoked"]


def test_a_stolen_ca_is_replaced_with_all_that_it_signed(installation):
    old = installation.init()
    installation.add_registry("small", key_header="libtrust")
    age(installation, 60)
    before = installation.signer()
    new = installation.init(new_ca=True)
    assert new.authority != old.authority
    assert new.registries == ("small",)
    assert installation.states() == ["active", "revoked"]
    assert not installation.leaf_path(before.kid).exists()
    after = installation.signer()
    assert after.kid != before.kid
    assert kids(installation)[0] == after.kid
    assert installation.pinned() == {"small": after.kid}
    readiness.check(installation.settings, new.authority)
    assert installation.keyring.warnings() == ()
    assert installation.init().authority == new.authority


def test_a_ca_put_in_the_place_of_the_known_one_is_taken_over_by_new_ca_alone(on_sqlite, authority):
    on_sqlite.init()
    authority("bought").put(on_sqlite.path)
    with pytest.raises(Conflict):
        on_sqlite.init()
    done = on_sqlite.init(new_ca=True)
    assert not done.made_ca
    assert on_sqlite.signer()


def test_an_init_cut_short_while_replacing_the_ca_is_begun_anew(on_sqlite):
    on_sqlite.init()
    (on_sqlite.path / "ca.crt").unlink()
    with pytest.raises(Conflict):
        on_sqlite.init()
    on_sqlite.init(new_ca=True)
    assert on_sqlite.signer()


def test_ca_files_that_do_not_belong_together_are_refused(on_sqlite, authority):
    authority("one").put(on_sqlite.path)
    certificate = (on_sqlite.path / "ca.crt").read_bytes()
    authority("two").put(on_sqlite.path)
    on_sqlite.folder.write("ca.crt", certificate)
    with pytest.raises(InvalidSettings, match="not the key of the first certificate"):
        on_sqlite.init()


def test_a_spoiled_ca_file_keeps_the_ring_as_it_was(on_sqlite):
    on_sqlite.init()
    signer = on_sqlite.signer()
    on_sqlite.folder.write("ca.crt", b"garbage")
    assert on_sqlite.signer() is signer
    assert "ca.crt" in on_sqlite.keyring.warnings()[0]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(on_sqlite, monkeypatch):
    on_sqlite.init()
    before = sorted(path.name for path in on_sqlite.path.iterdir())
    secret = on_sqlite.folder.secret()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        on_sqlite.folder.write("secret.key", b"half")
    assert on_sqlite.folder.secret() == secret
    assert sorted(path.name for path in on_sqlite.path.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"zz" * 32, b"ab" * 8, b"\xff" * 40])
def test_a_secret_key_that_is_none_is_refused(on_sqlite, content):
    on_sqlite.init()
    on_sqlite.folder.write("secret.key", content)
    with pytest.raises(InvalidSettings):
        on_sqlite.folder.secret()


def test_a_missing_secret_key_says_where_it_comes_from(on_sqlite):
    with pytest.raises(InvalidSettings, match="copy a running replica"):
        on_sqlite.folder.secret()


def test_what_root_makes_belongs_to_the_owner_of_the_folder(on_sqlite):
    on_sqlite.path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(on_sqlite.path, 12345, 12345)
    on_sqlite.init()
    owner = on_sqlite.path.stat().st_uid
    assert {path.stat().st_uid for path in on_sqlite.path.iterdir()} == {owner}
