"""Derivatives written into other people's workbooks, against central differences of others."""

import json
from pathlib import Path

import numpy as np
import pytest
from differentiated_copies import copy_of, derivatives_in
from openpyxl.utils import range_boundaries

from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import sheet_prefix

WILD = Path(__file__).parents[3] / "shared" / "wild"


def labelled() -> list[tuple[str, dict[str, object]]]:
    """Return the labels with a cell of the loss, on the numbers that the workbook has."""
    if not (WILD / "labels.json").exists():
        return []
    labels = json.loads((WILD / "labels.json").read_text(encoding="utf-8"))
    return [
        (name, own)
        for name, every in labels.items()
        for own in every
        if own.get("true") and own.get("weight_cells") and own.get("loss")
        and not {"!", ":", " "} & {*own["loss"]} and not own.get("evaluated_with")
    ]  # fmt: skip


@pytest.mark.skipif(not WILD.exists(), reason="the workbooks are not here")
def test_written_derivatives_are_what_central_differences_gave(tmp_path: Path) -> None:
    compared, files, refused = 0, set(), dict[tuple[str, str], str]()
    for k, (name, label) in enumerate(labelled()):
        sheet = str(label["sheet"])
        weights = [str(cell) for cell in label["weight_cells"]]  # type: ignore[attr-defined]
        [path] = WILD.glob(f"{name}.xls?")
        here = tmp_path / str(k)
        here.mkdir()
        copied = here / path.name
        copied.write_bytes(path.read_bytes())
        before = sheet_prefix(sheet)
        try:
            summary = copy_of(copied, f"{before}{label['loss']}", [before + own for own in weights])
        except InputError as error:
            refused[name, str(label["loss"])] = str(error)
            continue
        found = derivatives_in(summary)
        places = [range_boundaries(own) for own in weights]
        ours = np.array([found[sheet, row, column] for column, row, _, _ in places], dtype=float)
        true = np.array(label["true"], dtype=float)
        factor = (ours @ true) / (true @ true)
        assert abs(factor) > 1e-3, name
        assert ours == pytest.approx(
            factor * true, rel=1e-5, abs=1e-6 * np.abs(factor * true).max()
        ), name
        compared += len(true)
        files.add(name)
    assert all("is calculated" in said for said in refused.values()), refused
    assert len(files) >= 8, files
    assert compared > 30
