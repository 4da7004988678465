"""The report shows everything that was measured, and needs nothing but itself."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from cnn.data import Mnist
from cnn.evaluation import answers
from cnn.metrics import Metrics
from cnn.recipes import RECIPES
from cnn.report import write_report
from cnn.runs import run
from cnn.seeds import SeedResult, Seeds
from cnn.training import Job
from cnn.watchers import Silence


class Page(HTMLParser):
    """Collects what a page refers to and whether its tags close."""

    VOID = ("meta", "img", "br", "link", "input", "hr")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.alternatives: list[str | None] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href"):
                self.sources.append(value or "")
        if tag == "img":
            self.alternatives.append(dict(attrs).get("alt"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def finished(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Metrics, Mnist]:
    folder = tmp_path_factory.mktemp("run")
    data = Mnist(mnist.training[:2_000], mnist.validation[:1_000])
    job = Job("tiny", replace(RECIPES["tiny"], epochs=2), 0, "cpu", 1)
    return folder, run(job, data, folder, Silence(), resume=False), data


def test_the_page_is_whole_in_itself(finished: tuple[Path, Metrics, Mnist]) -> None:
    folder, metrics, _ = finished
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert page.sources
    assert all(source.startswith("data:") for source in page.sources)
    assert all(page.alternatives)
    assert len(page.alternatives) == metrics.final.mistakes + 4


def test_the_page_shows_what_was_measured(finished: tuple[Path, Metrics, Mnist]) -> None:
    folder, metrics, _ = finished
    for name in ("report.html", "report.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert f"{metrics.final.accuracy:.2f} %" in text
        for condition in metrics.conditions:
            assert condition.name in text
        assert text.count("✗ not met") == sum(not c.met for c in metrics.conditions)
        for layer in ("conv1", "pool2", "AdaptiveAvgPool2d", "linear"):
            assert layer in text
        assert "4,466" in text
        assert f"{100 * metrics.final.recall[3]:.2f}" in text  # type: ignore[operator]
        assert "python -m cnn train --model tiny --seed 0 --epochs 2 --threads 1" in text
        assert "Over" not in text


def test_every_mistake_is_shown_with_its_own_picture(
    finished: tuple[Path, Metrics, Mnist],
) -> None:
    folder, metrics, data = finished
    text = (folder / "report.html").read_text(encoding="utf-8")
    shown = re.findall(
        r'png;base64,([^"]+)" alt="a (\d), taken for a (\d)">.*?<span class="soft">(\d+)</span>',
        text,
    )
    assert len(shown) == metrics.final.mistakes
    for picture, truth, said, number in shown:
        image = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))
        assert (255 - image == data.validation.pixels[int(number), 0].numpy()).all()
        assert data.validation.labels[int(number)] == int(truth) != int(said)


def test_the_markdown_s_pictures_are_there_and_are_pictures(
    finished: tuple[Path, Metrics, Mnist],
) -> None:
    folder, metrics, _ = finished
    links = re.findall(r"!\[.+?\]\((.+?)\)", (folder / "report.md").read_text(encoding="utf-8"))
    assert len(links) == 5
    for link in links:
        assert ElementTree.parse(folder / link).getroot().tag.endswith("svg")
    text = (folder / "pictures" / "mistakes.svg").read_text(encoding="utf-8")
    assert text.count(" → ") >= metrics.final.mistakes


def test_tables_in_the_markdown_are_tables(finished: tuple[Path, Metrics, Mnist]) -> None:
    lines = (finished[0] / "report.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("| ---"):
            columns = line.count("|")
            assert lines[number - 1].count("|") == columns
            assert lines[number + 1].count("|") == columns


def test_the_result_over_seeds_is_shown(
    finished: tuple[Path, Metrics, Mnist], tmp_path: Path
) -> None:
    from cnn.checkpoint import load_model

    folder, metrics, data = finished
    _, model = load_model(folder / "model.pt")
    results = [SeedResult(seed=n, accuracy=99.5 + n / 10, seconds=100) for n in range(3)]
    found = Seeds(schema=1, model="tiny", runs=results)
    write_report(metrics, model, data.validation, answers(model, data.validation), found, tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "Over 3 seeds" in text
        assert "99.600" in text
        assert "0.100" in text
