"""``workbook-tools new``: print a commented spec to start from."""

from pathlib import Path
from typing import Annotated

import typer

from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.options import Debug
from workbook_tools.errors import one_line_errors
from workbook_tools.notation.vocabulary import Loss, Optimizer
from workbook_tools.package.places import refuse_conflicts


def new(
    layers: Annotated[
        str,
        typer.Argument(
            metavar="LAYERS",
            help='Units by layer: 4-6-3. On images: "image 8x8, convolution 3x3 to 2, 10".',
        ),
    ],
    activation: Annotated[
        str,
        typer.Option(metavar="A,B", help="For each layer with weights. Default: by the loss."),
    ] = "",
    loss: Annotated[Loss, typer.Option(help="The loss to minimise.")] = (Loss.HALF_SQUARED_ERROR),
    optimizer: Annotated[
        Optimizer, typer.Option(help="How weights are updated.")
    ] = Optimizer.GRADIENT_DESCENT,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Samples; the first row names the columns."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Print a commented spec to start from."""
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.spec.new import Wish, new_spec

        refuse_conflicts([data] if data else [], [])  # stdout may be redirected to the data
        activations = [word.strip() for word in activation.split(",") if word.strip()]
        typer.echo(new_spec(Wish(layers, activations, loss, optimizer, data)), nl=False)
