"""Notes are added beside those that there are, and beside buttons, threads and broken drawings."""

from pathlib import Path

import pytest
from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openxml_audit import OpenXmlValidator
from parts import SHEET, differences, edited, parts, replaced, rewritten

from workbook_tools.editing.cell_contents import Place
from workbook_tools.editing.notes import add_notes
from workbook_tools.errors import InputError

RELATIONS = "xl/worksheets/_rels/sheet1.xml.rels"
VML = "xl/drawings/vmlDrawing1.vml"
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# What Excel writes for a button; its label is no XML.
BUTTON = b"""<xml xmlns:v="urn:schemas-microsoft-com:vml"
 xmlns:o="urn:schemas-microsoft-com:office:office"
 xmlns:x="urn:schemas-microsoft-com:office:excel"><v:shapetype id="_x0000_t201"/>
 <v:shape id="_x0000_s1025" type="#_x0000_t201" o:button="t"><v:textbox><div>Train<br>again</div>
 </v:textbox><x:ClientData ObjectType="Button"><x:Anchor>1, 1, 1, 1, 3, 3, 3, 3</x:Anchor>
 </x:ClientData></v:shape></xml>
"""


def plain(folder: Path, *notes: tuple[str, str]) -> Path:
    book = Workbook()
    book.active["A1"] = "x" * 30
    book.active.column_dimensions["C"].width = 40
    book.active.row_dimensions[3].height = 60
    for cell, text in notes:
        book.active[cell].comment = Comment(text, "a teacher")
    book.save(folder / "plain.xlsx")
    return folder / "plain.xlsx"


def noted(source: Path, notes: dict[Place, str]) -> Path:
    return edited(
        source,
        source.with_name("noted.xlsx"),
        lambda copy: add_notes(copy, copy.sheets[0], "checker", notes),
    )


def notes_of(path: Path) -> dict[str, tuple[str, str]]:
    """Return author and text of each note."""
    return {
        cell.coordinate: (cell.comment.author, cell.comment.text)
        for row in load_workbook(path).active.iter_rows()
        for cell in row
        if cell.comment
    }


def complaints(path: Path) -> set[str]:
    return {str(error) for error in OpenXmlValidator(max_errors=0).validate(path).errors}


def test_a_workbook_without_notes_gets_some(tmp_path: Path) -> None:
    source = plain(tmp_path)
    path = noted(source, {(1, 1): "one\ntwo", (4, 3): " < & \x07 >"})
    assert notes_of(path) == {"A1": ("checker", "one\ntwo"), "C4": ("checker", " < &  >")}
    changed, new, gone = differences(source, path)
    assert changed == {SHEET, "[Content_Types].xml"}
    assert new == {"xl/comments1.xml", VML, RELATIONS}
    assert not gone
    assert complaints(path) <= complaints(source)


def test_boxes_lie_beside_their_cells_and_are_as_large_as_their_texts(tmp_path: Path) -> None:
    path = noted(plain(tmp_path), {(1, 1): "short", (3, 2): "long " * 60})
    drawing = etree.fromstring(parts(path)[VML])
    anchors = [[int(n) for n in anchor.text.split(",")] for anchor in drawing.iter("{*}Anchor")]
    assert [anchor[0] for anchor in anchors] == [1, 2]
    assert anchors[0][4] == 2  # beside A: column B is narrow, C is wide
    heights = [anchor[6] - anchor[2] for anchor in anchors]
    assert heights[0] < heights[1]


def test_notes_that_there_are_stay_and_ours_comes_below(tmp_path: Path) -> None:
    source = plain(tmp_path, ("A1", "look here"), ("B2", "and here"))
    path = noted(source, {(1, 1): "wrong", (5, 5): "wrong too"})
    assert notes_of(path) == {
        "A1": ("a teacher", "look here\n\nwrong"),
        "B2": ("a teacher", "and here"),
        "E5": ("checker", "wrong too"),
    }
    assert complaints(path) <= complaints(source)


def test_a_note_in_pieces_keeps_them(tmp_path: Path) -> None:
    source = plain(tmp_path, ("A1", "look here"))
    comments = next(name for name in parts(source) if "comment" in name and "rels" not in name)

    def in_pieces(content: bytes) -> bytes:
        text = b"<text><r><rPr><b/></rPr><t>bold</t></r><r><t> thin</t></r></text>"
        start, end = content.index(b"<text>"), content.index(b"</text>") + len(b"</text>")
        return content[:start] + text + content[end:]

    pieces = rewritten(source, tmp_path / "pieces.xlsx", {comments: in_pieces})
    path = noted(pieces, {(1, 1): "wrong"})
    assert notes_of(path)["A1"][1] == "bold thin\n\nwrong"
    assert b"<r><rPr><b/></rPr><t>bold</t></r>" in parts(path)[comments]


def with_button(folder: Path) -> Path:
    """A workbook with a button on its sheet, and no note."""
    relations = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="rId7" Type="%s/vmlDrawing" Target="../drawings/vmlDrawing1.vml"/>'
        b"</Relationships>" % OFFICE
    )
    default = (
        b'<Default Extension="vml" '
        b'ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
    )
    legacy = b'<legacyDrawing xmlns:r="%s" r:id="rId7"/></worksheet>' % OFFICE
    return rewritten(
        plain(folder),
        folder / "button.xlsx",
        {
            SHEET: replaced(b"</worksheet>", legacy),
            "[Content_Types].xml": replaced(b"</Types>", default + b"</Types>"),
        },
        added={RELATIONS: relations, VML: BUTTON},
    )


def test_a_button_stays_and_its_drawing_need_be_no_xml(tmp_path: Path) -> None:
    source = with_button(tmp_path)
    path = noted(source, {(1, 1): "wrong"})
    drawing = parts(path)[VML]
    assert drawing.startswith(BUTTON[: BUTTON.rindex(b"</xml>")])
    assert b'id="_x0000_s1026"' in drawing  # the next number
    assert differences(source, path)[0] == {VML, RELATIONS, "[Content_Types].xml"}
    assert b"wrong" in parts(path)["xl/comments1.xml"]


def test_a_drawing_without_an_end_is_said_in_one_line(tmp_path: Path) -> None:
    source = rewritten(
        with_button(tmp_path), tmp_path / "cut.xlsx", {VML: lambda drawing: drawing[:200]}
    )
    with pytest.raises(InputError, match="'Sheet' is damaged, the drawing with its notes"):
        noted(source, {(1, 1): "wrong"})


def test_a_cell_with_a_thread_of_comments_gets_no_note(tmp_path: Path) -> None:
    source = plain(tmp_path, ("A1", "[Threaded comment] look here"))
    thread = (
        b'<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/'
        b'threadedcomments"><threadedComment ref="A1" id="{1}"><text>look here</text>'
        b"</threadedComment></ThreadedComments>"
    )
    relation = (
        b'<Relationship Id="rId9" Type="http://schemas.microsoft.com/office/2017/10/relationships/'
        b'threadedComment" Target="../threadedComments/threadedComment1.xml"/></Relationships>'
    )
    threaded = rewritten(
        source,
        tmp_path / "threaded.xlsx",
        {RELATIONS: replaced(b"</Relationships>", relation)},
        added={"xl/threadedComments/threadedComment1.xml": thread},
    )
    path = noted(threaded, {(1, 1): "wrong", (2, 2): "wrong"})
    assert notes_of(path) == {
        "A1": ("a teacher", "[Threaded comment] look here"),
        "B2": ("checker", "wrong"),
    }
    assert differences(threaded, noted(threaded, {(1, 1): "wrong"})) == (set(), set(), set())


def test_two_thousand_notes_have_boxes_of_their_own(tmp_path: Path) -> None:
    path = noted(plain(tmp_path), {(row, 1): f"note {row}" for row in range(1, 2001)})
    drawing = etree.fromstring(parts(path)[VML])
    boxes = [shape.get("id") for shape in drawing.iter("{*}shape")]
    assert len(set(boxes)) == 2000
    assert drawing.find(".//{*}idmap").get("data") == "1,2"
    assert len(notes_of(path)) == 2000
