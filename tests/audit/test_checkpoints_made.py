"""Checkpoints: when they are made, by whom, and what becomes of them as keys change."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from audit.logbook import filled, logbook

from authsvc.audit import checkpoints, heads, verify
from authsvc.audit.checkpoints import Untrusted
from authsvc.audit.keeper import Keeper
from authsvc.audit.proofs import parse_body
from authsvc.changes import audit_keys
from authsvc.changes.unit_of_work import UnitOfWork
from authsvc.keys.store import Folder
from authsvc.principal import SYSTEM


@pytest.fixture
def log(database, tmp_path):
    return logbook(database, tmp_path)


def numbers(log):
    return [row.number for row in log.rows("SELECT number FROM checkpoints ORDER BY number")]


def test_a_checkpoint_signs_the_heads_that_moved_and_counts_what_it_covers(log):
    log.write("a", 3)
    log.edit(2)
    assert [(head.writer, head.seq) for head in log.checkpoint().heads] == [
        ("a", 3),
        ("changes", 2),
    ]
    log.write("b", 1)
    second = log.checkpoint()
    assert (second.number, second.records) == (2, 6)
    assert [(head.writer, head.seq) for head in second.heads] == [("b", 1)]
    lengths = log.rows("SELECT sum(length(body)) FROM token_records")[0][0]
    lengths += log.rows("SELECT sum(length(body)) FROM changes")[0][0]
    assert second.size == lengths + 6 * checkpoints.ROW


def test_nothing_new_is_no_checkpoint(log):
    assert log.checkpoint() is None
    log.write("a")
    assert log.checkpoint() is not None
    assert log.checkpoint() is None


def test_bodies_are_measured_in_pieces(log, monkeypatch):
    monkeypatch.setattr(checkpoints, "MEASURED", 3)
    log.write("a", 7)
    assert log.checkpoint().records == 7


def test_heads_are_those_of_all_writers_by_the_order_of_bytes(log):
    for writer in ("é", "b", "B", "a-2", "a", "_"):
        log.write(writer, 2)
    with log.database.read() as session:
        found = [each.head.writer for each in heads.moved(session)]
    assert found == sorted(["é", "b", "B", "a-2", "a", "_"])


def test_two_at_once_never_fork_the_chain(log):
    log.write("a", 50)
    keys = log.folder.audit_keys()

    def make(_):
        return checkpoints.make(log.database, log.clock, keys, log.keep)

    with ThreadPoolExecutor(6) as pool:
        made = [each for each in pool.map(make, range(6)) if each is not None]
    assert len(made) == 1
    assert numbers(log) == [1]
    assert log.bad() is None


def test_without_a_key_that_the_database_knows_none_is_made(log):
    log.write("a")
    log.folder.write_audit_key()
    with pytest.raises(Untrusted, match="not known to the database"):
        log.checkpoint()


def ensured(log, *, anew=False):
    """What `init` does about the key."""
    left = audit_keys.ensure(log.folder, log.database, anew=anew)
    unit_of_work = UnitOfWork(log.database, log.clock, lambda: None)
    audit_keys.ensure_known(log.folder, log.database, unit_of_work, SYSTEM)
    return left


def test_a_key_that_was_put_aside_vouches_for_the_one_after_it(log):
    log.write("a", 2)
    log.checkpoint()
    (old,) = log.folder.audit_keys()
    (log.folder.path / "audit.key").rename(log.folder.path / "audit-2026.key")
    assert ensured(log) is None
    log.write("a", 2)
    log.checkpoint()
    assert log.bad() is None
    assert log.verify().not_covered.count("as to who signed") == 0
    # a replica whose folder is older trusts the new key by the old one's word
    assert log.verify(held=verify.Held([old.public_key()])).bad is None
    log.run("UPDATE audit_keys SET signature = :junk WHERE vouched_by IS NOT NULL", junk=b"1" * 64)
    assert log.verify(held=verify.Held([old.public_key()])).bad is not None


def test_a_stolen_key_is_replaced_and_signs_nothing_any_more(log):
    log.write("a", 2)
    log.checkpoint()
    stolen = log.folder.audit_keys()
    assert ensured(log, anew=True) is None
    log.write("a", 2)
    log.checkpoint()
    verdict = log.verify()
    assert verdict.bad is None
    assert "checkpoints up to 1 cover, as to who signed it" in verdict.not_covered
    log.write("a")
    with pytest.raises(Untrusted, match="certs_dir does not hold"):
        checkpoints.make(log.database, log.clock, stolen, log.keep)
    log.forge(stolen[0])
    assert log.bad() == ("checkpoints", 3)


def test_a_folder_that_lacks_the_known_key_is_to_be_completed_by_hand(log):
    log.write("a")
    log.checkpoint()
    (log.folder.path / "audit.key").unlink()
    assert "copy it from a running replica" in ensured(log)
    assert not (log.folder.path / "audit.key").exists()


def test_ensuring_twice_changes_nothing(log):
    before = (log.folder.path / "audit.key").read_bytes()
    assert ensured(log) is None
    assert (log.folder.path / "audit.key").read_bytes() == before
    assert len(log.rows("SELECT * FROM audit_keys")) == 1


def test_a_key_made_by_openssl_as_documented_signs(log):
    path = log.folder.path / "audit.key"
    path.rename(log.folder.path / "audit-old.key")
    path.touch(mode=0o600)
    words = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    ensured(log)
    log.write("a")
    assert log.checkpoint() is not None
    assert log.bad() is None


def test_without_certs_dir_the_verdict_says_what_that_is_worth(log):
    log.write("a")
    log.checkpoint()
    verdict = log.verify(held=verify.Held())
    assert verdict.bad is None
    assert "the keys were taken from the database" in verdict.not_covered


def test_an_anchor_must_be_there_and_says_what_it_covers(database, tmp_path):
    log = filled(database, tmp_path)
    (seen,) = log.rows("SELECT hash FROM token_records WHERE writer = 'a' AND seq = 13")
    verdict = log.verify(bytes(seen.hash))
    assert verdict.bad is None
    assert "the anchor is record 13 of a" in verdict.covered
    assert "--anchor" not in verdict.not_covered
    log.run("DELETE FROM token_records WHERE writer = 'a' AND seq >= 13")
    assert log.bad() is None  # which nobody can tell who saw nothing
    assert log.verify(bytes(seen.hash)).bad is not None


def test_the_hash_of_a_checkpoint_is_an_anchor_for_all_writers(database, tmp_path):
    log = filled(database, tmp_path)
    seen = bytes.fromhex(log.verify().checkpoint["hash"])
    assert "the anchor is checkpoint 3" in log.verify(seen).covered
    log.run(
        "DELETE FROM checkpoints WHERE number = 3",
        "DELETE FROM token_records WHERE writer = 'c' AND seq > 3",
    )
    assert log.bad() is None
    assert log.verify(seen).bad is not None


def test_a_backup_that_was_put_back_is_sound_and_lacks_the_anchor(database, tmp_path):
    """All tables as they were: only somebody who saw more can tell."""
    log = filled(database, tmp_path)
    (seen,) = log.rows("SELECT hash FROM token_records WHERE writer = 'a' AND seq = 14")
    log.run(
        "DELETE FROM token_records WHERE (writer = 'a' AND seq > 6) OR writer = 'c'",
        "DELETE FROM changes WHERE seq > 4",
        "DELETE FROM checkpoints WHERE number > 1",
        "DELETE FROM chain_proofs WHERE number > 1",
    )
    (last,) = log.rows("SELECT hash FROM changes WHERE seq = 4")
    log.run("UPDATE change_head SET seq = 4, hash = :hash", hash=last.hash)
    assert log.bad() is None
    assert log.verify(bytes(seen.hash)).bad is not None
    (goes_on,) = log.rows("SELECT hash FROM token_records WHERE writer = 'a' AND seq = 6")
    log.heads = {"a": (6, bytes(goes_on.hash))}
    log.write("a", 2)
    log.checkpoint()
    assert (log.bad(), numbers(log)) == (None, [1, 2])


def keeper(log, disk=None):
    return Keeper(log.database, log.clock, log.folder, log.keep, disk_used=lambda: disk)


def test_a_process_makes_one_at_its_start_and_then_one_a_minute(log):
    rounds = keeper(log)
    log.write("a")
    rounds.round()
    log.write("a")
    rounds.round()
    assert numbers(log) == [1]
    log.clock.advance(60)
    keeper_of_another = keeper(log)
    rounds.round()
    assert numbers(log) == [1, 2]
    keeper_of_another.round()
    assert (numbers(log), rounds.age(), rounds.degraded) == ([1, 2], 0.0, False)
    log.write("a")
    rounds.finish()
    assert numbers(log) == [1, 2, 3]
    log.clock.advance(3_600)
    assert rounds.age() == 3_600
    rounds.round()
    assert (rounds.age(), numbers(log)) == (0.0, [1, 2, 3])  # nothing is new: none is due


def test_without_a_key_the_process_goes_on_and_says_so_once(log, capsys):
    rounds = keeper(log)
    path = log.folder.path / "audit.key"
    log.write("a")
    path.rename(path.with_name("away"))
    for _ in range(3):
        rounds.round()
    assert (rounds.degraded, numbers(log)) == (True, [])
    assert "".join(capsys.readouterr()).count("audit.key is not in certs_dir") == 1
    path.with_name("away").rename(path)
    rounds.round()
    assert (rounds.degraded, numbers(log)) == (False, [1])


@pytest.mark.parametrize(("disk", "degraded"), [(0.79, False), (0.8, True), (None, False)])
def test_a_disk_that_is_used_to_four_fifths_is_a_warning(log, capsys, disk, degraded):
    rounds = keeper(log, disk)
    for _ in range(2):
        rounds.round()
    assert rounds.degraded is degraded
    assert "".join(capsys.readouterr()).count("disk is full to") == int(degraded)


def test_a_checkpoint_of_a_stranger_stops_the_process_from_making_more(log):
    rounds = keeper(log)
    log.write("a")
    log.checkpoint()
    log.run("UPDATE checkpoints SET signature = :junk", junk=b"1" * 64)
    log.write("a")
    log.clock.advance(60)
    rounds.round()
    assert (rounds.degraded, numbers(log)) == (True, [1])


def test_bodies_are_canonical(log):
    log.write("a")
    log.checkpoint()
    (row,) = log.rows("SELECT body FROM checkpoints")
    body = bytes(row.body)
    assert parse_body(body).number == 1
    for other in (body + b" ", body.replace(b",", b", ", 1), b"[]", b"1", b"{}", b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            parse_body(other)


def test_a_folder_of_others_keys_is_told_from_ours(tmp_path):
    folder = Folder(tmp_path)
    assert folder.audit_keys() == ()
    folder.write_audit_key()
    folder.retire_audit_keys()
    assert (folder.audit_keys(), len(folder.former_audit_keys())) == ((), 1)
    assert {path.name[-4:] for path in tmp_path.iterdir()} == {".pub"}
