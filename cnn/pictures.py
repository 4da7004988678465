"""The report's pictures, as SVG; each colour has the same meaning in all of them."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from cnn.data import Images, normalised
from cnn.evaluation import ACCURACY, Answers
from cnn.metrics import Metrics
from cnn.model import CLASSES, SIZE
from workbook_tools.package.files import write_text

BLUE, ORANGE, GREY = "#2066a8", "#d1791f", "#8a8f98"
STYLE: Any = {  # matplotlib's type would list every setting
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "svg.fonttype": "none",  # text stays text: searchable and crisp
    "svg.hashsalt": "workbook_tools",  # the same picture gives the same file
}
MISTAKES_A_ROW = 12
SAMPLE, STRONGEST = 1000, 100  # images; patches with the strongest response that are averaged


def svg(figure: Figure) -> str:
    """Return a figure as SVG text."""
    text = StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    return text.getvalue()


def pictures(
    metrics: Metrics, model: nn.Sequential, images: Images, found: Answers
) -> dict[str, str]:
    """Draw every picture of a report: name to SVG text."""
    draw: dict[str, Callable[[], Figure]] = {
        "curves": lambda: curves(metrics),
        "confusion": lambda: confusion_matrix(metrics),
        "calibration": lambda: calibration(metrics),
        "kernels": lambda: kernels(model, images),
        "mistakes": lambda: mistakes(images, found),
    }
    with mpl.rc_context(STYLE):
        return {name: svg(make()) for name, make in draw.items()}


def write(drawn: dict[str, str], folder: Path) -> None:
    """Write each picture as ``folder/NAME.svg``; raises ``InputError`` if that fails."""
    folder.mkdir(exist_ok=True)
    for name, text in drawn.items():
        write_text(folder / f"{name}.svg", text)


def curves(metrics: Metrics) -> Figure:
    """Draw loss, mistakes and learning rate over the epochs."""
    figure = Figure(figsize=(10, 3.1), layout="constrained")
    loss, errors, rate = figure.subplots(1, 3)
    epochs = [row.epoch for row in metrics.epochs]
    for axes, title in ((loss, "loss"), (errors, "mistakes, %"), (rate, "learning rate")):
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel("epoch")
        axes.grid(axis="y", color="#e4e6ea")
        axes.set_xlim(0.5, max(epochs) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for part, colour, label in (
        ("training", ORANGE, "training: moved images, dropout on"),
        ("validation", BLUE, "validation: 10,000 test images"),
    ):
        losses = [getattr(row, f"{part}_loss") for row in metrics.epochs]
        wrong = [100 - getattr(row, f"{part}_accuracy") for row in metrics.epochs]
        loss.semilogy(epochs, losses, color=colour, marker=".")
        errors.semilogy(epochs, wrong, color=colour, marker=".", label=label)
    limit = f"{ACCURACY} % right"
    errors.axhline(100 - ACCURACY, color=GREY, linestyle="--", linewidth=1, label=limit)
    for axes in (loss, errors):
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    rate.plot(epochs, [row.rate for row in metrics.epochs], color=GREY, marker=".")
    rate.set_ylim(bottom=0)
    return figure


def confusion_matrix(metrics: Metrics) -> Figure:
    """Draw how often each digit was taken for each other one."""
    counts = np.array(metrics.final.confusion)
    wrong = np.where(np.eye(CLASSES, dtype=bool), 0, counts)
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, 1.6 * wrong.max()))
    for truth in range(CLASSES):
        for said in range(CLASSES):
            if counts[truth, said]:
                colour = GREY if truth == said else "black"
                axes.text(
                    said, truth, f"{counts[truth, said]}", ha="center", va="center", color=colour,
                    fontsize=8 if truth == said else 10,
                )  # fmt: skip
    axes.set_xticks(range(CLASSES))
    axes.set_yticks(range(CLASSES))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("the network says")
    axes.set_ylabel("it is")
    return figure


def calibration(metrics: Metrics) -> Figure:
    """Draw the network's accuracy against its confidence."""
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    bins = metrics.final.calibration
    sure = [100 * group.confidence for group in bins]
    right = [100 * group.accuracy for group in bins]
    axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1)
    axes.text(52, 54, "as right as it is sure", color=GREY, rotation=45, rotation_mode="anchor")
    axes.plot(sure, right, color=BLUE, marker="o", linewidth=1)
    for x, y, group in zip(sure, right, bins, strict=True):
        axes.annotate(
            f"{group.count:,}", (x, y), xytext=(7, -5), textcoords="offset points",
            color=GREY, fontsize=8, va="top",
        )  # fmt: skip
    low = min(40.0, *sure, *right) - 3
    axes.set_xlim(low, 106)
    axes.set_ylim(low, 103)
    axes.set_xlabel("confidence, mean of the images, %")
    axes.set_ylabel("right, % of them")
    return figure


def kernels(model: nn.Sequential, images: Images) -> Figure:
    """Draw each kernel of the first layer, what it responds to, and its output for a digit."""
    first = next(layer for layer in model if isinstance(layer, nn.Conv2d))
    side, count = first.kernel_size[0], first.out_channels
    sample = normalised(images.pixels[:SAMPLE]).to(first.weight.device)
    with torch.inference_mode():
        responses = F.conv2d(sample, first.weight)
        patches = F.unfold(sample, side)  # (n, side², places)
        digit = model.eval()[:3](sample[:1].clone())[0].cpu().numpy()
    figure = Figure(figsize=(0.62 * count, 1.95))
    figure.subplots_adjust(0, 0, 1, 1, wspace=0.08, hspace=0.08)
    grid = figure.subplots(3, count, squeeze=False)
    limit = first.weight.abs().max().item()
    for k in range(count):
        strongest = responses[:, k].flatten().topk(STRONGEST).indices
        n, place = strongest // patches.shape[2], strongest % patches.shape[2]
        wanted = patches[n, :, place].mean(0).reshape(side, side).cpu().numpy()
        weights = first.weight[k, 0].detach().cpu().numpy()
        _picture(grid[0, k], weights, "RdBu_r", -limit, limit)
        _picture(grid[1, k], wanted, "gray")
        _picture(grid[2, k], digit[k], "magma", 0)
    for row, label in enumerate(("kernel", "looks for", "finds")):
        grid[row, 0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


def mistakes(images: Images, found: Answers) -> Figure:
    """Draw every misclassified image with its digit, the network's answer and its confidence."""
    wrong = found.wrong
    columns = min(MISTAKES_A_ROW, max(1, len(wrong)))
    rows = max(1, -(-len(wrong) // columns))
    wide, high = SIZE + 6, SIZE + 12  # of a cell, in pixels of the images
    sheet = np.zeros((rows * high, columns * wide), dtype=np.uint8)
    figure = Figure(figsize=(0.85 * columns, 1.0 * rows))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for place, number in enumerate(wrong):
        top, left = place // columns * high, place % columns * wide
        sheet[top + 10 : top + 10 + SIZE, left : left + SIZE] = images.pixels[number, 0].numpy()
        what = f"{found.truth[number]} → {found.said[number]}  {found.confidence[number]:.0%}"
        axes.text(left + SIZE / 2, top + 8, what, fontsize=8, ha="center")
    axes.imshow(sheet, cmap="gray_r", vmin=0, vmax=255, interpolation="none")
    return figure


def _picture(
    axes: Axes, values: NDArray[np.floating], colours: str,
    low: float | None = None, high: float | None = None,
) -> None:  # fmt: skip
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
