"""A wrong formula gets the one that was meant: the smallest edit, proven, in words and symbols."""

import re
from pathlib import Path

import pytest
from handmade import FORMULAS, HandMade
from openpyxl import load_workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Fault, Suggestion
from workbook_tools.judging.findings import Finding, advice, said
from workbook_tools.judging.probe import Trials
from workbook_tools.mending import edits
from workbook_tools.mending.right_formulas import RightFormulas

pytestmark = pytest.mark.slow

MISTAKES = {
    # quantity, its wrong formula: the formula that was meant, the change in words
    ("∂E/∂w3", "=((S6-B6)*S6*(1-S6)*O6+(U6-C6)*U6*(1-U6)*Q6)*K6*(1-K6)*D6"): (
        None, "replace K by M (twice)",
    ),
    ("∂E/∂w8", "=(U6-C6)*U6*(1-U6)*L6"): (None, "replace L by M"),
    ("∂E/∂w1", "=D6*J6*(1-J6)*((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)"): (
        "=D6*K6*(1-K6)*((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)", "replace J by K (twice)",
    ),
    ("h1", "=F6*D6+F6*E6"): (None, "replace F by G"),
    ("o2", "=P6*K6-Q6*M6"): (None, "change - to +: P6*K6+Q6*M6"),
    ("a_h1", "=1/(1+EXP(J6))"): (None, "change the sign of J6"),
    ("a_h2", "=1/1+EXP(-L6)"): (None, "put parentheses around 1+EXP(-L6)"),
    ("E_tot", "=V6"): ("=V6+W6", "add W6 to V6"),
    ("E_tot", "=MAX(V6:W6)"): ("=SUM(V6:W6)", "change MAX to SUM"),
    ("E2", "=0.5*(C6-U6)*(C6-T6)"): (None, "replace T by U"),
    ("E1", "=(B6-S6)^3/2"): (None, "replace the number 3 by 2"),
    ("∂E/∂w5", "=(B6-S6)*S6*(1-S6)*K6"): (None, "swap B6 and S6: S6-B6"),
    ("∂E/∂w6", "=(S6-B6)*S6*M6"): ("=(S6-B6)*S6*(1-S6)*M6", "multiply (S6-B6)*S6 by (1-S6)"),
    ("∂E/∂w7", "=(U6-C6)*U6*(1-U6)*K6*D6"): (None, "remove the factor D6"),
    ("∂E/∂w4", "=((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)*M6*(1-M6)*E6"): (
        None, "replace N by O, and replace P by Q",
    ),
    ("∂E/∂w1", "=(S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6*K6*(1-K6)*D6"): (
        None, "put parentheses around (S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6",
    ),
    ("∂E/∂w2", "=((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)*COS(K6)*E6*D6"): (
        "=((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)*K6*(1-K6)*E6", "rewrite the formula",
    ),
}  # fmt: skip


def suggestion(made: HandMade, path: Path) -> tuple[Fault, Suggestion]:
    [finding] = verify(made.save(path / "made.xlsx")).faults
    assert finding.suggestion is not None
    return finding, finding.suggestion


@pytest.mark.parametrize(("mistake", "meant"), MISTAKES.items(), ids=[q for q, _ in MISTAKES])
def test_the_smallest_edit_is_found_and_said(
    mistake: tuple[str, str], meant: tuple[str | None, str], tmp_path: Path
) -> None:
    symbol, wrong = mistake
    finding, found = suggestion(HandMade({**FORMULAS, symbol: wrong}), tmp_path)
    assert finding.quantity == symbol
    formula, words = meant
    assert found.formula.replace("$", "") == (formula or FORMULAS[symbol])
    assert found.edit == words
    assert (found.rows, len(found.formulas)) == (20, 20)
    assert found.trials >= 2
    assert found.formulas[25] == found.formula.replace("6", "25")


def test_the_change_is_said_in_symbols(tmp_path: Path) -> None:
    wrong = FORMULAS["∂E/∂w3"].replace("M6*(1-M6)", "K6*(1-K6)")
    finding, _ = suggestion(HandMade({**FORMULAS, "∂E/∂w3": wrong}), tmp_path)
    assert said(Finding((finding,))).startswith("∂E/∂w3 uses a_h1 where a_h2 belongs: AA")
    assert advice(Finding((finding,))) == "Replace K by M (twice)."
    finding, _ = suggestion(HandMade({**FORMULAS, "∂E/∂w6": "=(S6-B6)*S6*M6"}), tmp_path)
    assert advice(Finding((finding,))) == (
        "∂E/∂w6 uses (a_o1 − t1)·a_o1; it should be (a_o1 − t1)·a_o1·(1 − a_o1): "
        "multiply (S6-B6)*S6 by (1-S6)."
    )


def test_a_typed_target_is_read_from_its_cell(tmp_path: Path) -> None:
    finding, found = suggestion(HandMade({**FORMULAS, "E1": "=(0.5-S6)^2/2"}), tmp_path)
    assert finding.kind == "latent"
    assert (found.formula, found.edit) == ("=(B6-S6)^2/2", "replace the number 0.5 by B6")


def test_one_wrong_cell_gets_the_formula_of_those_beside_it(tmp_path: Path) -> None:
    _, found = suggestion(HandMade(cells={"S12": "=1/(1+EXP(-T12))"}), tmp_path)
    assert found.formulas == {12: "=1/(1+EXP(-R12))"}
    assert found.edit == "replace T12 by R12, as in the cells beside it"


def test_a_number_that_was_pasted_gets_the_formula(tmp_path: Path) -> None:
    _, found = suggestion(HandMade(cells={"S12": 0.75}), tmp_path)
    assert found.formulas == {12: "=1/(1+EXP(-R12))"}
    assert found.edit == "enter the formula, as in the cells beside it"


def test_a_rate_that_drifts_is_fixed_in_its_place(tmp_path: Path) -> None:
    report = verify(HandMade(rate="D2").save(tmp_path / "made.xlsx"))
    assert report.faults
    for finding in report.faults:
        assert finding.suggestion is not None
        assert "$D$2" in finding.suggestion.formula
        assert finding.suggestion.edit == "change D2 to $D$2"


def test_an_update_that_reads_another_row_is_put_right(tmp_path: Path) -> None:
    cells = {f"F{row}": f"=F{row - 1}-$D$2*Y{row}" for row in range(7, 26)}
    finding, found = suggestion(HandMade(cells=cells), tmp_path)
    assert finding.cells == "F7:F25"
    assert found.formula == "=F6-$D$2*Y6"
    assert found.edit == "replace Y7 by Y6"


def test_a_lost_reference_is_found_again(tmp_path: Path) -> None:
    wrong = FORMULAS["∂E/∂w8"].replace("M6", "#REF!")
    _, found = suggestion(HandMade({**FORMULAS, "∂E/∂w8": wrong}), tmp_path)
    assert found.formula == FORMULAS["∂E/∂w8"]


def test_the_mistake_of_a_helper_column_is_put_right_there(tmp_path: Path) -> None:
    helped = {"∂E/∂w3": "=AH6*D6", "∂E/∂w4": "=AH6*E6"}
    wrong = "=((S{0}-B{0})*S{0}*(1-S{0})*O{0}+(U{0}-C{0})*U{0}*(1-U{0})*Q{0})*K{0}*(1-K{0})"
    cells = {f"AH{row}": wrong.format(row) for row in range(6, 26)}
    made = HandMade({**FORMULAS, **helped}, {"AH5": "B", **cells})
    findings = verify(made.save(tmp_path / "made.xlsx")).faults
    assert [finding.quantity for finding in findings] == ["∂E/∂w3", "∂E/∂w4"]
    right = wrong.format(6).replace("K6", "M6")
    for finding in findings:
        assert finding.suggestion is not None
        assert finding.suggestion.edit == "replace K by M (twice), in column AH, which it reads"
        assert finding.put_right["My sheet", 6, 34] == right
        assert finding.suggestion.formula.startswith(f"=({right[1:]})*")


def test_a_helper_column_that_serves_another_formula_rightly_is_not_blamed(tmp_path: Path) -> None:
    """The slope of h2 is in AH; ∂E/∂w4 reads it rightly, ∂E/∂w2 should not read it."""
    slope = {"AH5": "slope", **{f"AH{row}": f"=M{row}*(1-M{row})" for row in range(6, 26)}}
    helped = {
        "∂E/∂w4": FORMULAS["∂E/∂w4"].replace("M6*(1-M6)", "AH6"),
        "∂E/∂w2": FORMULAS["∂E/∂w2"].replace("K6*(1-K6)", "AH6"),
    }
    finding, found = suggestion(HandMade({**FORMULAS, **helped}, slope), tmp_path)
    assert finding.quantity == "∂E/∂w2"
    assert not found.helpers
    assert "AH6" not in found.formula


def test_a_suggestion_must_be_right_on_random_numbers(tmp_path: Path) -> None:
    """Most cells read t1 for t2, which are both 0.5: that is right on these numbers alone."""
    cells = {f"W{row}": f"=0.5*(B{row}-U{row})^2" for row in range(6, 17)}
    report = verify(HandMade(cells={**cells, "W20": "=0.5*(C20-T20)^2"}).save(tmp_path / "m.xlsx"))
    found = {finding.cells: finding.suggestion for finding in report.faults}
    assert found.keys() == {"W6:W16", "W20"}
    for suggested in found.values():
        assert suggested is not None
        assert "B" not in suggested.formula


def test_a_suggestion_must_be_right_in_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trials, "right", lambda *given, **_: [True] * len(given[1]))
    wrong = FORMULAS["∂E/∂w8"].replace("M6", "L6")
    finding, found = suggestion(HandMade({**FORMULAS, "∂E/∂w8": wrong}), tmp_path)
    assert found.formula == FORMULAS["∂E/∂w8"]
    assert found.rows == finding.count


def test_a_formula_over_thousands_of_cells_is_written_anew(tmp_path: Path) -> None:
    wrong = "=SUM(AK$3:AK$3000)+F6*D6+G6*E6*2"
    _, found = suggestion(HandMade({**FORMULAS, "h1": wrong}), tmp_path)
    assert found.formula == "=D6*F6+E6*G6"


def test_nothing_is_suggested_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert verify(HandMade().save(tmp_path / "made.xlsx")).faults == []


def changed(source: Path, path: Path, sheet: str, cells: dict[str, object]) -> list[Fault]:
    book = load_workbook(source)
    for name, content in cells.items():
        book[sheet][name] = content
    book.save(path)
    return verify(path).faults


def test_the_summary_of_losses_is_mended(workbooks: Path, tmp_path: Path) -> None:
    source = workbooks / "Back_Propogation.xlsx"
    right = load_workbook(source)["Overview"]["I17"].value
    for wrong, words in ((0.1, "enter the formula"), ("='LR 0.5'!$W$98", "$W$98 by ")):
        [finding] = changed(source, tmp_path / "a.xlsx", "Overview", {"I17": wrong})
        assert finding.suggestion is not None
        assert finding.suggestion.formulas == {17: right}
        assert words in finding.suggestion.edit


def test_a_start_that_is_rounded_is_not_left_as_it_is(workbooks: Path, tmp_path: Path) -> None:
    cells: dict[str, object] = {"E32": "=ROUND(Overview!$C$19,12)"}
    [fault] = changed(workbooks / "mazur.xlsx", tmp_path / "a.xlsx", "LR 0.5", cells)
    assert fault.kind == "broken-pattern"
    assert fault.suggestion is not None
    assert fault.suggestion.formulas == {32: "=Overview!$C$19"}


def test_what_is_worked_out_beside_the_samples_is_mended(
    shorter: dict[str, Path], tmp_path: Path
) -> None:
    source = shorter["deep"]
    right = load_workbook(source)["Data"]["E38"].value
    cells: dict[str, object] = {"E38": right.replace(",1,0)", ",1,0.5)"), "E40": 1}
    findings = changed(source, tmp_path / "a.xlsx", "Data", cells)
    assert [finding.cells for finding in findings] == ["E38", "E40"]
    assert [finding.put_right for finding in findings] == [
        {("Data", 38, 5): right}, {("Data", 40, 5): right.replace("38", "40")},
    ]  # fmt: skip


def test_a_mistake_filled_over_all_iterations_of_several_samples_is_one(
    workbooks: Path, tmp_path: Path
) -> None:
    """Each sample of an iteration has its own formula of δ: here that of every second one."""
    source = workbooks / "xor.xlsx"
    sheet = load_workbook(source)["LR 1"]
    column = next(cell.column_letter for cell in sheet[31] if cell.value == "δ_h2")
    right = {f"{column}{row}": sheet[f"{column}{row}"].value for row in range(33, 432, 4)}
    wrong: dict[str, object] = {name: text.replace("(1-", "(2-") for name, text in right.items()}
    [finding] = changed(source, tmp_path / "a.xlsx", "LR 1", wrong)
    assert (finding.quantity, finding.count) == ("δ_h2", 100)
    assert {f"{column}{row}": text for (_, row, _), text in finding.put_right.items()} == right


def test_a_sum_that_begins_in_the_iteration_above_is_wrong_in_all_of_them(
    shorter: dict[str, Path], tmp_path: Path
) -> None:
    """Where a ReLU unit was turned off in the row above, the value is right."""
    sheet = load_workbook(shorter["deep"])["LR 0.1"]
    column = next(cell.column_letter for cell in sheet[31] if cell.value == "∂E/∂b7")
    cells: dict[str, object] = {}
    for row in range(32, sheet.max_row + 1, 8):
        right = str(sheet[f"{column}{row}"].value)
        cells[f"{column}{row}"] = re.sub(r"\d+:", f"{row - 1}:", right)
    [finding] = changed(shorter["deep"], tmp_path / "a.xlsx", "LR 0.1", cells)
    assert (finding.kind, finding.quantity, finding.count) == (
        "wrong-formula", "∂E/∂b7", len(cells),
    )  # fmt: skip


def test_a_sign_in_the_outputs_delta_is_one_mistake_and_no_delta_rule(
    workbooks: Path, tmp_path: Path
) -> None:
    """The gradients take δ as it should be, so it is not the other way round everywhere."""
    source = workbooks / "xor.xlsx"
    cells: dict[str, object] = {f"AF{row}": f"=-(AB{row}-E{row})" for row in range(32, 432)}
    [finding] = changed(source, tmp_path / "a.xlsx", "LR 1", cells)
    assert (finding.kind, finding.quantity, finding.count) == ("wrong-formula", "δ_o1", 400)


def test_a_loss_that_was_pasted_with_its_activation_is_mended(
    workbooks: Path, tmp_path: Path
) -> None:
    """The loss may be worked out from the activation or from the pre-activation."""
    source = workbooks / "xor.xlsx"
    values = load_workbook(source, data_only=True)["LR 0.1"]
    cells: dict[str, object] = {f"{c}251": values[f"{c}423"].value for c in ("AB", "AC", "AD")}
    findings = changed(source, tmp_path / "a.xlsx", "LR 0.1", cells)
    assert [(one.quantity, bool(one.suggestion)) for one in findings] == [
        ("a_o1", True), ("E1", True), ("E_tot", True),
    ]  # fmt: skip


def test_a_column_of_targets_that_is_wrong_everywhere_is_written_anew(
    shorter: dict[str, Path], tmp_path: Path
) -> None:
    source = shorter["deep"]
    sheet = load_workbook(source)["Data"]
    rows = [row for row in range(1, sheet.max_row + 1) if str(sheet[f"E{row}"].value)[:3] == "=IF"]
    right = {f"E{row}": sheet[f"E{row}"].value for row in rows}
    wrong: dict[str, object] = {
        name: text.replace(",1,0)", ",2,-1)") for name, text in right.items()
    }
    [finding] = changed(source, tmp_path / "a.xlsx", "Data", wrong)
    assert finding.count == len(rows)
    assert list(finding.put_right.values()) == list(right.values())


def test_only_so_many_pairs_of_references_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "=((S6-B6)*S6*(1-S6)*N6+(U6-C6)*U6*(1-U6)*P6)*M6*(1-M6)*E6"
    made = HandMade({**FORMULAS, "∂E/∂w4": wrong})
    monkeypatch.setattr(RightFormulas, "at", lambda *_: None)  # none is written anew
    assert suggestion(made, tmp_path)[1].edit == "replace N by O, and replace P by Q"
    monkeypatch.setattr(edits, "_MOST_PAIRS", 10)
    monkeypatch.setattr(edits, "_found", {})
    [finding] = verify(made.save(tmp_path / "made.xlsx")).faults
    assert finding.suggestion is None
