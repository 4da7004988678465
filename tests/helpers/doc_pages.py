"""The README and the pages of docs/: their commands, examples and links."""

import re
from functools import cached_property
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # its language, its text


class Page:
    """A Markdown page: its text, its commands, its links."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")

    @property
    def name(self) -> str:
        """Its path from the folder of the project."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def prose(self) -> str:
        """The text without blocks of code."""
        return _BLOCK.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """Return what blocks of code in a language hold."""
        return [block[2] for block in _BLOCK.finditer(self.text) if block[1] == language]

    @property
    def commands(self) -> list[str]:
        """The commands of its blocks, without comments."""
        lines = "".join(self.blocks("sh")).splitlines()
        return [command for line in lines if (command := line.split("  #")[0].strip())]

    @property
    def shown(self) -> dict[str, str]:
        """What it shows as printed by a command, right below it."""
        pairs = pairwise(_BLOCK.finditer(self.text))
        return {a[2].strip(): b[2] for a, b in pairs if _is_below(a, b)}

    @property
    def examples(self) -> list[re.Match[str]]:
        """The blocks that show what is printed, other than right below a command."""
        every = [*_BLOCK.finditer(self.text)]
        below = {b.start() for a, b in pairwise(every) if _is_below(a, b)}
        return [block for block in every if not block[1] and block.start() not in below]

    @property
    def said(self) -> list[str]:
        """The commands within its sentences and tables."""
        commands = r"`((?:workbook-tools|make|python)(?: [^`]+)?)`"
        return [command.replace("\n", " ") for command in re.findall(commands, self.prose)]

    @property
    def links(self) -> list[str]:
        """The links to files of the project and to headings."""
        found: list[str] = re.findall(r"\]\(([^)]+)\)", self.prose)
        return [link for link in found if "://" not in link]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub makes them."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def _is_below(block: re.Match[str], other: re.Match[str]) -> bool:
    """Tell whether a block of commands has another block right below it."""
    return block[1] == "sh" and other.start() == block.end() + 2


README = Page(ROOT / "README.md")
PAGES = [README, *map(Page, sorted((ROOT / "docs").rglob("*.md")))]


def page_of(name: str) -> Page:
    """Return a page by its path in docs/."""
    return next(page for page in PAGES if page.name == f"docs/{name}")
