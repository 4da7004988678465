"""Cuts texts that come from files to a readable length."""


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; a longer one loses its end."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shortened_inside(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; a longer one loses its middle."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[len(text) - half :]}"
