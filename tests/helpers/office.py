"""LibreOffice, asked once for many workbooks: each start takes it seconds."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from workbook_tools.engines import libreoffice


def recalculate_together(paths: Sequence[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Recalculate workbooks in one go; ``--engine libreoffice`` finds the values ready then."""
    ready = dict(zip(paths, libreoffice.recalculate_all(paths), strict=True))
    alone = libreoffice.recalculate
    monkeypatch.setattr(
        libreoffice, "recalculate", lambda path: ready[path] if path in ready else alone(path)
    )
