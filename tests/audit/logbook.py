"""A log with checkpoints for tests: written, signed and verified in this process."""

import itertools
from dataclasses import dataclass, field, replace

from factories import change, record
from sqlalchemy import insert, text

from authsvc.audit import checkpoints, proof_keys, records, retention, verify
from authsvc.audit.chain import ZERO, link
from authsvc.audit.proofs import Head, checkpoint_hash, key_id, parse_body, print_body, sign
from authsvc.clock import FrozenClock
from authsvc.db.engine import Database
from authsvc.db.models import Checkpoint, TokenRecord
from authsvc.keys.store import Folder

BEGIN = 1_800_000_000.0
FOREVER = retention.Keep(1e9)


@dataclass
class Logbook:
    """Everything about one log; `keep` is its retention."""

    database: Database
    folder: Folder
    keep: retention.Keep = FOREVER
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(BEGIN))
    heads: dict = field(default_factory=dict)
    numbers: object = field(default_factory=itertools.count)

    def __post_init__(self):
        self.folder.prepare()
        self.folder.write_audit_key()
        self.register()

    def register(self):
        with self.database.write() as session:
            proof_keys.register(session, self.folder.audit_keys(), int(self.clock.now() * 1000))

    def write(self, writer, count=1, *, time=None, **values):
        """Records of one writer, one each second."""
        rows = []
        for _ in range(count):
            self.clock.advance(1)
            seq, prev = self.heads.get(writer, (0, ZERO))
            jti = f"jti-{next(self.numbers)}"
            made = record(time=time or self.clock.now(), decision_id=jti, **values)
            rows.append(self.row(writer, seq + 1, prev, made))
            self.heads[writer] = seq + 1, rows[-1]["hash"]
        with self.database.write() as session:
            session.execute(insert(TokenRecord), rows)

    @staticmethod
    def row(writer, seq, prev, made):
        body = records.print_body(made)
        return {
            "writer": writer, "seq": seq, "time": records.time_ms(made),
            "decision_id": made.decision_id, "body": body, "prev": prev,
            "hash": link(prev, writer, seq, body), "subject": None,
        }  # fmt: skip

    def edit(self, count=1):
        for _ in range(count):
            self.clock.advance(1)
            change(self.database, "base", time=self.clock.now())

    def checkpoint(self, *, after=60.0):
        """The next checkpoint, and what it lets go."""
        self.clock.advance(after)
        made = checkpoints.make(self.database, self.clock, self.folder.audit_keys(), self.keep)
        if made is not None:
            retention.remove(self.database, self.clock, made.removed)
        return made

    def forge(self, key, *, number=None):
        """A checkpoint over the newest record of all, signed with any key."""
        (last,) = self.rows(
            "SELECT number, hash, body FROM checkpoints ORDER BY number DESC LIMIT 1"
        )
        said = parse_body(bytes(last.body))
        writer, (seq, linked) = max(self.heads.items(), key=lambda held: held[1][0])
        made = replace(
            said, number=number or last.number + 1, time=said.time + 60_000,
            key=key_id(key.public_key()), heads=(Head(writer, seq, linked),),
        )  # fmt: skip
        body, prev = print_body(made), bytes(last.hash)
        signature = sign(key, prev, body)
        row = Checkpoint(
            number=made.number, time=made.time, records=made.records, size=made.size, body=body,
            prev=prev, hash=checkpoint_hash(prev, body, signature), key_id=made.key,
            signature=signature,
        )  # fmt: skip
        with self.database.write() as session:
            session.add(row)

    def verify(self, anchor=None, *, held=None):
        keys = [key.public_key() for key in self.folder.all_audit_keys()]
        held = held or verify.Held(keys, self.folder.former_audit_keys())
        with self.database.read() as session:
            return verify.verify(session, held, anchor=anchor)

    def bad(self):
        """The writer and number of the first bad record, None for a sound log."""
        bad = self.verify().bad
        return bad and (bad.writer, bad.seq)

    def run(self, *statements, **values):
        """Statements of somebody who owns the database, in one transaction."""
        with self.database.write() as session:
            for statement in statements:
                used = {name: value for name, value in values.items() if f":{name}" in statement}
                session.execute(text(statement), used)

    def rows(self, statement):
        with self.database.read() as session:
            return session.execute(text(statement)).all()


def logbook(database, tmp_path, keep=FOREVER):
    return Logbook(database, Folder(tmp_path / "certs"), keep)


def filled(database, tmp_path):
    """Three writers, of whom one is dead, and edits; three checkpoints and something after them."""
    log = logbook(database, tmp_path)
    log.write("a", 6)
    log.write("b", 4)
    log.edit(4)
    log.checkpoint()
    log.write("a", 6)
    log.write("c", 3)
    log.edit(2)
    log.checkpoint()
    log.write("c", 3)
    log.checkpoint()
    log.write("a", 2)
    log.edit(1)
    return log
