"""Web pages of templates: everything that is filled in is escaped, numbers and symbols typeset."""

import re
from functools import cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from workbook_tools.judging.findings import counted, plural
from workbook_tools.shortening import shortened, shortened_inside

_SMALLEST = 1e-5  # relative size that is told exactly
_LONGEST = 2_000  # letters of what is filled in
_LONGEST_NAME = 60
# A name with what stands below the line (a_h1, E_tot, h2_1), or a letter and its number (w3).
_SYMBOL = re.compile(
    r"(?<![\w&#!$])(max|[A-Za-zδ])_(\w+)|(?<![\w&#!$])([wbithoxE])(\d+(?:_\d+)?)(?!\w)"
)


def render(template: str, **words: Any) -> str:
    """Return a page; ``words`` are what its template names."""
    return _templates().get_template(template).render(words) + "\n"


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
    """Return what is filled in; a text from a workbook has an end."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return shortened(str(value), _LONGEST) if is_text else value


def typeset(symbols: str) -> Markup:
    """Return symbols as they are printed: w3 with its 3 below the line, a_h1 with its h1."""

    def lowered(match: re.Match[str]) -> str:
        below = (match[2] or match[4]).replace("_", ",")
        return f"<var>{match[1] or match[3]}</var><sub>{below}</sub>"

    return Markup(_SYMBOL.sub(lowered, str(escape(symbols))))  # escaped before, and only tags added


def breakable(formula: str) -> Markup:
    """Return a formula that may go on in another line, after an operator."""
    pieces = re.split(r"(?<=[-+*/^,;(=&])(?!$)", shortened_inside(formula, _LONGEST))
    return Markup("<wbr>").join(pieces)


def percent(part: float) -> str:
    """Return a relative size in words: ``25 %``, ``0.026 %``."""
    if abs(part) < _SMALLEST:
        return f"less than {100 * _SMALLEST:g} %"
    return f"{100 * part:,.0f} %" if abs(part) >= 1 else f"{100 * part:.2g} %"
