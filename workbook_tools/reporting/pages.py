"""Renders web pages from templates. All that is filled in is escaped; symbols are typeset."""

import re
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from workbook_tools.texts import counted, plural, shortened, shortened_inside

_SMALLEST = 1e-5  # relative size: of a smaller one the page says "less than"
_LONGEST = 2_000  # characters of a text that is filled in
_LONGEST_NAME = 60
# A name with a subscript (a_h1, E_tot, h2_1), or a letter with a number (w3).
# In ∂E32/∂B25 and ∂J1/∂E1, E32 and E1 are cells.
_SYMBOL = re.compile(
    r"(?<![\w&#!$])(max|[A-Za-zδ])_(\w+)"
    r"|(?<![\w&#!$])([wbithox]|(?<!/∂)E)(\d+(?:_\d+)?)(?!\w|/∂[A-Z])"
)


def render(template: str, **words: Any) -> str:
    """Return a page; ``words`` are the variables of its template."""
    return prepared(template).render(words) + "\n"


def prepared(template: str) -> Template:
    """Return a template; it is compiled only once."""
    return _templates().get_template(template)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("workbook_tools.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_of_bounded_length,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "typeset": typeset,
        "in_short": partial(shortened, most=_LONGEST_NAME),
        "breakable": breakable,
        "counted": counted,
        "plural": plural,
        "percent": percent,
    }
    return environment


def _of_bounded_length(value: object) -> object:
    """Return a value to be filled in; a long text, which may come from a workbook, is cut."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return shortened(str(value), _LONGEST) if is_text else value


def typeset(symbols: str) -> Markup:
    """Return symbols with subscripts: the 3 of w3, the h1 of a_h1."""

    def lowered(match: re.Match[str]) -> str:
        below = (match[2] or match[4]).replace("_", ",")
        return f"<var>{match[1] or match[3]}</var><sub>{below}</sub>"

    return Markup(_SYMBOL.sub(lowered, str(escape(symbols))))  # escaped first; then tags are added


def breakable(formula: str) -> Markup:
    """Return a formula in which a line may break after an operator."""
    pieces = re.split(r"(?<=[-+*/^,;(=&])(?!$)", shortened_inside(formula, _LONGEST))
    return Markup("<wbr>").join(pieces)


def percent(part: float) -> str:
    """Return a relative size in words: ``25 %``, ``0.026 %``."""
    if abs(part) < _SMALLEST:
        return f"less than {100 * _SMALLEST:g} %"
    return f"{100 * part:,.0f} %" if abs(part) >= 1 else f"{100 * part:.2g} %"
