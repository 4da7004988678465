"""The report of a finished run: ``report.html``, a single file, and ``report.md`` for GitHub."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from PIL import Image
from torch import nn

from cnn import pictures
from cnn.data import Images
from cnn.evaluation import Answers
from cnn.metrics import Metrics
from cnn.model import CLASSES, layer_table
from cnn.recipes import CONFIGURATIONS_TRIED
from cnn.seeds import Seeds
from workbook_tools.package.files import write_text

HTML, MARKDOWN, PICTURES = "report.html", "report.md", "pictures"


@dataclass(frozen=True)
class Mistake:
    """A misclassified image, as the HTML report shows it."""

    number: int  # in the test images, from 0
    picture: str  # a data URI
    truth: int
    said: int
    confidence: float


def write_report(
    metrics: Metrics,
    model: nn.Sequential,
    images: Images,
    found: Answers,
    seeds: Seeds | None,
    folder: Path,
) -> None:
    """Write both reports and the pictures into ``folder``.

    ``images`` are the test images, and ``found`` the answers of ``model``. Raises ``InputError``
    if a file cannot be written.
    """
    drawn = pictures.pictures(metrics, model, images, found)
    pictures.write(drawn, folder / PICTURES)
    words = {
        "metrics": metrics,
        "final": metrics.final,
        "layers": layer_table(model),
        "digits": range(CLASSES),
        "mistakes": [_mistake(images, found, int(number)) for number in found.wrong],
        "pictures": {name: _svg_uri(text) for name, text in drawn.items()},
        "seeds": seeds,
        "tried": CONFIGURATIONS_TRIED,
    }
    templates = Environment(
        loader=PackageLoader("cnn"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for name in (HTML, MARKDOWN):
        text = templates.get_template(f"{name}.j2").render(words)
        write_text(folder / name, text)


def _mistake(images: Images, found: Answers, number: int) -> Mistake:
    png = io.BytesIO()
    Image.fromarray(255 - images.pixels[number, 0].numpy()).save(png, format="PNG")
    return Mistake(
        number=number,
        picture=f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}",
        truth=int(found.truth[number]),
        said=int(found.said[number]),
        confidence=float(found.confidence[number]),
    )


def _svg_uri(text: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
