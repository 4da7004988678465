"""``workbook-tools build``: write the workbook of each spec."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from workbook_tools.commands.exit_status import PROGRAM
from workbook_tools.commands.options import Debug
from workbook_tools.commands.terminal import progress
from workbook_tools.errors import InputError, one_line_errors
from workbook_tools.package.files import make_folder
from workbook_tools.package.places import refuse_conflicts


def build(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC.toml...", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE|DIR",
            help="Where to write: an .xlsx file (one spec), or a folder. Default: beside the spec.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write the workbook of each spec; every cell has its value stored."""
    out = Console(highlight=False)
    with one_line_errors(PROGRAM, debug):
        from workbook_tools.spec.load import files_read
        from workbook_tools.writing.workbook import BUILD_STEPS
        from workbook_tools.writing.workbook import build as build_workbook

        targets = [_target(spec, output, len(specs)) for spec in specs]
        refuse_conflicts([path for spec in specs for path in files_read(spec)], targets)
        if output is not None and targets[0] != output:
            make_folder(output, "-o")
        for spec, target in zip(specs, targets, strict=True):
            with progress(spec, BUILD_STEPS) as step:
                cells = build_workbook(spec, target, step, partial(_print_plan, out, target))
            size = target.stat().st_size / 1e6
            done = f"{target}: {cells:,} formula cells, {size:,.1f} MB"
            out.print(done, soft_wrap=True, markup=False)


def _print_plan(out: Console, target: Path, plan: str) -> None:
    out.print(f"{target}: {plan}", soft_wrap=True, markup=False)


def _target(spec: Path, output: Path | None, specs: int) -> Path:
    """Return the workbook that a spec is written to."""
    if not spec.name:
        raise InputError(f"{spec}: is a folder; give a spec")
    if output is None:
        return spec.with_suffix(".xlsx")
    if output.suffix == ".xlsx" and not os.path.isdir(output):
        if specs > 1:
            raise InputError(f"{output}: one file cannot hold {specs} workbooks; give -o a folder")
        return output
    return output / spec.with_suffix(".xlsx").name
