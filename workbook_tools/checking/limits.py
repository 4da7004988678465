"""What the check of one workbook may take: seconds, and memory in proportion to the file."""

import zipfile
from contextlib import suppress
from pathlib import Path

TIMEOUT = 60.0  # seconds
_LEAST_MEMORY = 640 << 20  # bytes: of the program itself, and of a workbook of any usual size
_MEMORY_PER_BYTE = 32  # of the inflated parts; large training sheets take up to 25
_MOST_MEMORY = 8 << 30


def memory_limit(path: Path) -> int:
    """Return how many bytes of memory the check of a file may take."""
    size = 0
    odd = (OSError, ValueError, zipfile.BadZipFile, NotImplementedError)
    with suppress(*odd), zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    return min(_LEAST_MEMORY + _MEMORY_PER_BYTE * size, _MOST_MEMORY)


def limit_memory(path: Path) -> None:
    """Let this process take no more memory than the check of a file may.

    Windows has no such limit, and macOS does not keep it.
    """
    with suppress(ImportError, ValueError, OSError):
        import resource

        # What is written to counts, not what is mapped: PyTorch maps gigabytes of its libraries.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit(path), most))


def out_of_memory(path: Path) -> str:
    """Say that the memory was not enough."""
    limit = memory_limit(path) / (1 << 30)
    return f"needs more than {limit:.1f} GiB of memory, which is out of proportion to its size"
