"""F28: any change, removal, insertion and reordering is found and named.

Hashes that are computed anew are those of a tamperer who knows how it is done, which everybody
does: it is in docs/audit.md.
"""

import os
import random

import pytest
from audit.logbook import BEGIN, filled
from factories import record
from sqlalchemy import insert

from authsvc.audit import proof_keys
from authsvc.audit.chain import ZERO, link
from authsvc.audit.checkpoints import Untrusted
from authsvc.db.engine import Database
from authsvc.db.models import TokenRecord
from authsvc.keys.store import Folder

EXAMPLES = int(os.environ.get("TAMPERINGS", "50"))  # on each engine


@pytest.fixture
def log(database, tmp_path):
    return filled(database, tmp_path)


def test_a_log_that_nobody_touched_is_sound(log):
    verdict = log.verify()
    assert (verdict.bad, verdict.records) == (None, 31)
    assert verdict.not_covered.startswith("3 records since ")
    assert verdict.checkpoint["number"] == 3


COPY = "INSERT INTO token_records (writer, seq, time, decision_id, body, prev, hash) SELECT "
REST = ", time, decision_id, body, prev, hash FROM token_records WHERE writer = 'b'"
A5 = "WHERE writer = 'a' AND seq = 5"
TOKENS = [
    pytest.param([f"UPDATE token_records SET body = :junk {A5}"], ("a", 5), id="a body"),
    pytest.param([f"UPDATE token_records SET hash = :junk {A5}"], ("a", 5), id="a hash"),
    pytest.param([f"UPDATE token_records SET prev = :junk {A5}"], ("a", 5), id="a prev"),
    pytest.param([f"UPDATE token_records SET time = time + 1 {A5}"], ("a", 5), id="a time"),
    pytest.param([f"UPDATE token_records SET time = 0 {A5}"], ("a", 5), id="a time of long ago"),
    pytest.param([f"UPDATE token_records SET decision_id = 'x' {A5}"], ("a", 5), id="a decision"),
    pytest.param(
        [f"UPDATE token_records SET decision_id = NULL {A5}"], ("a", 5), id="no decision"
    ),
    pytest.param([f"UPDATE token_records SET subject = 'x' {A5}"], ("a", 5), id="a subject"),
    pytest.param([f"UPDATE token_records SET writer = 'x' {A5}"], ("a", 5), id="a writer"),
    pytest.param([f"UPDATE token_records SET writer = 'changes' {A5}"], ("a", 5), id="an edit"),
    pytest.param([f"UPDATE token_records SET seq = 99 {A5}"], ("a", 5), id="a number"),
    pytest.param(
        ["UPDATE token_records SET seq = seq + 1000 WHERE writer = 'a'",
         "UPDATE token_records SET seq = seq - 999 WHERE writer = 'a'"],
        ("a", 1), id="all numbers of a writer",
    ),
    pytest.param(
        ["UPDATE token_records SET seq = 99 WHERE writer = 'a' AND seq = 5",
         "UPDATE token_records SET seq = 5 WHERE writer = 'a' AND seq = 6",
         "UPDATE token_records SET seq = 6 WHERE writer = 'a' AND seq = 99"],
        ("a", 5), id="two records in each other's place",
    ),
    pytest.param(["DELETE FROM token_records WHERE seq = 1"], ("a", 1), id="the first ones"),
    pytest.param([f"DELETE FROM token_records {A5}"], ("a", 5), id="one in the middle"),
    pytest.param(
        ["DELETE FROM token_records WHERE writer = 'a' AND seq <= 6"], ("a", 1),
        id="all up to a checkpoint",
    ),
    pytest.param(
        ["DELETE FROM token_records WHERE writer = 'a' AND seq >= 12"], ("a", 12),
        id="the end, one of it covered",
    ),
    pytest.param(
        ["DELETE FROM token_records WHERE writer = 'b' AND seq = 4"], ("b", 4),
        id="the last of a dead writer",
    ),
    pytest.param(["DELETE FROM token_records WHERE writer = 'b'"], ("b", 1), id="a dead writer"),
    pytest.param(["DELETE FROM token_records WHERE writer = 'c'"], ("c", 1), id="the last writer"),
    pytest.param(["DELETE FROM token_records"], ("a", 1), id="all token records"),
    pytest.param(
        [f"{COPY} 'a', 15 {REST} AND seq = 2"],
        ("a", 15), id="a record of another writer at the end",
    ),
    pytest.param(
        [f"{COPY} 'd', seq {REST}"],
        ("d", 1), id="all records of a writer under another name",
    ),
    pytest.param(
        [f"{COPY} writer, 0 {REST} AND seq = 1"],
        ("b", 1), id="one before the first",
    ),
]  # fmt: skip
EDITS = [
    pytest.param(["UPDATE changes SET body = :junk WHERE seq = 3"], 3, id="an edit's body"),
    pytest.param(["UPDATE changes SET hash = :junk WHERE seq = 3"], 3, id="an edit's hash"),
    pytest.param(["UPDATE changes SET prev = :junk WHERE seq = 3"], 3, id="an edit's prev"),
    pytest.param(["UPDATE changes SET time = 5 WHERE seq = 3"], 3, id="an edit's time"),
    pytest.param(["UPDATE changes SET id = 'x' WHERE seq = 3"], 3, id="an edit's id"),
    pytest.param(["UPDATE changes SET writer = 'a' WHERE seq = 3"], 3, id="an edit's writer"),
    pytest.param(["UPDATE changes SET seq = 99 WHERE seq = 3"], 3, id="an edit's number"),
    pytest.param(["DELETE FROM changes WHERE seq = 1"], 1, id="the first edit"),
    pytest.param(["DELETE FROM changes WHERE seq = 3"], 3, id="an edit"),
    pytest.param(["DELETE FROM changes WHERE seq = 7"], 7, id="the last edit"),
    pytest.param(["DELETE FROM changes"], 1, id="all edits"),
    pytest.param(["UPDATE change_head SET seq = 6"], 7, id="the head of edits"),
    pytest.param(["UPDATE change_head SET hash = :junk"], 7, id="the hash of the head"),
]  # fmt: skip
CHECKPOINTS = [
    *[
        pytest.param([f"UPDATE checkpoints SET {column} = {value} WHERE number = 2"], 2, id=column)
        for column, value in {
            "time": "time + 1", "records": "records + 1", "size": "size + 1",
            "body": ":junk", "prev": ":junk", "hash": ":junk", "key_id": "'x'",
            "signature": ":junk",
        }.items()
    ],
    pytest.param(["UPDATE checkpoints SET number = 9 WHERE number = 3"], 9, id="the last's number"),
    pytest.param(["UPDATE checkpoints SET signature = :junk WHERE number = 3"], 3, id="the last's"),
    pytest.param(["DELETE FROM checkpoints WHERE number = 1"], 2, id="the first dropped"),
    pytest.param(["DELETE FROM checkpoints WHERE number = 2"], 3, id="the second dropped"),
    pytest.param(
        ["UPDATE checkpoints SET number = 9 WHERE number = 1",
         "UPDATE checkpoints SET number = 1 WHERE number = 2",
         "UPDATE checkpoints SET number = 2 WHERE number = 9"],
        1, id="two in each other's place",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "first"), TOKENS)
def test_a_token_record_that_was_touched_is_named(log, statements, first):
    log.run(*statements, junk=b"\1" * 32)
    assert log.bad() == first


@pytest.mark.parametrize(("statements", "first"), EDITS)
def test_an_edit_that_was_touched_is_named(log, statements, first):
    log.run(*statements, junk=b"\1" * 32)
    assert log.bad() == ("changes", first)


@pytest.mark.parametrize(("statements", "first"), CHECKPOINTS)
def test_a_checkpoint_that_was_touched_is_named(log, statements, first):
    log.run(*statements, junk=b"\1" * 32)
    assert log.bad() == ("checkpoints", first)


@pytest.mark.parametrize("column", ["body", "prev", "hash", "time", "decision_id", "seq"])
def test_texts_in_any_column_are_bad_and_no_crash(sqlite_url, tmp_path, column):
    log = filled(Database(sqlite_url), tmp_path)
    log.run(f"UPDATE token_records SET {column} = 'text' {A5}")
    assert log.bad() == ("a", 5)
    log.database.dispose()


def rewritten(log, writer, seq, **values):
    """A record changed by somebody who computes all hashes after it anew."""
    rows = log.rows(f"SELECT seq, body, prev, time FROM token_records WHERE writer = '{writer}'")
    rows.sort()
    prev = rows[seq - 1].prev
    for row in rows[seq - 1 :]:
        body = bytes(row.body)
        if row.seq == seq:
            body = body.replace(b'"alice"', b'"mallory"')
        linked = link(bytes(prev), writer, row.seq, body)
        log.run(
            "UPDATE token_records SET body = :body, prev = :prev, hash = :hash"
            f" WHERE writer = '{writer}' AND seq = {row.seq}",
            body=body, prev=prev, hash=linked, **values,
        )  # fmt: skip
        prev = linked


@pytest.mark.parametrize(("writer", "seq", "named"), [("a", 3, 6), ("a", 7, 12), ("b", 4, 4)])
def test_a_chain_computed_anew_is_found_at_the_next_checkpoint_over_it(log, writer, seq, named):
    rewritten(log, writer, seq)
    assert log.bad() == (writer, named)


def test_what_no_checkpoint_covers_can_be_computed_anew_and_is_said_to_be_open(log):
    rewritten(log, "a", 13)
    verdict = log.verify()
    assert verdict.bad is None
    assert "can still change, add or cut off these" in verdict.not_covered


def invented(log, writer, time, count=3):
    """Records of a writer that there never was, linked as they should be."""
    prev = ZERO
    for seq in range(1, count + 1):
        row = log.row(writer, seq, prev, record(time=time + seq, decision_id=f"made-up-{seq}"))
        with log.database.write() as session:
            session.execute(insert(TokenRecord).values(row))
        prev = row["hash"]


@pytest.mark.parametrize("sealed", [False, True])
def test_a_writer_invented_later_with_old_times_is_found(log, sealed):
    log.checkpoint(after=3_600)
    invented(log, "invented", BEGIN + 5)
    if sealed:
        log.checkpoint()
        log.checkpoint()
    assert log.bad() == ("invented", 1)


def test_records_added_to_a_dead_writer_with_old_times_are_found(log):
    log.checkpoint(after=3_600)
    log.write("b", 2, time=BEGIN + 20)
    log.checkpoint()
    assert log.bad() == ("b", 5)


def test_a_clock_that_was_put_back_makes_nobody_a_tamperer(log):
    log.clock.wall -= 3_600
    log.write("a", 3)
    log.checkpoint()
    log.write("d", 3)
    log.checkpoint()
    assert log.bad() is None


@pytest.mark.parametrize("known", [False, True])
def test_a_checkpoint_by_another_key_is_found_even_if_the_key_was_made_known(log, tmp_path, known):
    other = Folder(tmp_path / "of-a-stranger")
    other.prepare()
    other.write_audit_key()
    (key,) = other.audit_keys()
    if known:
        with log.database.write() as session:
            proof_keys.register(session, [key], 5)
    log.forge(key)
    assert log.bad() == ("checkpoints", 4)
    with pytest.raises(Untrusted):  # nor is it gone on from
        log.checkpoint()


def at_random(log, chance):
    """One tampering of any kind, anywhere among what checkpoints cover."""
    table, seqs = chance.choice([("a", 12), ("b", 4), ("c", 6), ("changes", 6)])
    where = f"writer = '{table}' AND seq = {chance.randint(1, seqs)}"
    name = "changes" if table == "changes" else "token_records"
    junk = chance.randbytes(chance.randint(0, 80))
    column = chance.choice(["body", "prev", "hash", "time", "seq", "writer", "gone", "byte"])
    if column == "byte":
        (row,) = log.rows(f"SELECT body FROM {name} WHERE {where}")
        body = bytearray(row.body)
        body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        return f"UPDATE {name} SET body = :junk WHERE {where}", bytes(body)
    if column == "gone":
        return f"DELETE FROM {name} WHERE {where}", junk
    value = {
        "time": f"time + {chance.randint(1, 9**9)}",
        "seq": f"seq + {chance.randint(100, 9**9)}",
        "writer": "'somebody'",
    }.get(column, ":junk")
    return f"UPDATE {name} SET {column} = {value} WHERE {where}", junk


@pytest.mark.timeout(60 + EXAMPLES)
def test_every_tampering_at_random_is_found(log):
    chance = random.Random(28)
    for _ in range(EXAMPLES):
        saved = {name: log.rows(f"SELECT * FROM {name}") for name in ("token_records", "changes")}
        statement, junk = at_random(log, chance)
        log.run(statement, junk=junk)
        assert log.bad() is not None, statement
        restore(log, saved)
        assert log.bad() is None


def restore(log, saved):
    for name, rows in saved.items():
        log.run(f"DELETE FROM {name}")
        for row in rows:
            held = row._asdict()
            marks = ", ".join(f":v{number}" for number in range(len(held)))
            values = {f"v{number}": value for number, value in enumerate(held.values())}
            if name == "changes" and not log.database.is_sqlite:
                values["v4"] = '["base"]'
                marks = marks.replace(":v4", "CAST(:v4 AS jsonb)")
            log.run(f"INSERT INTO {name} ({', '.join(held)}) VALUES ({marks})", **values)
