"""Texts that come from files, as long as a person reads them."""


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters, its end left out if it has more."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shortened_inside(text: str, most: int) -> str:
    """Return a text of at most so many letters, its middle left out if it has more."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[len(text) - half :]}"
