"""Unusual layouts are read: rows left empty, data in single cells, equations as headers."""

from pathlib import Path

import pytest
from checks import check
from handmade import FORMULAS, HEADER, HandMade, copy_of_the_table

from workbook_tools.checking.verify import verify
from workbook_tools.reading.equations import read_equations
from workbook_tools.reading.labels import parse_symbol

WITH_GAPS = [6, 7, 8, 9, 11, 12, 13, 17, 18, 19]


def test_rows_may_be_left_empty_between_iterations(tmp_path: Path) -> None:
    report = check(HandMade(rows=WITH_GAPS), tmp_path)
    [table] = report.tables
    assert (report.verdict, report.faults) == ("pass", [])
    assert (table.iterations, table.range, table.cells.not_checked) == (10, "B5:AF19", 0)
    assert table.last_loss == pytest.approx(table.last_loss_of_run, rel=1e-12)


@pytest.mark.parametrize(
    ("cell", "formula"), [("F17", "=F16-$D$2*Y16"), ("F11", "=F10-$D$2*Y10"), ("J17", "=F13*D17")]
)
def test_a_formula_below_an_empty_row_that_reads_it_is_named(
    tmp_path: Path, cell: str, formula: str
) -> None:
    found = check(HandMade(rows=WITH_GAPS, cells={cell: formula}), tmp_path).faults
    assert [finding.cells for finding in found] == [cell]


def test_data_may_go_on_through_rows_that_are_otherwise_empty(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"{column}10": 0.5 for column in "BC"} | {"D10": 0.05, "E10": 0.1}
    report = check(HandMade(rows=WITH_GAPS, cells=cells), tmp_path)
    assert (report.verdict, report.tables[0].iterations) == ("pass", 10)


def test_rows_below_a_table_are_not_iterations(tmp_path: Path) -> None:
    cells: dict[str, object] = {"B28": 3, "C28": 4, "X28": "=X25-X6", "F29": 1}
    report = check(HandMade(cells=cells), tmp_path)
    assert (report.verdict, report.tables[0].range) == ("pass", "B5:AF25")


SINGLE = {"t1": ("B", "AJ3"), "t2": ("C", "AK3"), "i1": ("D", "AJ1"), "i2": ("E", "AK1")}
NUMBERS = {"t1": 0.01, "t2": 0.99, "i1": 0.05, "i2": 0.1}


def with_single_cells(labels: dict[str, object]) -> HandMade:
    """Return a table without columns of inputs and targets; its formulas read single cells."""
    formulas = dict(FORMULAS)
    cells: dict[str, object] = dict(labels)
    for symbol, (column, place) in SINGLE.items():
        absolute = f"${place[:-1]}${place[-1]}"
        formulas = {s: f.replace(f"{column}6", absolute) for s, f in formulas.items()}
        cells |= {f"{column}{row}": None for row in range(5, 26)} | {place: NUMBERS[symbol]}
    formulas = {s: f.replace(f"U${'AK'}", "U") for s, f in formulas.items()}
    return HandMade(formulas, cells)


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"AI1": "Inputs", "AI3": "Targets"},
        {"AJ2": "i1", "AK2": "i2", "AJ4": "target 1", "AK4": "target 2"},
        {"AL1": "x2", "AI1": "x1", "AI3": "y1", "AL3": "y2"},
    ],
)
def test_inputs_and_targets_may_be_single_cells(tmp_path: Path, labels: dict[str, object]) -> None:
    made = with_single_cells(labels)
    report = check(made, tmp_path)
    [table] = report.tables
    assert (report.verdict, report.faults, table.cells.not_checked) == ("pass", [], 0)
    assert table.understood.columns["t2"] == "My sheet!AK3"
    assert table.last_loss == pytest.approx(table.last_loss_of_run, rel=1e-12)
    made.formulas["E2"] = made.formulas["E2"].replace("$AK$3", "$AJ$3")
    made.formulas["∂E/∂w4"] = made.formulas["∂E/∂w4"].replace("$AK$1", "$AJ$1")
    found = check(made, tmp_path).faults
    assert [finding.quantity for finding in found] == ["E2", "∂E/∂w4"]


def test_a_bias_may_be_a_single_cell_of_one_layer_alone(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AJ1": "bias", "AK1": 0.35}
    biased = {s: f"{FORMULAS[s]}+$AK$1" for s in ("h1", "h2")}
    report = check(HandMade({**FORMULAS, **biased}, cells), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    found = check(HandMade({**FORMULAS, "h1": biased["h1"]}, cells), tmp_path).faults
    assert [finding.quantity for finding in found] == ["h2"]


def test_each_units_bias_is_read_from_the_formulas(tmp_path: Path) -> None:
    """b1 and b2 belong to the two hidden units here, not to the two layers; outputs have none."""
    cells: dict[str, object] = {"AG5": "b1", "AH5": "b2"}
    cells |= {f"AG{row}": 0.35 for row in range(6, 26)} | {f"AH{row}": 0.6 for row in range(6, 26)}
    biased = {"h1": FORMULAS["h1"] + "+AH6", "h2": FORMULAS["h2"] + "+AG6"}
    assert check(HandMade({**FORMULAS, **biased}, cells), tmp_path).verdict == "pass"
    wrong = {**FORMULAS, **biased, "h2": FORMULAS["h2"] + "-AG6"}
    found = check(HandMade(wrong, cells), tmp_path).faults
    assert [finding.quantity for finding in found] == ["h2"]


def test_the_wiring_is_read_through_columns_of_products(tmp_path: Path) -> None:
    """w2 leads from i1 to h2, and w3 from i2 to h1."""
    header = [{"w2": "w3", "w3": "w2"}.get(label, label) for label in HEADER]
    header = [{"∂E/∂w2": "∂E/∂w3", "∂E/∂w3": "∂E/∂w2"}.get(label, label) for label in header]
    products = {"AH": "F{0}*D{0}", "AI": "G{0}*E{0}", "AJ": "H{0}*D{0}", "AK": "I{0}*E{0}"}
    cells: dict[str, object] = {
        f"{column}{row}": f"={product.format(row)}"
        for column, product in products.items()
        for row in range(6, 26)
    }
    cells |= {"AH5": "first product", "AJ5": "another"}
    formulas = {**FORMULAS, "h1": "=AH6+AI6", "h2": "=AJ6+AK6"}
    report = check(HandMade(formulas, cells, header=header), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].understood.wiring[0] == "h1 = w1·i1 + w3·i2"


EQUATIONS = {
    "h1": "= w1*i1 + w2*i2", "a_h1": "1/(1+exp(-h1))", "h2": "w3·i1+w4·i2", "a_h2": "σ(h2)",
    "o1": "w5·a_h1 + w6·a_h2", "a_o1": "1/(1+e^(-o1))", "o2": "= w7 a_h1 + w8 a_h2",
    "a_o2": "1/(1+e^-o2)", "E1": "½(t1 − a_o1)²", "E2": "0.5*(t2-a_o2)*(t2-a_o2)",
    "E_tot": "E1+E2", "∂E/∂w5": "(a_o1-t1)*a_o1*(1-a_o1)*a_h1",
    "∂E/∂w1": "((a_o1-t1)*a_o1*(1-a_o1)*w5+(a_o2-t2)*a_o2*(1-a_o2)*w7)*a_h1*(1-a_h1)*i1",
}  # fmt: skip


def test_a_header_may_be_the_equation_itself(tmp_path: Path) -> None:
    header = [EQUATIONS.get(symbol, symbol) for symbol in HEADER]
    report = check(HandMade(header=header), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert list(report.tables[0].understood.columns) == HEADER
    [finding] = check(HandMade(cells={"AC9": "=Z9"}, header=header), tmp_path).faults
    assert finding.quantity == "∂E/∂w5"


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        ("exp(o1)/(exp(o1)+exp(o2))", "a_o1"),
        ("(a_o1 - t1)*a_o1*(1-a_o1)", "δ_o1"),
        ("(a_o1-t1)*(1-a_o1^2)", "δ_o1"),
        ("δ_o1*a_h2", "∂E/∂w6"),
        ("(δ_o1*w5+δ_o2*w7)*a_h1*(1-a_h1)", "δ_h1"),
        ("-(t1*ln(a_o1)+(1-t1)*ln(1-a_o1))", "E1"),
        ("a_h1*(1-a_h1)", None),
        ("a_o1-a_o2", None),
        ("w1 - lr", None),
        ("= 3", None),
        ("remark (1)", None),
    ],
)
def test_the_quantity_of_an_equation_follows_from_the_symbols_in_it(
    label: str, symbol: str | None
) -> None:
    labels = {1: "w5*a_h1+w6*a_h2", 2: "w7*a_h1+w8*a_h2", 3: label}
    assert parse_symbol(label) is None
    assert read_equations(labels, {"i1", "h1", "h2"}).get(3) == symbol


TWICE = {
    "E1": "=(B6-S6)^2", "E2": "=(C6-U6)^2",
    **{s: "=2*" + FORMULAS[s][1:] for s in FORMULAS if s[0] == "∂"},
}  # fmt: skip
MEAN = {"E_tot": "=(V6+W6)/2", **{s: FORMULAS[s] for s in FORMULAS if s[0] == "∂"}}


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (TWICE, "half-squared-error × 2"),
        ({**TWICE, **MEAN}, "half-squared-error × 2, E_tot = 0.5 · their sum"),
    ],
)
def test_a_loss_may_have_a_factor_if_its_gradients_have_it_too(
    tmp_path: Path, loss: dict[str, str], said: str
) -> None:
    report = check(HandMade({**FORMULAS, **loss}), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].understood.loss == said


def test_if_a_loss_and_its_gradients_disagree_the_fewer_are_wrong(
    tmp_path: Path,
) -> None:
    squares = {"E1": TWICE["E1"], "E2": TWICE["E2"]}
    found = check(HandMade({**FORMULAS, **squares}), tmp_path).faults
    assert [finding.quantity for finding in found] == ["E1", "E2"]
    one = {**FORMULAS, **TWICE, "∂E/∂w6": FORMULAS["∂E/∂w6"]}
    found = check(HandMade(one), tmp_path).faults
    assert [finding.quantity for finding in found] == ["∂E/∂w6"]


def test_a_total_loss_may_be_in_one_formula(tmp_path: Path) -> None:
    header = [label if label not in ("E1", "E2") else None for label in HEADER]
    cells = {f"{column}{row}": None for column in "VW" for row in range(6, 26)}
    formulas = {**FORMULAS, "E_tot": "=((B6-S6)^2+(C6-U6)^2)/2"}
    report = check(HandMade(formulas, {**cells}, header=header), tmp_path)  # type: ignore[arg-type]
    assert (report.verdict, report.tables[0].cells.not_checked) == ("pass", 0)
    formulas["E_tot"] = "=((B6-S6)^2-(C6-U6)^2)/2"
    found = check(HandMade(formulas, {**cells}, header=header), tmp_path).faults  # type: ignore[arg-type]
    assert [finding.quantity for finding in found] == ["E_tot"]


def test_updates_may_spell_out_their_gradients(tmp_path: Path) -> None:
    header = [label if label != "∂E/∂w5" else None for label in HEADER]
    cells: dict[str, object] = {f"AC{row}": None for row in range(6, 26)}
    cells |= {f"N{r}": f"=N{r - 1}-$D$2*(S{r - 1}-B{r - 1})*S{r - 1}*(1-S{r - 1})*K{r - 1}"
              for r in range(7, 26)}  # fmt: skip
    report = check(HandMade(cells=cells, header=header), tmp_path)  # type: ignore[arg-type]
    assert (report.verdict, report.tables[0].cells.not_checked) == ("pass", 0)
    cells["N9"] = "=N8-$D$2*(S8-B8)*S8*(1-S8)*M8"
    found = check(HandMade(cells=cells, header=header), tmp_path).faults  # type: ignore[arg-type]
    assert [finding.cells for finding in found] == ["N9"]


@pytest.mark.parametrize("first", ["AI", "AG"])
def test_a_list_of_rates_and_losses_beside_a_table_is_not_part_of_it(
    tmp_path: Path, first: str
) -> None:
    second = {"AI": "AJ", "AG": "AH"}[first]
    cells: dict[str, object] = {f"{first}5": "Learning rate", f"{second}5": "Total error"}
    cells |= {f"{first}{row}": row / 10 for row in range(6, 11)}
    cells |= {f"{second}{row}": 1 / row for row in range(6, 11)}
    report = check(HandMade(cells=cells, rows=WITH_GAPS), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].learning_rate == 0.5
    cells |= {"C2": None}
    report = check(HandMade(cells=cells), tmp_path)
    assert (report.verdict, report.tables[0].learning_rate) == ("pass", 0.5)


def test_a_column_named_like_no_input_is_unknown(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AG5": "X7"} | {f"AG{row}": f"=K{row}^2" for row in range(6, 26)}
    report = check(HandMade(cells=cells), tmp_path)
    assert report.tables[0].cells.reasons == {"unknown quantity 'X7'": 20}


def test_when_most_cells_of_a_column_are_wrong_the_others_are_not(tmp_path: Path) -> None:
    wrong = {f"AC{row}": f"=(S{row}-B{row})*S{row}*(1-S{row})*M{row}" for row in range(10, 26)}
    found = check(HandMade(cells={**wrong}), tmp_path).faults
    assert [finding.cells for finding in found] == ["AC10:AC25"]


def test_a_mistake_in_a_unit_leaves_the_other_weights_where_the_formulas_have_them(
    tmp_path: Path,
) -> None:
    """The weights are numbered w2, w1, w4, w3: only the formulas tell."""
    swapped = {"w1": "w2", "w2": "w1", "w3": "w4", "w4": "w3"}
    swapped |= {f"∂E/∂{one}": f"∂E/∂{other}" for one, other in swapped.items()}
    header = [swapped.get(label, label) for label in HEADER]
    for unit, wrong in (("h1", "=F6*D6-G6*E6"), ("h2", "=H6*D6+I6")):
        found = check(HandMade({**FORMULAS, unit: wrong}, header=header), tmp_path).faults
        assert [finding.quantity for finding in found] == [unit]


def test_a_wrong_total_does_not_hide_the_factor_of_the_loss(tmp_path: Path) -> None:
    formulas = {**FORMULAS, **TWICE, **MEAN, "E_tot": "=(V6-W6)/2"}
    found = check(HandMade(formulas), tmp_path).faults
    assert [finding.quantity for finding in found] == ["E_tot"]


@pytest.mark.parametrize("reads", ["activations", "pre-activations"])
@pytest.mark.parametrize("parts", [True, False])
def test_a_cross_entropy_is_not_blamed_for_a_wrong_activation(
    tmp_path: Path, reads: str, parts: bool
) -> None:
    by = {
        "activations": "-({t}6*LN({a}6)+(1-{t}6)*LN(1-{a}6))",
        "pre-activations": "(MAX({z}6,0)-{t}6*{z}6+LN(1+EXP(-ABS({z}6))))",
    }[reads]
    entropy = {
        f"E{k}": "=" + by.format(t=t, z=z, a=a)
        for k, t, z, a in ((1, "B", "R", "S"), (2, "C", "T", "U"))
    }
    errors = {s: f.replace("*S6*(1-S6)", "").replace("*U6*(1-U6)", "")
              for s, f in FORMULAS.items() if s[0] == "∂"}  # fmt: skip
    formulas, header = {**FORMULAS, **entropy, **errors}, list(HEADER)
    if not parts:
        formulas["E_tot"] = f"{entropy['E1']}+{entropy['E2'][1:]}"
        header[header.index("E1")], header[header.index("E2")] = "p", "q"
    report = check(HandMade(formulas, header=header), tmp_path)
    # Nothing reads what stands under p and q.
    assert (report.verdict, report.faults) == ("pass" if parts else "incomplete", [])
    assert report.tables[0].understood.loss == "binary-cross-entropy × 2"
    found = check(HandMade(formulas, {"S9": "=1/(1+EXP(-2*R9))"}, header=header), tmp_path).faults
    assert [finding.cells for finding in found] == ["S9"]


def test_titles_above_groups_of_columns_say_what_is_meant_by_their_labels(tmp_path: Path) -> None:
    header = [label.removeprefix("∂E/∂") for label in HEADER]
    header[:4] = ["1", "2", "1", "2"]
    cells: dict[str, object] = {
        "B4": "Targets", "D4": "Inputs", "F4": "Weights", "J4": "Hidden layer", "N4": "Weights",
        "R4": "Output layer", "V4": "Loss", "Y4": "Gradients",
    }  # fmt: skip
    report = check(HandMade(cells=cells, header=header), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert list(report.tables[0].understood.columns) == HEADER
    assert report.tables[0].cells.not_checked == 0


def test_titles_above_clear_labels_change_nothing(tmp_path: Path) -> None:
    cells: dict[str, object] = {"B4": "Data", "F4": "Error", "Y4": "Backpropagation", "AG5": "w9?"}
    report = check(HandMade(cells=cells), tmp_path)
    assert list(report.tables[0].understood.columns) == HEADER


def test_titles_above_one_table_say_nothing_of_the_table_beside_it(tmp_path: Path) -> None:
    path = HandMade(cells={"F4": "Weights", "Y4": "Gradients"}).save(tmp_path / "made.xlsx")
    copy_of_the_table(path, down=0, right=33)
    report = verify(path)
    assert [list(table.understood.columns) for table in report.tables] == [HEADER, HEADER]
    assert report.verdict == "pass"


def test_rows_may_be_left_empty_where_updates_spell_out_their_gradients(tmp_path: Path) -> None:
    """There are no columns of gradients."""
    header = [None if label[0] == "∂" else label for label in HEADER]
    report = check(HandMade(rows=WITH_GAPS, header=header), tmp_path)  # type: ignore[arg-type]
    assert (report.verdict, report.tables[0].iterations) == ("pass", 10)


def test_a_formula_of_hundreds_of_terms_is_judged_by_the_engine(tmp_path: Path) -> None:
    long = f"{FORMULAS['h1']}{'+0*D6' * 220}"
    assert check(HandMade({**FORMULAS, "h1": long}), tmp_path).verdict == "pass"
    wrong = f"{FORMULAS['h1']}{'+0*D6' * 220}+D6"
    found = check(HandMade({**FORMULAS, "h1": wrong}), tmp_path).faults
    assert [finding.quantity for finding in found] == ["h1"]
    latent = f"{FORMULAS['E1'].replace('B6', 'C6')}{'+0*D6' * 220}"  # both targets are 0.5
    found = check(HandMade({**FORMULAS, "E1": latent}), tmp_path).faults
    assert [(finding.quantity, finding.kind) for finding in found] == [("E1", "latent")]
