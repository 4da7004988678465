"""Reads labels: which quantity a header or a label names, however its author spelled it.

A label is levelled first (Unicode look-alikes, case, spaces, subscripts, brackets), then parsed:
a word for what it is (``net``, ``out``, ``error``, ``∂E/∂``) and the unit or parameter it is of.
The symbols are those of ``notation.py``. An equation names what stands left of its ``=``.
"""

import re
import unicodedata
from collections.abc import Callable

from workbook_tools.notation import (
    ITERATION,
    SETTINGS,
    TOTAL_LOSS,
    WORDS,
    delta_symbol,
    gradient_symbol,
)

_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("ðđəәд", "∂"),
        "Δ": "∆",  # of a weight alone it is its change, no gradient
        **dict.fromkeys("ƞȠɳŋղ", "η"),
        **dict.fromkeys("–—−‐‑‒", "-"),
        **dict.fromkeys("⁄∕÷", "/"),
    }
)
_TEX = {r"\partial": "∂", r"\eta": "η", r"\delta": "δ", r"\sigma": "σ", r"\frac": "", r"\hat": ""}

_CANONICAL = re.compile(
    r"""
    [tiwbx]\d+ | (a_)?h\d+(_\d+)? | (a_)?o\d+ | E\d+ | E_tot
    | [mv]_[wb]\d+ | e_o\d+ | g_\d+ | max_o | η_k | δ_h\d+(_\d+)? | δ_o\d+ | ∂E/∂[wb]\d+
    | iteration | sample | correct | accuracy | E_mean | E_sum | class
    """,
    re.VERBOSE,
)


def _z(match: re.Match[str]) -> str:
    """Return the unit's pre-activation; a leading zero is no other unit."""
    if match["h"]:
        return "h" + "_".join(str(int(part)) for part in match["h"].split("_"))
    return f"o{int(match['o'])}"


_SHORT = r"(?:h(?P<h>\d+(?:_\d+)?)|[o0](?P<o>\d+))"  # a zero is often typed for the letter o
_UNIT = r"(?:h(?:idden)?(?P<h>\d+(?:_\d+)?)|(?:[o0]|output|out)(?P<o>\d+))"
_D, _E = "[∂dδ∆]", r"(?:total|tot)?(?:e|err|error|loss|cost|j)(?:total|tot|t|sum)?"
_NUMBER = r"(?P<n>\d+)"

_Maker = Callable[[re.Match[str]], str]
_RULES: list[tuple[re.Pattern[str], _Maker]] = [
    (re.compile(pattern), make)
    for pattern, make in (
        (rf"(?:t|target|desired|expected)[o0y]?{_NUMBER}", lambda m: f"t{m['n']}"),
        (rf"(?:i|in|inp|input){_NUMBER}", lambda m: f"i{m['n']}"),
        (rf"(?P<letter>[xy]){_NUMBER}", lambda m: f"{m['letter']}{m['n']}"),
        (rf"(?:w|wt|weight){_NUMBER}", lambda m: f"w{m['n']}"),
        (rf"(?:b|bias){_NUMBER}", lambda m: f"b{m['n']}"),
        (_SHORT, _z),
        (rf"(?:net|z|in|input|sum|s)(?:of)?{_UNIT}", _z),
        (
            r"(?:a|act|activation|activated|out|output|σ|sigma|sigmoid|sig|f|tanh|relu|softmax)"
            rf"(?:of)?{_UNIT}",
            lambda m: f"a_{_z(m)}",
        ),
        (rf"{_UNIT}(?:out|output|act|activation|activated)", lambda m: f"a_{_z(m)}"),
        (rf"{_D}?{_E}/?{_D}(?:w|wt|weight){_NUMBER}", lambda m: gradient_symbol(f"w{m['n']}")),
        (rf"{_D}?{_E}/?{_D}(?:b|bias){_NUMBER}", lambda m: gradient_symbol(f"b{m['n']}")),
        (
            rf"(?:(?:grad|gradient|∇)(?:of|e)?|[∂dδ])(?:w|weight){_NUMBER}",
            lambda m: gradient_symbol(f"w{m['n']}"),
        ),
        (
            rf"(?:(?:grad|gradient|∇)(?:of|e)?|[∂dδ])(?:b|bias){_NUMBER}",
            lambda m: gradient_symbol(f"b{m['n']}"),
        ),
        (rf"{_D}{_E}/?{_D}(?:net|z|in)?{_UNIT}", lambda m: delta_symbol(_z(m))),
        (rf"(?:[δ∆]|delta)(?:of)?{_UNIT}", lambda m: delta_symbol(_z(m))),
        (
            rf"(?:e|err|error|loss|cost|j)(?:of)?(?:[o0]|out|output)?{_NUMBER}",
            lambda m: f"E{m['n']}",
        ),
        (
            r"(?:e|err|error|loss|cost|j)(?:total|tot|t|sum)?|(?:total|tot|overall|sumof)"
            r"(?:e|err|errors?|loss|losses|cost)",
            lambda m: TOTAL_LOSS,
        ),
    )
]
_RATE_LABEL = re.compile(
    r"(?:.{0,20}[^a-z])?(?:learning[- _]*rate|l\.?r\.?|eta|η)(?:\s*\(?\w{0,6}\)?)\s*[=:]*",
    re.DOTALL,
)
_SYMBOL_FONT_ETA = re.compile(r"h\s*[=:]?")  # the letter h in the font "Symbol" looks like η
_COUNTER = re.compile(
    r"(iter(ation)?s?|epochs?|steps?|no|nr|number|index|#)[\s.:#]*(no|number)?\.?"
)
_SETTING_LABEL = re.compile(rf"({'|'.join(SETTINGS)})\s*[=:]?|({'|'.join(WORDS)})\s*:")


def _normalised(label: str) -> str:
    for command, letter in _TEX.items():
        label = label.replace(command, letter)
    return unicodedata.normalize("NFKC", label).translate(_LOOK_ALIKES).strip()


def _levelled(text: str) -> str:
    """Return a text in small letters, without spaces, brackets and what joins words."""
    text = re.sub(r"[\s()\[\]{}$\\*,:;'\"^|·]", "", text.casefold())
    text = re.sub(r"(?<=\d)[_-](?=\d)", "¦", text)  # between layer and unit
    return re.sub(r"[_-]", "", text).replace("¦", "_")


def parse_symbol(label: str) -> str | None:
    """Return the canonical symbol that a header or label spells, or None if it is none.

    ``∂E_total/∂w₅``, ``dE/dW5`` and ``E∂w5`` are all ``∂E/∂w5``. ``x1`` and ``y1`` are returned
    as they are: what they mean depends on what stands beside them.
    """
    text = _normalised(label)
    if _COUNTER.fullmatch(text.casefold()):
        return ITERATION
    if exact := _CANONICAL.fullmatch(re.sub(r"\s", "", text)):
        return exact[0]
    levelled = _levelled(text.split("=")[0])
    for rule, symbol in _RULES:
        if match := rule.fullmatch(levelled):
            return symbol(match)
    return None


def is_rate_label(label: str) -> bool:
    """Tell whether a label, such as ``η =`` or ``Learning rate (eta):``, names the rate."""
    text = _normalised(label).casefold()
    return _RATE_LABEL.fullmatch(text) is not None


def may_be_rate_label(label: str) -> bool:
    """Tell whether a label names the learning rate if what it stands beside is used as one."""
    return is_rate_label(label) or bool(_SYMBOL_FONT_ETA.fullmatch(_normalised(label).casefold()))


def parse_setting(label: str) -> str | None:
    """Return which of ``SETTINGS`` or ``WORDS`` a label, such as ``β1 =``, names; None if none."""
    match = _SETTING_LABEL.fullmatch(_normalised(label))
    return match[1] or match[2] if match else None
