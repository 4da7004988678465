"""The limits of one workbook's check: seconds, and memory in proportion to the file's size."""

import os
import zipfile
from contextlib import suppress
from pathlib import Path

TIMEOUT = 60.0  # seconds
ENGINE_THREAD = "an engine calculates"  # the name of a thread, which may never end
_LEAST_MEMORY = 880 << 20  # bytes; a single stray cell at the end of a row may take half of them
_MEMORY_PER_BYTE = 32  # bytes per byte of the inflated parts; large training sheets take up to 25
_MOST_MEMORY = 8 << 30
_FRESH = 128 << 20  # bytes of a process that has just loaded the program


def memory_limit(path: Path) -> int:
    """Return the bytes of memory that the check of a file may take."""
    size = 0
    odd = (OSError, ValueError, zipfile.BadZipFile, NotImplementedError)
    with suppress(*odd), zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    return min(_LEAST_MEMORY + _MEMORY_PER_BYTE * size, _MOST_MEMORY)


def limit_memory(path: Path) -> None:
    """Limit the memory of this process to what the check of a file may take.

    Memory that earlier checks have not released does not count. Windows has no such limit, and
    macOS does not enforce it.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        left_over = max(0, _memory_in_use() - _FRESH)
        # RLIMIT_DATA counts private memory, not mapped files.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit(path) + left_over, most))


def _memory_in_use() -> int:
    """Return the bytes of private memory of this process; raises ``OSError``."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def out_of_memory(path: Path) -> str:
    """Return the message for a check that has run out of memory."""
    limit = memory_limit(path) / (1 << 30)
    return f"needs more than {limit:.1f} GiB of memory, too much for a file of its size"
