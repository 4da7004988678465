"""The notes on the sheets: what each layer does, forward and backward."""

from cnn.workbook.network import (
    AveragePool,
    Convolution,
    Flatten,
    GlobalAverage,
    Layer,
    Linear,
    MaxPool,
    Network,
    ReLU,
)

TITLES: dict[type, str] = {
    Convolution: "convolution",
    ReLU: "ReLU",
    MaxPool: "max pooling",
    AveragePool: "average pooling",
    GlobalAverage: "global average pooling",
    Flatten: "all cells in a row",
    Linear: "fully connected layer",
}


def note(layer: Layer, network: Network) -> str:
    """Return how a layer's cells are computed, in words."""
    match layer.operation:
        case Convolution(kernels, _, padding):
            height, width = kernels.shape[2:]
            said = (
                f"Each cell: the {height} × {width} window of every map before it times the kernel "
                "that leads from there (SUMPRODUCT), added up, plus the bias."
            )
            if any(padding):
                said += " The hatched zeros around those maps are the padding."
        case ReLU():
            return "What is below 0 becomes 0; the rest stays."
        case MaxPool():
            return "Of each window the largest number stays."
        case AveragePool():
            return "Of each window the mean stays."
        case GlobalAverage():
            return "Of each map one number stays: the mean of its cells."
        case Flatten():
            return "The cells of all maps, one after another."
        case Linear():
            said = "Each score: every number times its weight, added up, plus the bias."
            if network.dropouts:
                said += f" (Dropout, {', '.join(network.dropouts)}, is only at work in training.)"
    folded = [name for name in layer.modules if name in network.folded]
    if folded:
        said += f" Batch normalisation ({', '.join(folded)}) is folded into both."
    return said


def back_note(consumer: Layer) -> str:
    """Return how the gradient is passed back through a layer, in words."""
    match consumer.operation:
        case Convolution():
            return (
                f"Back through {consumer.name}: each cell is the window of every gradient map "
                "times the kernel turned by 180°, added up: it hears of every cell it helped to "
                "make."
            )
        case ReLU():
            return (
                f"Back through {consumer.name}: the gradient passes where the number is above 0; "
                "elsewhere it is 0."
            )
        case MaxPool():
            return (
                f"Back through {consumer.name}: the largest cell of each window gets the gradient, "
                "the others 0. Of several that are the largest it is the first in reading order, "
                "as in PyTorch."
            )
        case AveragePool() | GlobalAverage():
            return f"Back through {consumer.name}: every cell of a mean gets an equal part."
        case Flatten():
            return f"Back through {consumer.name}: each number goes to its cell."
        case Linear():
            return (
                f"Back through {consumer.name}: each gradient times the weight that leads to it, "
                "added up."
            )
