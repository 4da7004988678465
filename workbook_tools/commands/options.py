"""Arguments and options that several commands take."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from workbook_tools.engines import DEFAULT, ENGINES

Engine = StrEnum("Engine", {name: name for name in ENGINES})  # type: ignore[misc]
DEFAULT_ENGINE = Engine(DEFAULT)


def _place(text: str) -> Path:
    if not text:  # Path("") would be the current folder
        raise typer.BadParameter("an empty name; give a workbook")
    return Path(text)


Workbook = Annotated[
    Path,
    typer.Argument(metavar="WORKBOOK.xlsx", show_default=False, parser=_place),
]
Workbooks = Annotated[
    list[Path],
    typer.Argument(metavar="WORKBOOK.xlsx...", show_default=False, parser=_place),
]
WorkbooksOrFolders = Annotated[
    list[Path],
    typer.Argument(metavar="WORKBOOK.xlsx|FOLDER...", show_default=False, parser=_place),
]
RecalculatedBy = Annotated[
    Engine, typer.Option(help="Engine that recalculates the workbook; cached: no recalculation.")
]
Timeout = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="How long one workbook may take.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an unexpected failure came from.")]
Of = Annotated[
    str, typer.Option(metavar="CELL", help="The cell that is differentiated: Sheet1!F20.")
]
Parameters = Annotated[
    list[str],
    typer.Option(metavar="CELLS", help="The parameters: Sheet1!B2:C4. May be given several times."),
]
