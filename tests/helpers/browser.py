"""Opens a web page in headless Chromium, as a person would at a desk or on a phone."""

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESKTOP, PHONE = 1200, 390  # widths in pixels
_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()
# A window of Chromium cannot be as narrow as a phone; a frame in it can.
_FRAME = """<!DOCTYPE html><iframe width="{width}" height="900" srcdoc="{page}"></iframe>
<script>onload = () => {{
  const root = document.querySelector("iframe").contentDocument.documentElement;
  const found = document.createElement("pre");
  const text = root.querySelector("body").textContent;
  found.textContent = JSON.stringify({{text, width: root.clientWidth, needs: root.scrollWidth}});
  document.body.replaceChildren(found);
}}</script>"""


@dataclass(frozen=True)
class Opened:
    """A page as it stands in the browser."""

    text: str
    width: int  # of the window
    needs: int  # what the page needs of it; more is scrolled sideways


def opened(page: Path, width: int) -> Opened:
    """Open a page, as wide as that."""
    assert CHROMIUM
    source = escape(page.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder, "frame.html")
        frame.write_text(_FRAME.format(width=width, page=source), encoding="utf-8")
        command = [CHROMIUM, *_OPTIONS, f"--user-data-dir={folder}/profile"]
        command += ["--window-size=1400,1000", "--dump-dom", frame.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)
    assert found
    return Opened(**json.loads(unescape(found[1])))


class Page(HTMLParser):
    """What a page says, links to, and is made of."""

    VOID = ("meta", "br", "wbr")

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.unclosed: list[str] = []
        self.feed(source)
        self.close()

    @property
    def links(self) -> list[str]:
        return [value for name, value in self.attributes if name in ("href", "src")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
