import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.cell import range_boundaries

from workbook_tools.formulas.references import (
    Area,
    FilledFormula,
    areas,
    forwards,
    with_areas,
    with_references,
    with_sheets,
    without_spaces,
)
from workbook_tools.notation.addresses import (
    MAX_COLUMNS,
    column_letter,
    column_number,
    range_name,
    sheet_prefix,
)

cells = st.builds(
    lambda fix_column, column, fix_row, row: (
        f"{'$' * fix_column}{get_column_letter(column)}{'$' * fix_row}{row}"
    ),
    st.booleans(),
    st.integers(1, 16_384),
    st.booleans(),
    st.integers(50, 1_000),
)
operands = st.one_of(
    cells,
    st.builds(lambda c: f"EXP(-{c})", cells),
    st.builds(lambda c: f"'LR 0.1'!{c}", cells),
    st.builds(lambda a, b: f"SUM({a}:{b})", cells, cells),
    st.sampled_from(['"A1"', "0.5", "LOG10(2)", "Overview!$C$14", "{1,2}"]),
)
formulas = st.lists(operands, min_size=1, max_size=6).map(lambda terms: "=" + "+".join(terms))


@given(st.integers(1, 16_384))
def test_columns_are_lettered_as_openpyxl_letters_them(column: int) -> None:
    assert column_letter(column) == get_column_letter(column)
    assert column_number(column_letter(column)) == column_index_from_string(column_letter(column))


@given(formulas, st.integers(-49, 500))
def test_filling_down_shifts_references_as_openpyxl_does(formula: str, distance: int) -> None:
    filled = FilledFormula.parse(formula, 50)
    expected = Translator(formula, "ZZ50").translate_formula(f"ZZ{50 + distance}")
    assert filled.at(50 + distance) == expected


@given(formulas, st.integers(1, 500))
def test_a_formula_filled_down_is_the_same_filled_formula(formula: str, distance: int) -> None:
    filled = FilledFormula.parse(formula, 50)
    assert FilledFormula.parse(filled.at(50 + distance), 50 + distance) == filled


def test_an_anchored_row_makes_another_formula() -> None:
    assert FilledFormula.parse("=E32-G30*X32", 33) != FilledFormula.parse("=E32-$G$30*X32", 33)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("=A1+$B$2", [Area(None, 1, 1, 1, 1), Area(None, 2, 2, 2, 2)]),
        ("='LR 0.1'!W32", [Area("LR 0.1", 32, 23, 32, 23)]),
        ("=Overview!$C$14+C1", [Area("Overview", 14, 3, 14, 3), Area(None, 1, 3, 1, 3)]),
        ("=SUM('it''s'!A1:B2)", [Area("it's", 1, 1, 2, 2)]),
        ("=SUM(B9:A2)", [Area(None, 2, 1, 9, 2)]),
        ('="A1"&LOG10(2)', []),
    ],
)
def test_the_cells_and_ranges_of_a_formula_are_named(formula: str, expected: list[Area]) -> None:
    assert areas(formula) == tuple(expected)


@given(formulas)
def test_a_range_that_runs_backwards_is_turned_around(formula: str) -> None:
    text = forwards(formula)
    assert areas(text) == areas(formula)
    assert forwards(text) == text
    for first, last in re.findall(r"([$A-Z0-9]+):([$A-Z0-9]+)", text):
        left, top, right, bottom = range_boundaries(f"{first}:{last}")
        assert (left, top) == (min(left, right), min(top, bottom))
    if ":" not in formula:
        assert text == formula


def test_anchors_go_with_the_row_or_column_they_hold() -> None:
    assert forwards("=SUM($B10:A$8)+T!D9:C1") == "=SUM(A$8:$B10)+T!C1:D9"
    assert forwards('="B2:A1"&SUM(B1:A2,C3)') == '="B2:A1"&SUM(A1:B2,C3)'


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["'", '"', "a", "A:", "1:", "$", "'!", "B:A ", "a!", "x.", "''a"])
def test_formulas_of_any_length_are_read_in_linear_time(piece: str) -> None:
    formula = "=:!" + piece * 100_000
    with_sheets(formula, lambda name: name)


@given(formulas, st.integers(-49, 500), st.integers(0, 5))
def test_areas_that_are_moved_are_moved_as_openpyxl_does_it(
    formula: str, down: int, right: int
) -> None:
    bare = forwards(formula.replace("$", ""))  # openpyxl leaves what runs backwards as it is
    assume(all(area.last_column + right <= MAX_COLUMNS for area in areas(bare)))

    def moved(area: Area) -> Area:
        rows = area.first_row + down, area.last_row + down
        columns = area.first_column + right, area.last_column + right
        return Area(area.sheet, rows[0], columns[0], rows[1], columns[1])

    expected = Translator(bare, "A50").translate_formula(
        f"{get_column_letter(1 + right)}{50 + down}"
    )
    assert with_areas(bare, moved) == expected


def test_anchors_and_sheets_stay_where_areas_are_moved() -> None:
    def moved(area: Area) -> Area:
        return Area(None, 9, 3, 9 + area.last_row - area.first_row, 3)

    text = with_areas("=SUM('a b'!$A$1:A$4)*B2+T!$C5&\"A1\"", moved)
    assert text == "=SUM('a b'!$C$9:C$12)*C9+T!$C9&\"A1\""


def test_a_range_of_one_cell_is_named_without_a_colon() -> None:
    assert range_name(32, 26, 99, 26) == "Z32:Z99"
    assert range_name(32, 26, 32, 26) == "Z32"


@pytest.mark.parametrize(
    ("sheet", "prefix"),
    [
        ("it's", "'it''s'!"), ("LR 0.1", "'LR 0.1'!"), ("Data", "Data!"), ("Übung_1", "Übung_1!"),
        ("LR1", "'LR1'!"), ("R1C1", "'R1C1'!"), ("rc", "'rc'!"), ("2nd", "'2nd'!"),
        ("true", "'true'!"), ("", "''!"),
    ],
)  # fmt: skip
def test_a_sheet_name_is_quoted_where_it_must_be(sheet: str, prefix: str) -> None:
    assert sheet_prefix(sheet) == prefix


@given(formulas)
def test_cells_that_are_replaced_are_those_that_are_named(formula: str) -> None:
    seen: list[tuple[str | None, int, int]] = []

    def note(sheet: str | None, row: int, column: int) -> str:
        seen.append((sheet, row, column))
        return f"[{len(seen)}]"

    text = with_references(formula, note)
    corners = [
        (area.sheet, *corner)
        for area in areas(formula)
        for corner in sorted(
            {(area.first_row, area.first_column), (area.last_row, area.last_column)}
        )
    ]
    if ":" not in formula:  # the corners of a range may be told in another order
        assert seen == corners
    assert areas(text) == ()


def test_a_cell_is_replaced_with_its_sheet_and_anchors() -> None:
    formula = "='it''s'!$A$1*B2+\"C3\"&LOG10(D4)"
    text = with_references(formula, lambda sheet, row, column: f"<{sheet} {row} {column}>")
    assert text == '=<it\'s 1 1>*<None 2 2>+"C3"&LOG10(<None 4 4>)'


def test_what_tables_and_columns_are_called_is_no_reference() -> None:
    formula = "=Gone[w1]+B2+Gone[[#This Row],[a'[B3]]*[@C4]+[1]Two!D5"
    assert [area.first_column for area in areas(formula)] == [2, 4]
    assert FilledFormula.parse(formula, 2).offsets == (0, 3)
    assert without_spaces("= Gone[[a  -  b]] * [@ c ] ") == "=Gone[[a  -  b]]*[@ c ]"


@pytest.mark.parametrize("unit", ["['", "[a", "[[a]", "'["])
def test_no_brackets_take_long(unit: str) -> None:
    """Quadratic time would be minutes."""
    begun = time.perf_counter()
    without_spaces(unit * 100_000 + " ")
    FilledFormula.parse(unit * 4_000, 1)
    areas(unit * 4_000)
    assert time.perf_counter() - begun < 10
