"""Small random networks of the family, with their workbooks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from parts import edited
from torch import nn

from cnn.workbook.book import Look, build
from cnn.workbook.digits import Digits
from workbook_tools.editing.cell_contents import SheetCells, put_value
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.copying import PackageCopy

CLASSES = 3


def random_digits(height: int, width: int, count: int = 3, classes: int = CLASSES) -> Digits:
    """Pixels at random, a third of them paper; what was read is not asked of any network."""
    random = np.random.default_rng(1)
    ink = random.integers(1, 256, (count, height, width)) * (random.random((height, width)) < 0.7)
    truth = [n % classes for n in range(count)]
    return Digits(ink.astype(np.uint8), truth, truth, list(range(count)))


def settled(model: nn.Sequential, seed: int = 0) -> nn.Sequential:
    """Give batch normalisations a past: running means and variances that are not 0 and 1."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.normal_(module.weight, 1, 0.3)
                nn.init.normal_(module.bias, 0, 0.3)
    return model.eval()


def small_network(seed: int = 0) -> nn.Sequential:
    """Every kind of layer, of images of 11 × 10 pixels."""
    torch.manual_seed(seed)
    return settled(
        nn.Sequential(
            nn.Conv2d(1, 2, (3, 2), padding=(1, 0), bias=False), nn.BatchNorm2d(2), nn.ReLU(),
            nn.MaxPool2d(2), nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.AvgPool2d((2, 1)),
            nn.Conv2d(3, 2, 1), nn.Dropout(0.5), nn.Flatten(), nn.Linear(16, 4), nn.ReLU(),
            nn.Linear(4, CLASSES),
        ),
        seed,
    )  # fmt: skip


def write(
    model: nn.Sequential, path: Path, height: int = 11, width: int = 10, count: int = 3
) -> Path:
    """Write a network's workbook."""
    digits = random_digits(height, width, count)
    build(model, digits, Look("a network", "to test", rate=0.05), path)
    return path


def changed(source: Path, target: Path, contents: Mapping[Cell, str | float | None]) -> Path:
    """Copy a workbook with other formulas, numbers or nothing in some cells."""

    def edit(copy: PackageCopy) -> None:
        for part in copy.sheets:
            own = {(r, c): new for (sheet, r, c), new in contents.items() if sheet == part.name}
            cells = SheetCells(copy.xml(part.part))
            formulas = {
                at: new for at, new in own.items() if isinstance(new, str) and new[0] == "="
            }
            cells.put_formulas({at: str(new) for at, new in formulas.items()})
            for at, new in own.items():
                if at not in formulas:
                    element = cells.made(*at)
                    for formula in element.findall("{*}f"):
                        element.remove(formula)
                    put_value(element, new)
            copy.changed(part.part)

    return edited(source, target, edit)
