"""Policy files and folders as bytes: which files are meant, and what is refused of them."""

import os
import socket
import threading
from pathlib import Path

import pytest

from authsvc.changes.policy import files
from authsvc.errors import Invalid

TEXT = b"groups: []\n"


def made(folder, *names, text=TEXT):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    return folder


def names(*paths):
    return [name for name, _ in files.read(paths)]


def refused(*paths):
    with pytest.raises(Invalid) as caught:
        files.read(paths)
    return list(caught.value.faults)


def test_a_folder_is_its_policy_files_and_those_below_it_by_name(tmp_path):
    made(tmp_path, "b.yaml", "a/z.yml", "a/c.json", "c.yaml", "README.md", "policy.schema.json")
    made(tmp_path, ".hidden.yaml", ".git/x.yaml", "a/.x/y.yaml", "b.yaml~", "empty/x.txt")
    found = [Path(name).relative_to(tmp_path) for name in names(tmp_path)]
    assert [str(path) for path in found] == ["a/c.json", "a/z.yml", "b.yaml", "c.yaml"]


def test_a_file_is_read_whatever_it_is_called_and_once_however_often_it_is_named(tmp_path):
    made(tmp_path, "policy.txt", "b.yaml")
    link = tmp_path / "link.yaml"
    link.symlink_to("b.yaml")
    file = tmp_path / "policy.txt"
    assert names(file, tmp_path, file, link) == [str(file), str(tmp_path / "b.yaml")]
    assert files.read([link]) == [(str(link), TEXT)]


def test_standard_input_is_a_dash(tmp_path, monkeypatch):
    ours, theirs = os.pipe()
    os.write(theirs, TEXT)
    os.close(theirs)
    with os.fdopen(ours) as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)
        assert files.read([Path("-"), Path("-")]) == [("<stdin>", TEXT)]


def test_a_folder_as_kubernetes_mounts_it_is_read(tmp_path):
    made(tmp_path, "..2026_01/a.yaml")
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    assert names(tmp_path) == [str(tmp_path / "a.yaml")]


def test_links_that_go_round_end(tmp_path):
    made(tmp_path, "a/x.yaml")
    (tmp_path / "a" / "up").symlink_to("..")
    assert names(tmp_path) == [str(tmp_path / "a" / "x.yaml")]


def link_out(folder):
    made(folder.parent / "secret", "s.yaml")
    (folder / "s.yaml").symlink_to("../secret/s.yaml")


def folder_out(folder):
    made(folder.parent / "secret", "s.yaml")
    (folder / "s.yaml").symlink_to(folder.parent / "secret")


def into_nothing(folder):
    (folder / "s.yaml").symlink_to("gone")


def into_itself(folder):
    (folder / "s.yaml").symlink_to("s.yaml")


def pipe(folder):
    os.mkfifo(folder / "s.yaml")


def listener(folder):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.fspath(folder / "s.yaml"))


def too_long(folder):
    with (folder / "s.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(link_out, "out of the folder", id="link out of the folder"),
        pytest.param(folder_out, "out of the folder", id="link to a folder elsewhere"),
        pytest.param(into_nothing, "No such file", id="link into nothing"),
        pytest.param(into_itself, "symbolic links", id="link to itself"),
        pytest.param(pipe, "this is no file", id="pipe"),
        pytest.param(listener, "cannot be read", id="socket"),
        pytest.param(too_long, "at most 16 MiB", id="50 MB"),
    ],
)
def test_what_is_no_plain_file_within_the_folder_is_a_fault(tmp_path, make, says):
    folder = made(tmp_path / "policies", "good.yaml")
    make(folder)
    ((place, text),) = refused(folder)
    assert place == f"{folder / 's.yaml'}:1:1"
    assert says in text


def test_devices_folders_without_policies_and_what_is_not_there_are_told_at_once(tmp_path):
    made(tmp_path, "empty/README.md")
    found = refused(Path("/dev/zero"), tmp_path / "empty", tmp_path / "gone.yaml")
    places = [place.removesuffix(":1:1") for place, _ in found]
    assert places == ["/dev/zero", str(tmp_path / "empty"), str(tmp_path / "gone.yaml")]
    assert [text[:12] for _, text in found] == ["this is no f", "there is no ", "this cannot "]


def test_all_files_together_are_bounded(tmp_path):
    for number in range(5):
        with (tmp_path / f"{number}.yaml").open("wb") as file:
            file.truncate(files.MAX_BYTES)
    ((place, text),) = refused(tmp_path)
    assert place == f"{tmp_path / '4.yaml'}:1:1"
    assert "64 MiB" in text


def test_a_file_that_is_written_while_it_is_read_is_refused(tmp_path):
    file = made(tmp_path, "p.yaml", text=b"# " + b"x" * 8 * 1024 * 1024) / "p.yaml"
    stop = threading.Event()

    def grow():
        with file.open("ab", buffering=0) as growing:
            while not stop.is_set():
                growing.write(b"x")
                if growing.tell() > 12 * 1024 * 1024:
                    growing.truncate(8 * 1024 * 1024)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        tried = (attempt(file) for _ in range(200))
        seen = next((faults for faults in tried if faults), [("", "")])
    finally:
        stop.set()
        writer.join()
    assert "changed while it was read" in seen[0][1]
    assert files.read([file])


def attempt(file):
    try:
        files.read([file])
    except Invalid as error:
        return error.faults
    return ()


def test_names_are_printed_safely(tmp_path):
    name = b"\xff\x1b[2J\n.yaml"
    (tmp_path / os.fsdecode(name)).write_bytes(TEXT)
    assert names(tmp_path) == [f"{tmp_path}/\\xff\\x1b[2J\\x0a.yaml"]


def test_a_folder_of_very_many_folders_is_walked(tmp_path):
    deep = tmp_path
    for _ in range(400):
        deep /= "d"
    made(deep, "p.yaml")
    assert names(tmp_path) == [str(deep / "p.yaml")]
