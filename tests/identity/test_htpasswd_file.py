"""An htpasswd file as others make, change and spoil it."""

import os
import subprocess
import threading

import pytest
from identity.parts import NOW, SECRET, hashed, htpasswd_line
from structlog.testing import capture_logs

from authsvc.errors import Unavailable
from authsvc.identity.htpasswd import BLANK, Htpasswd
from authsvc.identity.provider import Rejected, Unknown, Verified
from authsvc.identity.settled_file import MAX_BYTES

ALICE = htpasswd_line("alice", SECRET)
BOB = htpasswd_line("bob", SECRET)


def no_pause(_seconds):
    pass


def source(path, schemes=("bcrypt", "argon2"), pause=no_pause):
    return Htpasswd("file", path, schemes, pause=pause)


def answers(provider, *names, password=SECRET):
    return [type(provider.verify(name, password, NOW)) for name in names]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "htpasswd"
    file.write_text(ALICE + BOB)
    return file


def test_people_of_a_file_made_by_apaches_tool_sign_in(tmp_path):
    path = tmp_path / "htpasswd"
    subprocess.run(["htpasswd", "-bcB", path, "alice", SECRET], check=True, capture_output=True)
    file = source(path)
    verified = file.verify("alice", SECRET, NOW)
    assert isinstance(verified, Verified)
    assert verified.principal.subject == "user:file:alice"
    assert file.verify("alice", "another", NOW) == Rejected("wrong_password")
    assert isinstance(file.verify("carol", SECRET, NOW), Unknown)
    assert file.state() == "ok"


def test_a_change_by_apaches_tool_is_followed(path):
    """HT-10: the tool writes a copy and then the file in place."""
    file = source(path)
    verified = file.verify("alice", SECRET, NOW)
    assert file.is_current(verified)
    subprocess.run(["htpasswd", "-D", path, "alice"], check=True, capture_output=True)
    subprocess.run(["htpasswd", "-bB", path, "carol", "new"], check=True, capture_output=True)
    file.refresh()
    assert answers(file, "alice", "bob") == [Unknown, Verified]
    assert answers(file, "carol", password="new") == [Verified]
    assert not file.is_current(verified)


def test_a_new_password_ends_what_was_verified_with_the_old_one(path):
    file = source(path)
    alice, bob = (file.verify(name, SECRET, NOW) for name in ("alice", "bob"))
    path.write_text(htpasswd_line("alice", "another") + BOB)
    file.refresh()
    assert not file.is_current(alice)
    assert file.is_current(bob)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(ALICE, id="as made"),
        pytest.param(ALICE.rstrip("\n"), id="no newline at the end"),
        pytest.param("\ufeff" + ALICE, id="HT-01 BOM"),
        pytest.param(ALICE.replace("\n", "\r\n"), id="HT-01 CRLF"),
        pytest.param(f"\n  \n\t\n{ALICE}\n", id="HT-01 blank"),
        pytest.param(f"# people\n  # more\n{ALICE}#{BOB}", id="HT-01 comment"),
        pytest.param(f"  {ALICE}", id="blanks around"),
        pytest.param(ALICE.rstrip("\n") + ":the third field\n", id="comment field of nginx"),
    ],
)
def test_a_well_formed_file_is_read_without_a_fault(path, content):
    path.write_text(content)
    with capture_logs() as logs:
        file = source(path)
    assert answers(file, "alice", "\ufeffalice") == [Verified, Unknown]
    assert "warning" not in {entry["log_level"] for entry in logs}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param("carol", "no colon", id="HT-01 no colon"),
        pytest.param("carol" * 14_000, "longer", id="HT-01 64 KiB without a colon"),
        pytest.param("carol:" + "x" * 65_536, "longer", id="HT-01 64 KiB"),
        pytest.param("carol:", "no known", id="no hash"),
        pytest.param("carol:plaintext", "no known", id="HT-02 plaintext"),
        pytest.param("carol:$2y$31$" + "a" * 53, "bcrypt", id="HT-07"),
        pytest.param(htpasswd_line("carol", SECRET, "-m").strip(), "apr_md5", id="HT-02 apr1"),
        pytest.param(f":{hashed(SECRET)}", "name", id="no name"),
        pytest.param(f"robot.carol:{hashed(SECRET)}", "name", id="reserved prefix"),
        pytest.param(f"everyone:{hashed(SECRET)}", "name", id="reserved name"),
        pytest.param(f"{'é' * 200}:{hashed(SECRET)}", "name", id="name of 400 bytes"),
        pytest.param(f"c\x01:{hashed(SECRET)}", "name", id="control character"),
        pytest.param(f"alice:{hashed(SECRET)}", "twice", id="a name again"),
    ],
)
def test_a_bad_line_is_named_once_by_its_number_and_spoils_no_other(path, line, fault):
    path.write_text(f"{ALICE}{line}\n{BOB}")
    with capture_logs() as logs:
        file = source(path)
        path.touch()
        file.refresh()
    assert answers(file, "alice", "bob", "carol") == [Verified, Verified, Unknown]
    (warning,) = (entry for entry in logs if entry["log_level"] == "warning")
    (named,) = warning["lines"]
    assert named.startswith("2: ")
    assert fault in named
    assert "carol" not in named
    assert file.state() == "ok"


def test_a_name_that_is_not_utf8_is_a_bad_line(path):
    path.write_bytes(b"\xff\xfe:" + hashed(SECRET).encode() + b"\n" + ALICE.encode())
    assert answers(source(path), "alice") == [Verified]


def test_the_first_line_of_a_name_counts_even_when_it_is_faulty(path):
    """An administrator's `alice:*` in front of her line locks her out, as with Apache."""
    path.write_text(f"alice:*\n{ALICE}{BOB}")
    assert answers(source(path), "alice", "bob") == [Unknown, Verified]


def test_of_many_bad_lines_some_are_named_and_the_rest_is_counted(path):
    path.write_text("x\n" * 1_000 + ALICE)
    with capture_logs() as logs:
        source(path)
    assert len(logs[0]["lines"]) + logs[0]["more"] == 1_000
    assert len(logs[0]["lines"]) < 100


def test_a_name_is_compared_byte_for_byte(path):
    """BA-15."""
    names = ("Alice", "ALICE", " alice", "alice ", "\uff41lice", "\u0430lice", "al\u0131ce", "")
    assert set(answers(source(path), *names)) == {Unknown}


def fifo(path):
    os.mkfifo(path)


def directory(path):
    path.mkdir()


def a_gigabyte(path):
    path.touch()
    os.truncate(path, 1024**3)


def just_too_large(path):
    path.write_bytes(b"#" * MAX_BYTES + b"\n")


def world_writable(path):
    path.write_text(BOB)
    path.chmod(0o666)


def of_another_user(path):
    path.write_text(BOB)
    os.chown(path, 4711, -1)


def loop(path):
    path.symlink_to(path)


def emptied(path):
    path.touch()


def blanks(path):
    path.write_text("\n \n")


def garbage(path):
    path.write_bytes(b"\x00\xff" * 1_000)


def gone(_path):
    pass


SPOILERS = [
    fifo,
    directory,
    a_gigabyte,
    just_too_large,
    world_writable,
    loop,
    gone,
    emptied,
    blanks,
    garbage,
    *([of_another_user] if os.geteuid() == 0 else []),
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: f"HT-09 {spoil.__name__}")
def test_a_spoilt_file_leaves_the_last_good_one_in_use_and_is_told_once(path, spoil):
    file = source(path)
    path.unlink()
    spoil(path)
    with capture_logs() as logs:
        file.refresh()
        file.refresh()
    assert file.state() == "degraded"
    assert answers(file, "alice", "bob") == [Verified, Verified]
    assert len([entry for entry in logs if entry["event"] == "htpasswd file not usable"]) == 1


@pytest.mark.parametrize("spoil", SPOILERS[:7], ids=lambda spoil: f"HT-09 {spoil.__name__}")
def test_a_file_that_was_never_good_cannot_be_asked(tmp_path, spoil):
    path = tmp_path / "htpasswd"
    spoil(path)
    file = source(path)
    assert file.state() == "degraded"
    with pytest.raises(Unavailable):
        file.verify("alice", SECRET, NOW)
    with pytest.raises(Unavailable):
        file.knows("alice")


def test_a_file_that_comes_back_is_taken_up_again(path):
    file = source(path)
    away = path.with_name("away")
    path.rename(away)
    file.refresh()
    assert file.state() == "degraded"
    away.rename(path)
    file.refresh()
    assert file.state() == "ok"


def test_mended_rights_are_taken_up_though_the_content_is_the_same(path):
    path.chmod(0o666)
    file = source(path)
    path.chmod(0o640)
    file.refresh()
    assert answers(file, "alice") == [Verified]


def test_comments_alone_are_a_statement_and_lock_everybody_out(path):
    file = source(path)
    path.write_text("# nobody, until further notice\n")
    file.refresh()
    assert answers(file, "alice", "bob") == [Unknown, Unknown]
    assert file.state() == "ok"


def test_a_new_installations_empty_file_has_nobody(path):
    path.write_text("")
    file = source(path)
    assert answers(file, "alice") == [Unknown]
    assert file.state() == "ok"


def test_a_change_that_keeps_size_and_mtime_is_seen(path):
    file = source(path)
    before = path.stat()
    path.write_text(htpasswd_line("alice", "another") + BOB)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    file.refresh()
    assert answers(file, "alice", password="another") == [Verified]


def test_a_file_that_changes_while_it_is_looked_at_waits_for_the_next_look(path):
    """A writer that truncates and rewrites in steps: no step but the last is ever used."""
    carol = htpasswd_line("carol", SECRET)
    steps = []

    def write_on(_seconds):
        if steps:
            path.write_text(steps.pop(0))

    file = source(path, pause=write_on)
    steps += [ALICE[:20], ALICE, ALICE + BOB[:30], ALICE + BOB + carol]
    path.write_text("")
    while steps:
        file.refresh()
        assert answers(file, "alice", "bob", "carol") == [Verified, Verified, Unknown]
    file.refresh()
    assert answers(file, "alice", "bob", "carol") == [Verified, Verified, Verified]


def test_a_file_that_is_rewritten_in_place_all_the_time_never_loses_anybody(path):
    file = source(path, pause=lambda seconds: threading.Event().wait(seconds / 50))
    stop = threading.Event()

    def rewrite():
        while not stop.is_set():
            with path.open("w") as out:
                for line in (ALICE, BOB):
                    out.write(line)
                    out.flush()

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(100):
            file.refresh()
            assert answers(file, "alice", "bob") == [Verified, Verified]
    finally:
        stop.set()
        writer.join()


def test_an_unchanged_file_is_not_read_again(path):
    file = source(path)
    with capture_logs() as logs:
        file.refresh()
    assert logs == []


def test_a_configmaps_symlink_is_followed_to_its_new_file(tmp_path):
    (tmp_path / "1").write_text(ALICE)
    (tmp_path / "2").write_text(BOB)
    path = tmp_path / "htpasswd"
    path.symlink_to("1")
    file = source(path)
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(path)
    file.refresh()
    assert answers(file, "alice", "bob") == [Unknown, Verified]


def test_five_thousand_people_are_read(path):
    """HT-11."""
    stored = ALICE.partition(":")[2]
    path.write_text("".join(f"user-{number}:{stored}" for number in range(5_000)))
    file = source(path)
    assert answers(file, "user-0", "user-4999", "user-5000") == [Verified, Verified, Unknown]
    assert len(file.samples()) == 1


@pytest.mark.parametrize("spoil", [emptied, blanks])
def test_a_file_that_stays_blank_has_nobody_in_it(path, spoil):  # HT-10: the last line is removed
    ticks = [0.0]
    file = Htpasswd("file", path, ["bcrypt"], pause=lambda _: None, timer=lambda: ticks[0])
    path.write_text("")
    spoil(path)
    file.refresh()
    ticks[0] = BLANK - 0.1
    file.refresh()
    assert answers(file, "alice") == [Verified]
    ticks[0] = BLANK
    file.refresh()
    assert answers(file, "alice") == [Unknown]
    assert file.state() == "ok"


def test_a_file_that_is_written_anew_while_blank_is_never_taken_for_an_empty_one(path):
    ticks = [0.0]
    good = path.read_text()
    file = Htpasswd("file", path, ["bcrypt"], pause=lambda _: None, timer=lambda: ticks[0])
    for _ in range(4):
        path.write_text("")
        file.refresh()
        ticks[0] += BLANK / 2
        path.write_text(good)
        file.refresh()
        ticks[0] += BLANK / 2
        assert answers(file, "alice") == [Verified]
