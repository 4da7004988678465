"""Texts for people: no longer than a person reads, nouns after a number; and those of numbers."""


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; a longer one loses its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shortened_inside(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; a longer one loses its middle."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[len(text) - half :]}"


def counted(number: int, noun: str) -> str:
    """Return a number with what is counted: ``1 cell``, ``2,108 cells``."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return a noun as it stands after a number."""
    return noun if number == 1 else f"{noun}s"


def plain(number: float, digits: int = 4, sign: str = "") -> str:
    """Return a number rounded to some digits, but with all those before its point: ``12,000``.

    ``sign`` is ``+`` if a positive number has one, too. Very large or small ones have an exponent.
    """
    size = abs(number)
    if 10 ** (digits - 1) <= size < 1e12:
        return f"{number:{sign},.0f}"
    if 0 < size < 1e-3 or size >= 1e12:
        mantissa, _, exponent = f"{number:{sign}.{digits - 1}e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{number:{sign}.{digits}g}"


def told_apart(one: float | str, other: float) -> tuple[str, str]:
    """Return two numbers with as many digits as are needed to tell them apart, four at least.

    A text stays as it is.
    """
    if isinstance(one, str):
        return one, f"{other:.4g}"
    texts = f"{one:.4g}", f"{other:.4g}"
    for digits in range(5, 18):
        if texts[0] != texts[1]:
            break
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
    return texts


def is_number(text: str) -> bool:
    """Tell whether a text is that of a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
