"""AU-12: what somebody without our database needs to verify an export."""

from audit.logbook import logbook
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from authsvc.audit.exporting import export, proof


def test_the_last_checkpoint_and_the_key_that_signed_it_travel_with_the_records(database, tmp_path):
    log = logbook(database, tmp_path)
    log.write("a", 3)
    log.checkpoint()
    log.write("b", 2)
    signed = log.checkpoint()
    with database.read() as session:
        held = proof(session)
        hashes = {(each["writer"], each["seq"]): each["hash"] for each in export(session)}
    last = held["checkpoint"]
    keys = {each["key_id"]: each["public"] for each in held["keys"]}
    public = load_pem_public_key(keys[last["key_id"]].encode())
    prev, body = bytes.fromhex(last["prev"]), last["body"].encode()
    # As docs/audit.md says, without the code that made it; raises when it is not so.
    public.verify(bytes.fromhex(last["signature"]), b"authsvc audit checkpoint\n" + prev + body)
    assert last["number"] == signed.number == 2
    for writer, seq, linked in signed.heads:
        assert hashes[writer, seq] == linked.hex()
