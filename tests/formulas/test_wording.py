"""A change of a formula is said in words, and in symbols."""

import pytest
from arithmetic import formulas
from hypothesis import given

from workbook_tools.formulas.tree import parse
from workbook_tools.formulas.wording import ANEW, change_in_words, in_symbols

LONG = "(A1-B1+A1-B1+A1-B1+A1-B1+A1-B1)"
NAMES = {"A1": "t1", "B1": "a_o1", "C1": "w5", "D1": "w6"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("=A1*B1", "=A1*C1", "replace B1 by C1"),
        ("=A1*B1+B1", "=A1*C1+C1", "replace B1 by C1 (twice)"),
        ("=A1*B1", "=A1+B1", "change * to +: A1+B1"),
        ("=A1-B1", "=B1-A1", "swap A1 and B1: B1-A1"),
        ("=A1", "=A1*(1-A1)", "multiply A1 by (1-A1)"),
        ("=A1*C1*B1", "=A1*B1", "remove the factor C1"),
        (
            "=(A31-B31)*A31*(1-A31)*D31*(1-D31)",
            "=(A31-B31)*A31*(1-A31)*D31*(1-D31)*E31",
            "insert *E31 after (1-D31)",
        ),
        ("=A1+C1", "=A1", "remove the term C1"),
        ("=-A1", "=A1", "remove the minus before A1"),
        ("=A1", "=-A1", "change the sign of A1"),
        ("=A1+B1*C1", "=(A1+B1)*C1", "put parentheses around A1+B1"),
        ("=(A1+B1)*C1", "=A1+B1*C1", "remove the parentheses around A1+B1"),
        ("=EXP(A1)", "=TANH(A1)", "change EXP to TANH"),
        ("=A1*D2", "=A1*$D$2", "change D2 to $D$2"),
        ("=0.5*(0.5-A1)", "=0.5*(B1-A1)", "replace the number 0.5 by B1"),
        ("=A1-B1", "=A1-B1*C1", "multiply B1 by C1"),
        ("=A1", "=B1+C1*EXP(D1)", "replace A1 by B1+C1*EXP(D1)"),
        ("=A1+B1+C1", "=A1*2+D1-B1/3", ANEW),
        ("=A1*B1*C1", "=A1*B1+D1*C1", "insert +D1: A1*B1+D1*C1"),
        ("=A1*B1+D1*C1", "=A1*B1*C1", "remove +D1: A1*B1*C1"),
        ("=A1/B1*C1", "=A1-B1*C1", "change / to -: A1-B1*C1"),
        ("=0.5*(A1-B1)*2", "=0.5*(A1-B1)^2", "change * to ^: 0.5*(A1-B1)^2"),
        (None, "=A1", "enter the formula"),
        ("=A1 B1", "=A1", ANEW),
    ],
)
def test_changes_in_words(old: str | None, new: str, words: str) -> None:
    assert change_in_words(old, new) == words


def test_a_formula_that_was_filled_down_is_spoken_of_by_columns() -> None:
    assert change_in_words("=A1*B1", "=A1*C1", filled=True) == "replace B by C"
    assert change_in_words("=A1*B1", "=A1*B2", filled=True) == "replace B1 by B2"


@pytest.mark.parametrize(
    ("old", "new", "symbols"),
    [
        ("(A1-B1)*C1*B1*(1-B1)", "(A1-B1)*D1*B1*(1-B1)", ("w5", "w6")),
        ("(A1-B1)*C1*(1-C1)*B1", "(A1-B1)*D1*(1-D1)*B1", ("w5·(1 − w5)", "w6·(1 − w6)")),
        ("0.5*(A1-B1)^3", "0.5*(A1-B1)^2", ("3", "2")),
        ("A1*B1", "B1*A1", ("t1·a_o1", "a_o1·t1")),
        ("(A1*B1)*C1", "A1*(B1*C1)", ("(t1·a_o1)·w5", "t1·(a_o1·w5)")),
        ("A1*B1*C1", "A1*B1*C1*D1", ("t1·a_o1·w5", "t1·a_o1·w5·w6")),
        (f"{LONG}*B1*C1", f"{LONG}*B1*C1*D1", ("…·w5", "…·w5·w6")),
        ("A1*B1", "C1*A1*B1", ("t1", "w5·t1")),
        (f"{LONG}*B1*D1", f"{LONG}*B1*C1*D1", ("…·a_o1", "…·a_o1·w5")),
    ],
)
def test_only_what_changes_is_shown_in_symbols(
    old: str, new: str, symbols: tuple[str, str]
) -> None:
    assert in_symbols(parse(old), parse(new), NAMES.__getitem__) == symbols


def test_symbols_that_do_not_tell_are_not_shown() -> None:
    assert in_symbols(parse("A1"), parse("A2"), lambda text: text[0]) is None


@given(formulas(), formulas())
def test_any_change_can_be_said(old: str, new: str) -> None:
    assert change_in_words(f"={old}", f"={new}")
    in_symbols(parse(old), parse(new), lambda text: text)
