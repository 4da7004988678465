import os
from pathlib import Path

import pytest

from workbook_tools.errors import InputError
from workbook_tools.files import replacing


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
