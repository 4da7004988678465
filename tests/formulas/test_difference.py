import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.formulas.difference import difference


def marked(was: str, should: str) -> tuple[str, str]:
    """Return both with what differs in brackets."""
    sides = difference(was, should)
    before, after = ("".join(f"[{s.text}]" if s.changed else s.text for s in x) for x in sides)
    return before, after


@pytest.mark.parametrize(
    ("was", "should", "before", "after"),
    [
        ("=J6*(1-J6)*D6", "=L6*(1-L6)*D6", "=[J6]*(1-[J6])*D6", "=[L6]*(1-[L6])*D6"),
        ("=E5-D2*X5", "=E5-$D$2*X5", "=E5-[D2]*X5", "=E5-[$D$2]*X5"),
        ("=A1+B1", "=A1+B1*C1", "=A1+B1", "=A1+B1[*C1]"),
        ("=0.5*A1", "=0.25*A1", "=[0.5]*A1", "=[0.25]*A1"),
        ("='LR 1'!$G$3*2", "='LR 2'!$G$3*2", "=['LR 1'!]$G$3*2", "=['LR 2'!]$G$3*2"),
        ('=IF(A1="J6",1)', '=IF(A1="J7",1)', '=IF(A1=["J6"],1)', '=IF(A1=["J7"],1)'),
        ("a_h1·(1 − a_h1)", "a_h2·(1 − a_h2)", "[a_h1]·(1 − [a_h1])", "[a_h2]·(1 − [a_h2])"),
        ("", "=A1", "", "[=A1]"),
    ],
)
def test_what_differs_is_marked_by_whole_names_and_numbers(
    was: str, should: str, before: str, after: str
) -> None:
    assert marked(was, should) == (before, after)


@given(st.text(), st.text())
def test_nothing_of_a_formula_is_lost(was: str, should: str) -> None:
    before, after = difference(was, should)
    assert "".join(span.text for span in before) == was
    assert "".join(span.text for span in after) == should
    assert difference(was, was) == (before := difference(was, was)[0], before)
    assert not any(span.changed for span in before)


@pytest.mark.parametrize("terms", [10, 1_000, 2_000])
def test_long_formulas_are_compared_at_once(terms: int) -> None:
    """Every term differs, or three of them do."""
    was, other = ("=" + "+".join(f"{letter}{k}" for k in range(terms)) for letter in "AB")
    begin = time.process_time()
    for should in (other, was.replace("A3", "B3"), f"={was}", was[:-1], "", was):
        pieces = difference(was, should)
        assert ["".join(piece.text for piece in own) for own in pieces] == [was, should]
        unchanged = ["".join(p.text for p in own if not p.changed) for own in pieces]
        assert unchanged[0] == unchanged[1]
    assert all(not piece.changed for own in difference(was, was) for piece in own)
    assert time.process_time() - begin < 20
