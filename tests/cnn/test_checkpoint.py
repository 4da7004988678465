"""A file of weights is used only if it is one; nothing that it holds is ever run."""

import os
import pickle
import resource
from pathlib import Path

import pytest
import torch

from cnn.checkpoint import MODEL, PROGRESS, Checkpoint, load_model, save_model
from cnn.model import build
from workbook_tools.errors import InputError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    save_model(build((2, 3, 4, 5, 6), 0.25), "mine", path)
    return path


def test_a_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = build((2, 3, 4, 5, 6), 0.25)
    save_model(model, "mine", tmp_path / "model.pt")
    name, again = load_model(tmp_path / "model.pt")
    assert name == "mine"
    assert not again.training
    assert again.get_submodule("dropout").p == 0.25  # type: ignore[union-attr]
    for key, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])


class Harmful:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "by", [torch.save, lambda document, path: path.write_bytes(pickle.dumps(document))]
)
def test_code_in_a_file_is_not_run(tmp_path: Path, by: object) -> None:
    by({"format": MODEL, "weights": Harmful(tmp_path / "harm")}, tmp_path / "model.pt")  # type: ignore[operator]
    with pytest.raises(InputError, match="not run"):
        load_model(tmp_path / "model.pt")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_a_truncated_file_is_refused(file: Path, keep: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(keep * len(content)) if keep < 1 else int(keep)])
    with pytest.raises(InputError, match="cut off"):
        load_model(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.pt", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load_model(path)


def change(path: Path, **changes: object) -> None:
    document = torch.load(path, weights_only=True)
    document.update(changes)
    torch.save(document, path)


def test_weights_of_another_shape_or_kind_are_refused(file: Path) -> None:
    before = file.read_bytes()
    for changes in (
        {"channels": [2, 3, 4, 5, 7]},
        {"channels": [2, 3]},
        {"channels": "many"},
        {"channels": [0, 0, 0, 0, 0]},
        {"dropout": 7.0},
        {"weights": {}},
        {"weights": None},
        {"weights": {"conv1.weight": 1}},
    ):
        file.write_bytes(before)
        change(file, **changes)
        with pytest.raises(InputError, match="not the weights of a network of this family"):
            load_model(file)


def test_a_file_of_another_kind_is_refused(file: Path) -> None:
    change(file, format=PROGRESS)
    with pytest.raises(InputError, match="not a 'workbook_tools cnn model 1' file"):
        load_model(file)
    torch.save([1, 2, 3], file)
    with pytest.raises(InputError, match="not a"):
        load_model(file)


def test_weights_that_are_no_numbers_are_refused(file: Path) -> None:
    document = torch.load(file, weights_only=True)
    document["weights"]["linear.bias"][3] = float("nan")
    torch.save(document, file)
    with pytest.raises(InputError, match="not finite"):
        load_model(file)


def test_a_checkpoint_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(InputError, match="cut off"):
        Checkpoint(path, {}, resume=True).restore(None)  # type: ignore[arg-type]
    torch.save({"format": PROGRESS, "job": {"seed": 1}}, path)
    with pytest.raises(InputError, match="seed 1, not 2"):
        Checkpoint(path, {"seed": 2}, resume=True).restore(None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="does not fit"):
        Checkpoint(path, {"seed": 1}, resume=True).restore(None)  # type: ignore[arg-type]


def test_a_full_disk_leaves_the_old_file(file: Path) -> None:
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # what a full disk does, for this test
    try:
        with pytest.raises(InputError, match="make room"):
            save_model(build((16, 16, 16, 32, 32), 0.05), "larger", file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["model.pt"]
