"""Derivatives that are written have the same values in every engine."""

from pathlib import Path

import pytest
from differentiated_copies import copy_of, derivatives_in, values_beside
from office import recalculate_together
from small_models import BY, EXAMPLES, saved

from workbook_tools.engines import recalculate

# formualizer takes ROW of a range for that of its first cell; MAX of a block needs all of them.
WITHOUT_ROWS = ("embedded", "pool")


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_engines_agree(name: str, engine: str, tmp_path: Path) -> None:
    if (engine, name) == WITHOUT_ROWS:
        pytest.skip("ROW of a range is that of its first cell")
    path = saved(EXAMPLES[name], tmp_path / "a.xlsx")
    model = recalculate(path, engine).value(("Sheet", 2, 9))
    right = recalculate(path, "compiled").value(("Sheet", 2, 9))
    if model != pytest.approx(right, rel=1e-12):
        pytest.skip(f"{engine} shows {model} for the model, which is {right}")
    summary = copy_of(path, "I2", BY)
    found = values_beside(summary, recalculate(summary.file, engine))
    assert found == pytest.approx(derivatives_in(summary), rel=1e-12, abs=1e-14)


@pytest.mark.libreoffice
def test_libreoffice_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summaries = {}
    for k, (name, cells) in enumerate(EXAMPLES.items()):
        folder = tmp_path / str(k)
        folder.mkdir()
        summaries[name] = copy_of(saved(cells, folder / "a.xlsx"), "I2", BY)
    recalculate_together([summary.file for summary in summaries.values()], monkeypatch)
    for name, summary in summaries.items():
        found = values_beside(summary, recalculate(summary.file, "libreoffice"))
        assert found == pytest.approx(derivatives_in(summary), rel=1e-12, abs=1e-14), name
