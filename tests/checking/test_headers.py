"""Vague labels are decided by what stands beside them, or are no quantity."""

from pathlib import Path

import pytest
from handmade import FORMULAS, HEADER, HandMade

from workbook_tools.checking.findings import Report
from workbook_tools.checking.headers import resolved
from workbook_tools.checking.labels import parse_label
from workbook_tools.checking.verify import verify


def check(made: HandMade, folder: Path) -> Report:
    return verify(made.save(folder / "made.xlsx"))


def read(header: str) -> str:
    """Return what labels, with ``|`` between them, name; - where nothing."""
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
    assert (report.verdict, report.findings, table.cells.not_checked) == ("pass", [], 0)
    assert list(table.understood.columns) == HEADER
    wrong = {"∂E/∂w3": FORMULAS["∂E/∂w4"], "h2": "=H6*D6-I6*E6"}
    found = check(HandMade({**FORMULAS, **wrong}, header=made.header), tmp_path).findings
    assert [finding.quantity for finding in found] == ["h2", "∂E/∂w3"]


def test_what_no_smaller_network_has_is_not_read_as_one(tmp_path: Path) -> None:
    made = HandMade(header=relabelled({"h": "first stage {}"}))
    report = check(made, tmp_path)
    [table] = report.tables
    assert (report.verdict, report.findings, table.cells.checked) == ("unchecked", [], 0)
    [why] = table.cells.reasons
    assert why.startswith("a_h1, a_h2, w5, w6, w7, w8")
    assert "'first stage 1'" in why
