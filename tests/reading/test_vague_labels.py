"""Vague labels are decided by the labels beside them, or name no quantity."""

from pathlib import Path

import pytest
from checks import check
from handmade import FORMULAS, HEADER, HandMade

from workbook_tools.reading.labels import parse_label
from workbook_tools.reading.vague_labels import resolved


def read(header: str) -> str:
    """Return what labels, separated by ``|``, name; - where they name nothing."""
    columns: dict[str, int] = {}
    labels = [label.strip() for label in header.split("|")]
    for column, label in enumerate(labels):
        if symbol := parse_label(label):
            columns.setdefault(symbol, column)
    found = {column: symbol for symbol, column in resolved(columns).items()}
    return " ".join(found.get(column, "-") for column in range(len(labels)))


@pytest.mark.parametrize(
    ("header", "symbols"),
    [
        ("Hidden 1 | a_h1", "h1 a_h1"),
        ("h1 | Hidden 1", "h1 a_h1"),
        ("Hidden 1 | Hidden 2", "- -"),
        ("Output 1 | ŷ1", "o1 a_o1"),
        ("o1 | out 1", "o1 a_o1"),
        ("o1 | a_o1 | Output 1", "o1 a_o1 -"),
        ("t1 | o1 | actual o1", "t1 o1 a_o1"),
        ("Actual 1 | o1 | actual o1", "- o1 -"),
        ("y1 | ŷ1 | L", "t1 a_o1 E_tot"),
        ("y1 | t1", "a_o1 t1"),
        ("L | E_total | MSE", "- E_tot -"),
        ("w1 (old) | w1", "- w1"),
        ("w1 | Gradient 1 | Gradient 2", "w1 ∂E/∂w1 -"),
        ("ω1 | ω2 | dE/dω1", "w1 w2 ∂E/∂w1"),
        ("w1 | θ1", "w1 -"),
        ("ω1 | θ1", "- -"),
        ("t | o | a_o | E", "t1 o1 a_o1 E_tot"),
        ("y | o1 | ŷ", "t1 o1 a_o1"),
        ("o | Output", "o1 a_o1"),
        ("t | t1 | t2", "- t1 t2"),
        ("t | o1 | o2", "- o1 o2"),
        ("b_h1 | b_h2 | b_o1 | ∂E/∂b_h2 | dE/dbo1", "b1 b2 b3 ∂E/∂b2 ∂E/∂b3"),
        ("Bias o | Bias h | grad bh", "b2 b1 ∂E/∂b1"),
        ("b1 | b_h | ∂E/∂b_h", "b1 - -"),
        ("h11 | h12 | h21 | a_h21", "h1_1 h1_2 h2_1 a_h2_1"),
        ("h11 | h12 | a_h12", "h1 h2 a_h2"),
        ("h11 | h13", "h11 h13"),
        ("i1 | w1 | w2 | h1 | w3 | h2 | w4 | o1", "i1 w1 w2 h1 w3 h2 w4 o1"),
        ("i1 | w1 | h1 | w2 | h2 | δ_h2 | w3 | o1", "i1 w1 h1_1 w2 h2_1 δ_h2_1 w3 o1"),
    ],
)
def test_vague_labels_are_decided_by_the_others(header: str, symbols: str) -> None:
    assert read(header) == symbols


def relabelled(changes: dict[str, str]) -> list[str]:
    """Return the header with {} for the number in each of these kinds of labels."""
    header = []
    for symbol in HEADER:
        kind, number = symbol.rstrip("12345678"), symbol[len(symbol.rstrip("12345678")) :]
        header.append(changes.get(kind, kind + "{}").format(number))
    return header


SPELLINGS = [
    {"h": "Hidden {} net", "o": "Output {} net"},
    {"h": "h{}_in", "o": "o{}_in"},
    {"h": "h{} (sum)", "o": "o{}\n(sum)"},
    {"h": "Hidden {}", "o": "Output {}"},
    {"h": "H{} (input)", "a_h": "hout{}", "a_o": "ŷ{}", "t": "y{}", "i": "Input x{}"},
    {"h": "Hidden neuron {} (net)", "a_h": "Hidden neuron {} (out)", "t": "Desired output {}"},
    {"h": "z{}_h", "a_h": "a{}_h", "o": "z{}_o", "i": "feature {}", "a_o": "out {} "},
    {"w": "w{} (weight)", "t": "t{} (target)", "i": "i{} (input)", "E_tot": "E_tot (E1+E2)"},
    {"a_h": "a_h{}\n(sigmoid)", "∂E/∂w": "dE/dw{} (gradient)", "E_tot": "Etot.", "a_o": "a_o{}."},
    {"E_tot": "L", "E": "L{}", "∂E/∂w": "dL/dw{}"},
    {"E_tot": "MSE", "∂E/∂w": "w{}_grad"},
    {"E_tot": "ΣE", "∂E/∂w": "gw{}", "a_o": "actual o{}"},
    {"E_tot": "C", "∂E/∂w": "∂C/∂w{}", "a_o": "y_hat_{}"},
    {"E_tot": "Error (E)", "∂E/∂w": "Gradient {}", "a_o": "Predicted {}"},
    {"w": "ω{}", "∂E/∂w": "Ew{}", "E_tot": "Е_tоt"},  # the last in Cyrillic letters
    {"w": "θ{}", "∂E/∂w": "∂E/∂θ{}", "t": "т{}"},
]


@pytest.mark.parametrize("changes", SPELLINGS)
def test_a_table_is_understood_however_its_labels_are_spelled(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    made = HandMade(header=relabelled(changes))
    report = check(made, tmp_path)
    [table] = report.tables
    assert (report.verdict, report.faults, table.cells.not_checked) == ("pass", [], 0)
    assert list(table.understood.columns) == HEADER
    wrong = {"∂E/∂w3": FORMULAS["∂E/∂w4"], "h2": "=H6*D6-I6*E6"}
    found = check(HandMade({**FORMULAS, **wrong}, header=made.header), tmp_path).faults
    assert [finding.quantity for finding in found] == ["h2", "∂E/∂w3"]


def test_a_larger_network_is_not_read_as_a_smaller_one(tmp_path: Path) -> None:
    made = HandMade(header=relabelled({"h": "first stage {}"}))
    report = check(made, tmp_path)
    [table] = report.tables
    assert (report.verdict, report.faults, table.cells.checked) == ("unchecked", [], 0)
    [why] = table.cells.reasons
    assert why.startswith("a_h1, a_h2, w5, w6, w7, w8")
    assert "'first stage 1'" in why


@pytest.mark.parametrize(
    "changes",
    [{"t": "Actual {}"}, {"i": "seen {}"}, {"t": "so", "i": "so"}, {"t": "given", "i": "given"}],
)
def test_a_column_of_data_whose_label_names_nothing_is_known_by_its_readers(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    made = HandMade(header=relabelled(changes), cells={"B9": 0.3, "D9": 0.3, "C9": 0.7})
    report = check(made, tmp_path)
    [table] = report.tables
    assert (report.verdict, table.cells.not_checked, table.understood.unknown) == ("pass", 0, {})
    assert {finding.kind for finding in report.faults} == {"odd-start"}
    assert [table.understood.columns[symbol] for symbol in ("t1", "t2", "i1", "i2")] == [*"BCDE"]
    made.formulas |= {"E2": "=0.5*(B6-U6)^2", "∂E/∂w4": FORMULAS["∂E/∂w3"]}
    found = [f.quantity for f in check(made, tmp_path).faults if f.kind != "odd-start"]
    assert found == ["E2", "∂E/∂w4"]


def test_targets_whose_labels_name_nothing_belong_to_the_outputs_whose_losses_read_them(
    tmp_path: Path,
) -> None:
    swapped = {s: f.replace("B6", "#").replace("C6", "B6").replace("#", "C6")
               for s, f in FORMULAS.items() if not f.startswith("=1/")}  # fmt: skip
    made = HandMade({**FORMULAS, **swapped}, {"B9": 0.3}, header=relabelled({"t": "Actual {}"}))
    report = check(made, tmp_path)
    assert report.verdict == "pass"
    assert report.tables[0].understood.columns["t1"] == "C"


@pytest.mark.parametrize(
    "labels", [("b_h1", "b_h2"), ("Bias h", "Bias o"), ("offset", "another"), ("b1", "b2")]
)
def test_a_bias_is_a_column_whatever_it_is_called(tmp_path: Path, labels: tuple[str, str]) -> None:
    columns = (
        {"h1": "AH", "h2": "AI"} if labels[0] != "Bias h" else dict.fromkeys(("h1", "h2"), "AH")
    )
    columns |= dict.fromkeys(("o1", "o2"), "AI") if labels[0] == "Bias h" else {}
    biased = {unit: f"{FORMULAS[unit]}+{column}6" for unit, column in columns.items()}
    cells: dict[str, object] = dict(zip(("AH5", "AI5"), labels, strict=True))
    cells |= {f"AH{row}": 0.1 + row / 50 for row in range(6, 26)}
    cells |= {f"AI{row}": 0.5 - row / 90 for row in range(6, 26)}
    report = check(HandMade({**FORMULAS, **biased}, cells), tmp_path)
    assert {finding.kind for finding in report.faults} <= {"odd-start"}
    assert report.tables[0].understood.columns["b2"] == "AI"
    wrong = {**FORMULAS, **biased, "h2": biased["h2"].replace("+A", "-A")}
    found = check(HandMade(wrong, cells), tmp_path).faults
    assert [f.quantity for f in found if f.kind != "odd-start"] == ["h2"]


def test_trained_biases_of_units_are_numbered_by_layer(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AH5": "b_o2", "AI5": "∂E/∂b_o2", "AJ5": "b_o1", "AK5": "∂E/∂b_o1"}
    cells |= {"AH6": 0.3, "AJ6": 0.2}
    for row in range(6, 26):
        cells |= {f"AI{row}": f"=(U{row}-C{row})*U{row}*(1-U{row})"}
        cells |= {f"AK{row}": f"=(S{row}-B{row})*S{row}*(1-S{row})"}
        if row > 6:
            cells |= {f"AH{row}": f"=AH{row - 1}-$D$2*AI{row - 1}"}
            cells |= {f"AJ{row}": f"=AJ{row - 1}-$D$2*AK{row - 1}"}
    biased = {**FORMULAS, "o1": FORMULAS["o1"] + "+AJ6", "o2": FORMULAS["o2"] + "+AH6"}
    report = check(HandMade(biased, cells), tmp_path)
    [table] = report.tables
    assert (report.verdict, report.faults, table.cells.not_checked) == ("pass", [], 0)
    assert [table.understood.columns[s] for s in ("b1", "∂E/∂b1", "b2")] == ["AJ", "AK", "AH"]
    [finding] = check(HandMade(biased, cells | {"AI9": "=AK9"}), tmp_path).faults
    assert (finding.quantity, finding.cells) == ("∂E/∂b2", "AI9")
