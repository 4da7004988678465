"""Reads labels: which quantity a header or a label names, however its author spelled it.

A label is normalised first (Unicode look-alikes, case, spaces, subscripts, brackets). Then it is
parsed as a word for the kind of quantity (``net``, ``out``, ``error``, ``∂E/∂``) and the unit or
parameter. The symbols are those of ``notation/quantities.py``. An equation names what stands to the
left of its ``=``. If a label as a whole names nothing, a comment in brackets or on the next line is
left out.

Some labels name a quantity only beside others: ``Output 1`` is o1 if there is also an a_o1. They
are *vague*: ``parse_label`` returns a token that begins with ``?`` for ``vague_labels.py``.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from workbook_tools.notation.quantities import (
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
        "Δ": "∆",  # ∆w1 alone is the change of a weight, not a gradient
        **dict.fromkeys("ƞȠɳŋղ", "η"),
        **dict.fromkeys("–—−‐‑‒", "-"),
        **dict.fromkeys("⁄∕÷", "/"),
        **dict(zip("АВЕКМНОРСТХІЅаеосрхуіѕт", "ABEKMHOPCTXISaeocpxyist", strict=True)),  # Cyrillic
    }
)
_TEX = {
    r"\partial": "∂",
    r"\eta": "η",
    r"\delta": "δ",
    r"\sigma": "σ",
    r"\frac": "",
    r"\hat": "hat",
}

_CANONICAL = re.compile(
    r"""
    [tiwbx]\d+ | (a_)?h\d+(_\d+)? | (a_)?o\d+ | E\d+ | E_tot
    | [mv]_[wb]\d+ | e_o\d+ | g_\d+ | max_o | η_k | δ_h\d+(_\d+)? | δ_o\d+ | ∂E/∂[wb]\d+
    | iteration | sample | correct | accuracy | E_mean | E_sum | class
    """,
    re.VERBOSE,
)


VAGUE = "?"  # before a symbol: only if no clearer label beside it names this quantity
ALONE = "?alone "  # before a symbol: only if the network has a single output
HIDDEN, OUTPUT, ACTUAL = "?hidden ", "?output ", "?actual "  # before a number


def _z(match: re.Match[str]) -> str:
    """Return the unit's pre-activation; leading zeros make no difference."""
    if match["h"]:
        return "h" + "_".join(str(int(part)) for part in match["h"].split("_"))
    return f"o{int(match['o'])}"


def _parameter(match: re.Match[str]) -> str:
    """Return a weight or bias; ω and θ stay as they are."""
    letter = match["letter"]
    return f"{letter if letter in 'ωθ' else letter[0]}{match['n']}"


def _weight(match: re.Match[str]) -> str:
    symbol = _parameter(match)
    return symbol if symbol[0] == "w" else VAGUE + symbol


def _gradient(match: re.Match[str]) -> str:
    symbol = _parameter(match)
    return ("" if symbol[0] in "wb" else VAGUE) + gradient_symbol(symbol)


def _bias_of(match: re.Match[str]) -> str:
    """Return the bias of a unit or of a layer, such as ``b_h1``, ``b_o``."""
    layer = "h" if match["h"] is not None else "o"
    return f"b_{layer}{match[layer]}"


_SHORT = r"(?:h(?P<h>\d+(?:_\d+)?)|[o0](?P<o>\d+))"  # a zero is often typed for the letter o
_CELL = "(?:neuron|unit|node)?"
_HIDDEN, _OUTPUT = f"h(?:idden)?{_CELL}", f"(?:[o0]|output|out){_CELL}"
_UNIT = rf"(?:{_HIDDEN}(?P<h>\d+(?:_\d+)?)|{_OUTPUT}(?P<o>\d+))"
_SUM = "(?:net(?:input)?|in|input|sum|weightedsum)"
_OUT = "(?:out|output|act|activation|activated)"
_FUNCTION = "(?:σ|sigma|sigmoid|sig|tanh|relu|softmax)"
_D = "[∂dδ∆]"
_E = "(?:total|tot)?(?:e|err|error|loss|cost|j|l|c|mse|sse)(?:total|tot|t|sum)?"
_NUMBER = r"(?P<n>\d+)"
_WEIGHT = rf"(?P<letter>w|wt|weight|ω|θ){_NUMBER}"
_PARAMETER = rf"(?P<letter>w|wt|weight|ω|θ|b|bias){_NUMBER}"
_BIAS_OF = (
    rf"(?:b|bias)(?:of)?(?:h(?:idden)?{_CELL}(?P<h>\d*(?:_\d+)?)|o(?:ut|utput)?{_CELL}(?P<o>\d*))"
    "(?:layer)?"
)
_GRADIENT = "(?:grad|gradient)"

_Maker = Callable[[re.Match[str]], str]
_RULES: list[tuple[str, _Maker]] = [
    (
        rf"(?:t|target|desired|expected)(?:value|output|out|[o0y])?{_NUMBER}",
        lambda m: f"t{m['n']}",
    ),
    (rf"(?:(?:i|in|inp|input)x?|(?:input)?feature){_NUMBER}", lambda m: f"i{m['n']}"),
    (rf"(?P<letter>[xy]){_NUMBER}", lambda m: f"{m['letter']}{m['n']}"),
    (_WEIGHT, _weight),
    (rf"(?:b|bias){_NUMBER}", lambda m: f"b{m['n']}"),
    (_SHORT, _z),
    (rf"(?:{_SUM}|z|s)(?:of)?{_UNIT}", _z),
    (rf"{_UNIT}{_SUM}", _z),
    (rf"(?:h(?:idden)?{_SUM}(?P<h>\d+)|o(?:utput)?{_SUM}(?P<o>\d+))", _z),
    (rf"(?:a|f|{_OUT}|{_FUNCTION})(?:of)?{_UNIT}", lambda m: f"a_{_z(m)}"),
    (rf"{_UNIT}(?:{_OUT}|{_FUNCTION})", lambda m: f"a_{_z(m)}"),
    (rf"(?:h(?:idden)?{_OUT}(?P<h>\d+)|o(?:utput)?{_OUT}(?P<o>\d+))", lambda m: f"a_{_z(m)}"),
    (rf"{_D}?{_E}/?{_D}{_PARAMETER}", _gradient),
    (rf"(?:(?:{_GRADIENT}|∇)(?:of|e)?|[∂dδ]){_PARAMETER}", _gradient),
    (rf"{_PARAMETER}{_GRADIENT}", _gradient),
    (rf"{_D}{_E}/?{_D}(?:net|z|in)?{_UNIT}", lambda m: delta_symbol(_z(m))),
    (rf"(?:[δ∆]|delta)(?:of)?{_UNIT}", lambda m: delta_symbol(_z(m))),
    (rf"{_UNIT}(?:δ|delta|{_GRADIENT})", lambda m: delta_symbol(_z(m))),
    (
        rf"(?:e|err|error|loss|cost|j)(?:of)?(?:[o0]|out|output)?{_NUMBER}",
        lambda m: f"E{m['n']}",
    ),
    (
        r"(?:e|err|error|loss|cost|j)(?:total|tot|t|sum)?|(?:total|tot|overall|sumof)"
        r"(?:e|err|errors?|loss|losses|cost)",
        lambda m: TOTAL_LOSS,
    ),
    # The rules from here on are vague.
    (rf"(?:ŷ|yhat|haty|pred|predicted|prediction)[oy]?{_NUMBER}", lambda m: f"?a_o{m['n']}"),
    (rf"actual(?:[o0]|out|output){_NUMBER}", lambda m: f"{ACTUAL}{m['n']}"),
    (rf"hidden{_CELL}{_NUMBER}", lambda m: f"{HIDDEN}{m['n']}"),
    (rf"(?:output|out){_CELL}{_NUMBER}", lambda m: f"{OUTPUT}{m['n']}"),
    (r"(?:z|net)(?:(?P<h>\d+)h(?:idden)?|(?P<o>\d+)o(?:utput)?)", lambda m: f"?{_z(m)}"),
    (rf"(?:a|{_OUT})(?:(?P<h>\d+)h(?:idden)?|(?P<o>\d+)o(?:utput)?)", lambda m: f"?a_{_z(m)}"),
    (rf"[lc](?:of)?(?:[o0]|out|output)?{_NUMBER}", lambda m: f"?E{m['n']}"),
    (
        r"[lc]|mse|sse|σ(?:e|errors?|loss)|(?:mean|sumof|total)?squarederrors?",
        lambda m: VAGUE + TOTAL_LOSS,
    ),
    (
        rf"(?:{_D}{_E}|e(?:total|tot|t)?|g){_PARAMETER}",
        lambda m: VAGUE + gradient_symbol(_parameter(m)),
    ),
    (rf"{_GRADIENT}{_NUMBER}", lambda m: VAGUE + gradient_symbol(f"w{m['n']}")),
    (_BIAS_OF, lambda m: VAGUE + _bias_of(m)),
    (
        rf"(?:{_D}?{_E}/?{_D}|(?:{_GRADIENT}|∇)(?:of|e)?|[∂dδ]){_BIAS_OF}",
        lambda m: VAGUE + gradient_symbol(_bias_of(m)),
    ),
]
_NO_NUMBER = re.compile(r"\d{7}")  # too long for a unit or weight: a sheet has 16,384 columns
# All rules as one pattern, each in a group without groups inside.
_ANY_RULE = re.compile(
    "|".join(f"({re.sub(r'[?]P<.+?>', '?:', pattern)})" for pattern, _ in _RULES)
)
# These may be written without their number where there is a single output.
_OF_A_SINGLE_OUTPUT = re.compile(r"\??(?:t1|o1|a_o1|δ_o1|y1)|\?output 1")
# A prime marks a derivative or a next value. The last quote of a label in quotes is not a prime.
_PRIME = re.compile(r"(?!\s*['’]).*\w['′’]\s*(?:[(\d_].*)?", re.DOTALL)
_MINUS = re.compile(r"-[^\s\d]")  # −∂E/∂w1 is not a gradient; the dash of a list is not a minus
_IN_BRACKETS = re.compile(
    r"(?P<symbol>.*\w[)\].]?)\s*[(\[](?P<comment>(?:[^()\[\]]|\([^()]*\))*)[)\]]", re.DOTALL
)
_NEXT_LINE = re.compile(r"(?P<symbol>[^\n]*\w[)\].]?)\s*\n(?P<comment>.*)", re.DOTALL)
# With one of these words a comment makes it another quantity: a next value, change or derivative.
_OTHERWISE = re.compile(
    r"\b(?:new|next|updated?|after|change|diff\w*|deriv\w*|slope|steps?|round\w*|log|ln)\b",
    re.IGNORECASE,
)
_RATE_LABEL = re.compile(
    r"(?:.{0,20}[^a-z])?(?:learning[- _]*rate|l\.?r\.?|eta|η)(?:\s*+\(?\w{0,6}\)?)\s*[=:]*",
    re.DOTALL,
)
_RATE_WORDS = ("rate", "lr", "l.r", "eta", "η")  # a label of the rate has one of them
_SYMBOL_FONT_ETA = re.compile(r"h\s*[=:]?")  # the letter h in the font "Symbol" looks like η
_COUNTER = re.compile(
    r"(iter(ation)?s?|epochs?|steps?|no|nr|number|index|#)[\s.:#]*(no|number)?\.?"
)
_SETTING_LABEL = re.compile(rf"({'|'.join(SETTINGS)})\s*[=:]?|({'|'.join(WORDS)})\s*:")


# A longer text is prose or data, not a label. The right side of an equation does not count, because
# it names every source of a layer, which may be wide.
_LONGEST = 1_000
_LONGEST_SYMBOL = 100  # letters of a squeezed label, without its comment
_REMEMBERED = 50_000  # labels in a cache; sheets repeat the same ones


@lru_cache(maxsize=_REMEMBERED)
def _normalised(label: str) -> str:
    """Return a label with look-alike letters replaced by one; empty if it is too long."""
    if len(label) > _LONGEST:
        label = label[: _LONGEST + 1].partition("=")[0]
    for command, letter in _TEX.items() if "\\" in label else ():
        label = label.replace(command, letter)
    if not label.isascii():
        label = unicodedata.normalize("NFKC", label).translate(_LOOK_ALIKES)
    text = label.strip()
    return text if len(text) <= _LONGEST else ""


_JOINING = dict.fromkeys(map(ord, "()[]{}$\\*,:;'\"^|·"))
_DASHES = dict.fromkeys(map(ord, "_-"))


def _squeezed(text: str) -> str:
    """Return a text in lower case, without spaces, brackets and signs between words."""
    if "." in text:
        text = re.sub(r"\.(?!\d)", "", text)
    text = "".join(text.casefold().translate(_JOINING).split())
    if "_" in text or "-" in text:
        text = re.sub(r"(?<=\d)[_-](?=\d)", "¦", text)  # between layer and unit
        text = text.translate(_DASHES).replace("¦", "_")
    return text


@lru_cache(maxsize=_REMEMBERED)
def parse_symbol(label: str) -> str | None:
    """Return the symbol of the quantity that a header or label names; None if it names none.

    ``∂E_total/∂w₅``, ``dE/dW5`` and ``E∂w5`` are all ``∂E/∂w5``. ``x1`` and ``y1`` are returned
    as they are: what they mean depends on the labels beside them.
    """
    symbol = _parsed(_normalised(label))
    return None if symbol is None or symbol.startswith(VAGUE) else symbol


@lru_cache(maxsize=_REMEMBERED)
def parse_label(label: str) -> str | None:
    """Return a label's symbol; for a vague label a token for ``vague_labels.resolved``."""
    text = _normalised(label)
    if symbol := _parsed(text):
        return symbol
    if _MINUS.match(text):
        return None
    squeezed = _squeezed(text.split("=")[0])
    if re.search(r"[^\W\d_]", squeezed) and not re.search(r"\d", squeezed):
        symbol = _by_rules(f"{squeezed}1")
        if symbol and _OF_A_SINGLE_OUTPUT.fullmatch(symbol):
            return ALONE + symbol.removeprefix(VAGUE)
    return _without_comment(text)


def _parsed(text: str) -> str | None:
    if _NO_NUMBER.search(text.split("=")[0]):
        return None
    if _COUNTER.fullmatch(text.casefold()):
        return ITERATION
    if exact := _CANONICAL.fullmatch(re.sub(r"\s", "", text)):
        return exact[0]
    left = text.split("=")[0]
    if _PRIME.fullmatch(left) or _MINUS.match(left):
        return None
    return _by_rules(_squeezed(left))


def _by_rules(squeezed: str) -> str | None:
    found = _ANY_RULE.fullmatch(squeezed) if len(squeezed) <= _LONGEST_SYMBOL else None
    if not found or not found.lastindex:
        return None
    pattern, symbol = _RULES[found.lastindex - 1]
    match = re.fullmatch(pattern, squeezed)
    return symbol(match) if match else None


def _without_comment(text: str) -> str | None:
    """Return what a label names before its comment, as a vague token."""
    for pattern, may_match in (
        (_IN_BRACKETS, text.endswith((")", "]"))),
        (_NEXT_LINE, "\n" in text),
    ):
        match = pattern.fullmatch(text) if may_match else None
        if not match or _OTHERWISE.search(match["comment"]):
            continue
        before = _squeezed(match["symbol"])
        if before in _squeezed(match["comment"]) and re.search(r"\d", before):
            continue  # a_h1 (1 − a_h1) is a product, not a comment
        if symbol := parse_label(match["symbol"]):
            return symbol if symbol.startswith(VAGUE) else VAGUE + symbol
    return None


@lru_cache(maxsize=_REMEMBERED)
def is_rate_label(label: str) -> bool:
    """Tell whether a label, such as ``η =`` or ``Learning rate (eta):``, names the rate."""
    text = _normalised(label).casefold()
    return any(word in text for word in _RATE_WORDS) and bool(_RATE_LABEL.fullmatch(text))


@lru_cache(maxsize=_REMEMBERED)
def may_be_rate_label(label: str) -> bool:
    """Tell whether a label names the learning rate, if the cell beside it is used as one."""
    return is_rate_label(label) or bool(_SYMBOL_FONT_ETA.fullmatch(_normalised(label).casefold()))


@lru_cache(maxsize=_REMEMBERED)
def parse_setting(label: str) -> str | None:
    """Return the one of ``SETTINGS`` or ``WORDS`` that a label such as ``β1 =`` names, or None."""
    match = _SETTING_LABEL.fullmatch(_normalised(label))
    return match[1] or match[2] if match else None
