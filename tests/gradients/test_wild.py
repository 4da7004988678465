"""Derivatives written into other people's workbooks, against central differences of others."""

from pathlib import Path

import numpy as np
import pytest
from differentiated_copies import copy_of, derivatives_in
from openpyxl.utils import range_boundaries
from wild_labels import WILD, labelled

from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import sheet_prefix


@pytest.mark.skipif(not WILD.exists(), reason="the workbooks are not here")
def test_written_derivatives_are_what_central_differences_gave(tmp_path: Path) -> None:
    compared, files, refused = 0, set(), dict[tuple[str, str], str]()
    for k, (name, label) in enumerate(labelled()):
        if " " in label["loss"] or label.get("evaluated_with"):
            continue  # on other numbers than those of the workbook
        sheet = label["sheet"]
        weights = label["weight_cells"]
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
