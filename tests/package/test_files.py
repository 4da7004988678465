import errno
import os
import socket
import stat
from pathlib import Path

import pytest
from odd_places import full_device, null_device, read_pipe, small_disk

from workbook_tools.errors import InputError
from workbook_tools.package.files import is_stream, replacing, write_text


def test_who_has_the_old_file_open_keeps_reading_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old and long")
    with path.open() as reader:
        with replacing(path) as new:
            new.write_text("new")
        assert reader.read() == "old and long"
    assert path.read_text() == "new"


def test_a_new_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with replacing(tmp_path / "file") as new:
        new.write_text("new")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail_half_way() -> None:
        with replacing(path) as new:
            new.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_place_that_cannot_be_written_to_is_said_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="cannot be written"),
        replacing(tmp_path / "nowhere" / "file"),
    ):
        pass


def kind(path: Path) -> int:
    return stat.S_IFMT(path.lstat().st_mode)


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for mode in (0o600, 0o644, 0o660):
        path.write_text("old")
        path.chmod(mode)
        write_text(path, "new")
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_text("old")
    (tmp_path / "near").symlink_to("folder/old")
    (tmp_path / "far").symlink_to(tmp_path / "near")
    (tmp_path / "dangling").symlink_to("folder/new")
    (tmp_path / "above").symlink_to("folder")
    for name in ("near", "far", "dangling", "above/old"):
        write_text(tmp_path / name, name)
        assert (tmp_path / name).read_text() == name
    assert all((tmp_path / name).is_symlink() for name in ("near", "far", "dangling", "above"))
    assert (tmp_path / "folder" / "new").read_text() == "dangling"
    assert sorted(os.listdir(tmp_path / "folder")) == ["new", "old"]


def test_to_a_device_it_is_written_and_the_device_stays(tmp_path: Path) -> None:
    path = null_device(tmp_path / "nothing")
    (tmp_path / "link").symlink_to(path)
    for place in (path, tmp_path / "link"):
        write_text(place, "new")
    assert kind(path) == stat.S_IFCHR
    assert sorted(os.listdir(tmp_path)) == ["link", "nothing"]


def test_a_device_that_is_full_is_said_in_one_line(tmp_path: Path) -> None:
    path = full_device(tmp_path / "full")
    with pytest.raises(InputError, match=r"/full: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert kind(path) == stat.S_IFCHR
    assert os.listdir(tmp_path) == ["full"]


def test_who_reads_a_pipe_gets_the_whole_file(tmp_path: Path) -> None:
    text = "long " * 100_000
    with read_pipe(tmp_path / "pipe") as content:
        write_text(tmp_path / "pipe", text)
    assert content == [text.encode()]
    assert kind(tmp_path / "pipe") == stat.S_IFIFO


def test_nobody_waits_for_a_pipe_to_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="nobody reads this pipe"):
        write_text(tmp_path / "pipe", "new")
    assert kind(tmp_path / "pipe") == stat.S_IFIFO


def test_what_is_old_is_not_compared_with_a_pipe(tmp_path: Path) -> None:
    def read(new: Path, old: Path) -> bool:
        raise AssertionError("a pipe would be read for ever")

    with (
        read_pipe(tmp_path / "pipe") as content,
        replacing(tmp_path / "pipe", unless_same=read) as new,
    ):
        new.write_text("new")
    assert content == [b"new"]


@pytest.mark.parametrize("name", ["n" * 255, "ä" * 127, "." + "n" * 254, "n" * 250 + ".html"])
def test_a_name_may_be_as_long_as_the_file_system_takes(name: str, tmp_path: Path) -> None:
    for text in ("first", "second"):
        write_text(tmp_path / name, text)
        assert (tmp_path / name).read_text() == text
    assert os.listdir(tmp_path) == [name]


def test_what_is_no_place_for_a_file_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    before = sorted(os.listdir(tmp_path))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        for name, said in {
            "folder": "is a folder",
            "file/below": "cannot be written",
            "loop": "cannot be written",
            "one": "cannot be written",
            "n" * 256: "cannot be written",
            "socket": "is neither a file nor a pipe",
        }.items():
            with pytest.raises(InputError, match=said) as caught:
                write_text(tmp_path / name, "new")
            assert "\n" not in str(caught.value)
            with pytest.raises(InputError, match=said):
                is_stream(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "socket"])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        write_text(disk / "file", "old")
        with pytest.raises(InputError, match=r"/file: cannot be written \(No space left"):
            write_text(disk / "file", "new" * 100_000)
        assert (disk / "file").read_text() == "old"
        assert os.listdir(disk) == ["file"]


def test_an_error_of_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(InputError, match=r"/file: cannot be written \(No space left"):
        write_text(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
