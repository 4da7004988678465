"""Random layers on images."""

from hypothesis import strategies as st


@st.composite
def layers_on_images(
    draw: st.DrawFn, rows: int, columns: int, most_channels: int
) -> tuple[list[int | str], int]:
    """Draw the words for one or two convolutions of an image, with pooling or without.

    Returns them, those for the image first, and how many layers have weights.
    """
    words: list[int | str] = [f"image {rows}x{columns}"]
    convolutions = draw(st.integers(1, 2))
    for _ in range(convolutions):
        kernel = draw(st.integers(1, min(3, rows))), draw(st.integers(1, min(3, columns)))
        channels = draw(st.integers(1, most_channels))
        words.append(f"convolution {kernel[0]}x{kernel[1]} to {channels}")
        rows, columns = rows - kernel[0] + 1, columns - kernel[1] + 1
        windows = [(r, c) for r in (1, 2, 3) for c in (1, 2) if not (rows % r or columns % c)]
        window = draw(st.sampled_from(windows))
        if window != (1, 1):
            kind = draw(st.sampled_from(["max", "average"]))
            words.append(f"{kind} pooling {window[0]}x{window[1]}")
            rows, columns = rows // window[0], columns // window[1]
    return words, convolutions
