"""A real spreadsheet program, when it is installed: LibreOffice Calc, without a window."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbook_tools.engines.cached import CachedValues
from workbook_tools.errors import InputError

TIMEOUT = 600  # seconds; a sheet of 3 million formulas takes about one minute

# Without the first, LibreOffice believes the values that the file carries: 0 is "always
# recalculate". The others keep it from updating links (2 is "never") and from running macros.
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
    """Tell whether there is a LibreOffice."""
    return _program() is not None


def recalculate(path: Path) -> LibreOfficeCalculation:
    """Recalculate a workbook.

    Raises ``InputError`` if LibreOffice is missing, takes too long, or cannot open the file.
    """
    return next(recalculate_all([path]))


def recalculate_all(paths: Sequence[Path]) -> Iterator[LibreOfficeCalculation]:
    """Yield workbooks recalculated, all in one go; no two may have the same file name.

    Raises ``InputError`` as ``recalculate`` does.
    """
    program = _program()
    if program is None:
        raise InputError(
            "LibreOffice is not installed; install it (Debian: apt-get install "
            "libreoffice-calc-nogui; elsewhere: libreoffice.org) or use another --engine"
        )
    with tempfile.TemporaryDirectory() as folder:
        # A profile of its own: the setting holds, and another running LibreOffice does not matter.
        profile, out = Path(folder, "profile"), Path(folder, "out")
        settings = profile / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS, encoding="utf-8")
        options = [f"-env:UserInstallation={profile.as_uri()}", "--headless"]
        convert = ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out)]
        _run([program, *options, *convert, *(str(path.absolute()) for path in paths)], paths[0])
        version = re.match(r"LibreOffice [\d.]+", _run([program, *options, "--version"], paths[0]))
        for path in paths:
            converted = out / f"{path.stem}.xlsx"
            if not converted.exists():
                raise InputError(f"{path}: LibreOffice cannot open it; use another --engine")
            values = LibreOfficeCalculation.of(converted)
            values.engine = version[0] if version else "LibreOffice"
            yield values


def _run(command: list[str], path: Path) -> str:
    try:
        # A group of its own: the program that is started starts another, which must end with it.
        started = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(f"LibreOffice cannot be started ({error.strerror})") from error
    with started:
        try:
            return started.communicate(timeout=TIMEOUT)[0]
        except subprocess.TimeoutExpired as error:
            raise InputError(
                f"{path}: LibreOffice took longer than {TIMEOUT} seconds; use another --engine"
            ) from error
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
