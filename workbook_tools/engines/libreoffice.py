"""LibreOffice Calc as an engine, if it is installed; it runs without a window."""

import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from workbook_tools.engines.plain_copy import plain_copy, plain_names
from workbook_tools.engines.workplace import Workplace, workplace
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import read_contents
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.package.workbook import open_package

TIMEOUT = 600  # seconds; a sheet of 3 million formulas takes about one minute
FALLBACK_TIMEOUT = 30  # seconds, if another engine's values exist already

# The first setting, 0, means "always recalculate"; without it LibreOffice takes the file's cached
# values. The others keep it from updating links (2 is "never") and from running macros.
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
  <item oor:path="/org.openoffice.Office.Calc/Content/Update">
    <prop oor:name="Link" oor:op="fuse"><value>2</value></prop>
  </item>
  <item oor:path="/org.openoffice.Office.Common/Security/Scripting">
    <prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
    <prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop>
    <prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
  </item>
</oor:items>
"""


class LibreOfficeCalculation(CachedValues):
    """The values of a copy that LibreOffice has recalculated and saved."""

    tolerance = 1e-13  # it stores 15 significant digits


def _program() -> str | None:
    return shutil.which("soffice") or shutil.which("libreoffice")


def is_installed() -> bool:
    """Tell whether LibreOffice is installed."""
    return _program() is not None


def recalculate(path: Path) -> LibreOfficeCalculation:
    """Recalculate a workbook.

    Raises ``InputError`` if LibreOffice is missing, takes too long, or cannot open the file.
    """
    [calculation] = recalculate_all([path])
    return calculation


def fallback(path: Path) -> LibreOfficeCalculation | None:
    """Return a workbook recalculated by LibreOffice, or None if it cannot do that soon.

    This is for formulas that another engine does not know; without it, that engine's values stay.
    """
    if not is_installed():
        return None
    try:
        [calculation] = _recalculated([path], FALLBACK_TIMEOUT)
    except InputError:
        return None
    return calculation


def recalculate_all(paths: Sequence[Path]) -> Iterator[LibreOfficeCalculation]:
    """Yield workbooks recalculated by a single run of LibreOffice.

    Raises ``InputError`` as ``recalculate`` does.
    """
    return _recalculated(paths, TIMEOUT)


def _recalculated(paths: Sequence[Path], seconds: float) -> Iterator[LibreOfficeCalculation]:
    program = _program()
    if program is None:
        raise InputError(
            "LibreOffice is not installed; install it (Debian: apt-get install "
            "libreoffice-calc-nogui; elsewhere: libreoffice.org) or use another --engine"
        )
    with _workplace(paths[0], seconds) as place:
        # Its own profile has these settings, and does not clash with another running LibreOffice.
        profile, out = place.folder / "profile", place.folder / "out"
        settings = profile / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS, encoding="utf-8")
        copies = _copies(paths, place.folder)
        options = [f"-env:UserInstallation={profile.as_uri()}", "--headless"]
        convert = ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out)]
        place.run([program, *options, *convert, *map(str, copies)], seconds)
        for path, copy in zip(paths, copies, strict=True):
            yield _converted(path, out / f"{copy.stem}.xlsx")


@contextmanager
def _workplace(path: Path, seconds: float) -> Iterator[Workplace]:
    """Yield LibreOffice's workplace; raises ``InputError`` if it cannot start, or is too slow."""
    try:
        with workplace() as place:
            yield place
    except TimeoutError as error:
        raise InputError(
            f"{path}: LibreOffice took longer than {seconds:g} seconds; use another --engine"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: LibreOffice cannot be started ({error.strerror or error}); use another "
            "--engine"
        ) from error


def _copies(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Copy workbooks, with file and sheet names that any program accepts; return the copies."""
    copies = []
    for number, path in enumerate(paths):
        copies.append(folder / f"{number}{path.suffix}")
        with open_package(path) as package:
            names = plain_names(package.sheet_names)
            if all(name == plain for name, plain in names.items()):
                shutil.copyfile(path, copies[-1])
            else:
                plain_copy(package, names).save(copies[-1])
    return copies


def _converted(path: Path, copy: Path) -> LibreOfficeCalculation:
    """Return the values of the copy that LibreOffice made of a workbook."""
    if not copy.exists():
        raise InputError(f"{path}: LibreOffice cannot open it; use another --engine")
    with open_package(path) as package:
        own, sheets = package.sheet_names, [sheet.name for sheet in package.sheets]
    try:
        with open_package(copy) as package:
            theirs = package.sheet_names
            found = {name: sheet.columns for name, sheet in read_contents(package).items()}
    except InputError as error:
        raise InputError(
            f"{path}: the copy that LibreOffice makes cannot be read; use another --engine"
        ) from error
    # LibreOffice may rename sheets, but keeps their order.
    called = dict(zip(own, theirs, strict=True)) if len(own) == len(theirs) else plain_names(own)
    try:
        values = LibreOfficeCalculation({name: found[called[name]] for name in sheets})
    except KeyError as error:
        raise InputError(
            f"{path}: LibreOffice loses the sheet {error.args[0]!r}; use another --engine"
        ) from error
    values.engine = _version(copy)
    return values


def _version(copy: Path) -> str:
    """Return what wrote a copy, as the copy itself says: ``LibreOffice 7.4.7.2``."""
    with suppress(KeyError), zipfile.ZipFile(copy) as archive:
        found = re.search(rb"<Application>LibreOffice/([\d.]+)", archive.read("docProps/app.xml"))
        if found:
            return f"LibreOffice {found[1].decode()}"
    return "LibreOffice"
