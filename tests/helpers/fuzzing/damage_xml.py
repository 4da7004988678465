"""What happens to the XML of a part."""

import re
from copy import copy
from random import Random
from typing import Any

from lxml import etree
from openpyxl.utils.cell import column_index_from_string

from fuzzing.book import WORKBOOK, NotApplicableError, local, named
from fuzzing.damage_parts import _others
from fuzzing.made import Level, Made, damage, pick

NUMBERS = [
    "NaN", "INF", "-INF", "1e308", "1e999", "-0", "0x10", "1,5", "1e-400", "", " 1 ", "١", "1_000",
    "99999999999999999999", "-1", "4294967296", "2147483648", "0.1e", "1.7976931348623157E+308",
    "TRUE", "1e5", "+3", "1048577", "16385", "9" * 5000,
]  # fmt: skip
TEXTS = [
    "#REF!", "A1", "t" * 40_000, "\ud7ff\ufffd", "\t\n", "_x0000_", "_x000D_", "\u200b\u202e",
    "\U0010ffff", "0", "1", "true",
]  # fmt: skip


@damage("xml", Level.ANY)
def xml_damaged(made: Made, random: Random) -> str:
    parts = [p for p in made.book.parts if p.endswith((".xml", ".rels", ".vml"))]
    checked = [made.part(name) for name in made.checked_sheets]
    part = pick(random, [*parts, *checked * 2, WORKBOOK, WORKBOOK])
    return _damage(made, random, part)


@damage("xml", Level.ELSEWHERE)
def xml_of_no_table_damaged(made: Made, random: Random) -> str:
    parts = [p for p in _others(made) if p.endswith((".xml", ".vml"))]
    changed = pick(random, parts)
    for name in made.host.others:
        if made.part(name) == changed:
            made.changed_formulas.add(name)
    return _damage(made, random, changed)


def _damage(made: Made, random: Random, part: str) -> str:
    root = made.book.root(part)
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    one = pick(random, elements)
    how = pick(random, _WAYS)
    said = how(one, random)
    made.book.put(part, root)
    return f"{part}: {local(one)} {one.get('r', '')} {how.__name__.strip('_')} {said}"


def _attribute_gone(one: Any, random: Random) -> str:
    name = pick(random, one.attrib)
    del one.attrib[name]
    return str(name)


def _attribute_changed(one: Any, random: Random) -> str:
    name = pick(random, one.attrib)
    old = one.get(name)
    others = [*NUMBERS, old * 2, old.upper(), old.lower(), f" {old}", "A0", "ZZZZ1", "XFD1048576",
              "A1:A0", "é🙂", "x" * 40_000, "&<>\"'", "1:1", "$A$1"]  # fmt: skip
    one.set(name, pick(random, others))
    return f"{name}={one.get(name)[:20]!r}"


def _attribute_added(one: Any, random: Random) -> str:
    name = pick(
        random, ["r", "s", "t", "si", "ref", "spans", "cm", "vm", "aca", "{urn:x}y", "xml:id"]
    )
    if ":" in name and "{" not in name:
        name = "{http://www.w3.org/XML/1998/namespace}space"
    one.set(name, pick(random, [*NUMBERS, "A1", "shared", "array", "s", "e", "preserve"]))
    return f"{name}={one.get(name)[:20]!r}"


def _dropped(one: Any, random: Random) -> str:
    parent = one.getparent()
    if parent is None:
        raise NotApplicableError
    parent.remove(one)
    return ""


def _emptied(one: Any, random: Random) -> str:
    for inside in list(one):
        one.remove(inside)
    one.text = None
    return ""


def _doubled(one: Any, random: Random) -> str:
    parent = one.getparent()
    if parent is None:
        raise NotApplicableError
    times = pick(random, [1, 1, 1, 3, 200])
    for _ in range(times):
        parent.insert(parent.index(one), copy(one))
    return f"{times}×"


def _moved(one: Any, random: Random) -> str:
    parents = [other for other in one.getroottree().getroot().iter() if isinstance(other.tag, str)
               and other is not one and one not in other.iterancestors()]  # fmt: skip
    parent = pick(random, parents)
    if one.getparent() is None:
        raise NotApplicableError
    parent.insert(random.randrange(len(parent) + 1), one)
    return f"into {local(parent)}"


def _reordered(one: Any, random: Random) -> str:
    inside = list(one)
    random.shuffle(inside)
    for other in inside:
        one.append(other)
    return ""


def _renamed(one: Any, random: Random) -> str:
    namespace = etree.QName(one).namespace or ""
    name = pick(random, ["c", "row", "v", "f", "is", "t", "sheet", "foo", "C", "extLst"])
    space = pick(random, [namespace, namespace, "urn:other"])
    one.tag = f"{{{space}}}{name}"
    return f"{name} of {space[:12]}"


def _text_changed(one: Any, random: Random) -> str:
    one.text = pick(random, [*NUMBERS, *TEXTS, None])
    return repr((one.text or "")[:20])


def _nested(one: Any, random: Random) -> str:
    depth = pick(random, [60, 300, 5000])
    name = pick(random, [one.tag, "{urn:x}deep"])
    for _ in range(depth):
        one = etree.SubElement(one, name)
    return f"{depth} deep"


def _entity(one: Any, random: Random) -> str:
    one.insert(0, etree.Entity("undeclared"))
    return ""


def _comment_in_text(one: Any, random: Random) -> str:
    if not one.text:
        raise NotApplicableError
    text, at = one.text, random.randrange(len(one.text) + 1)
    comment = pick(random, [etree.Comment("x"), etree.PI("x", "y")])
    one.text, comment.tail = text[:at], text[at:]
    one.insert(0, comment)
    return ""


_WAYS = [
    _attribute_gone, _attribute_changed, _attribute_changed, _attribute_added, _dropped, _emptied,
    _doubled, _moved, _reordered, _renamed, _text_changed, _text_changed, _nested, _entity,
    _comment_in_text,
]  # fmt: skip


# The same, said otherwise


def _whole(made: Made, random: Random) -> str:
    names = [p for p in made.book.parts if re.match(r"xl/(workbook|styles|worksheets/.*)\.xml$", p)]
    return str(pick(random, names))


@damage("xml", Level.SAME)
def comments_inserted(made: Made, random: Random) -> str:
    part = _whole(made, random)
    root = made.book.root(part)
    count = 0
    for one in [one for one in root.iter() if isinstance(one.tag, str)]:
        inside_of_text = local(one) in {"v", "f", "t"}
        if not inside_of_text and random.random() < 0.2:
            new = pick(random, [etree.Comment(" w1 <c r='A1'/> "), etree.PI("what", "ever")])
            one.insert(random.randrange(len(one) + 1), new)
            count += 1
    if random.random() < 0.5:
        root.addprevious(etree.Comment("before"))
        root.addnext(etree.PI("after"))
    made.book.put(part, root)
    return f"{part}: {count} comments"


@damage("xml", Level.SAME)
def prefixed(made: Made, random: Random) -> str:
    part = _whole(made, random)
    root = made.book.root(part)
    main = etree.QName(root).namespace
    prefix = pick(random, ["x", "ns0", "main"])
    if prefix in root.nsmap or None not in root.nsmap:
        raise NotApplicableError
    others = {name: uri for name, uri in root.nsmap.items() if name is not None}
    new = etree.Element(root.tag, dict(root.attrib), {prefix: main, **others})
    new.text = root.text
    for one in list(root):
        new.append(one)
    etree.cleanup_namespaces(new, keep_ns_prefixes=[prefix, *others])
    text = etree.tostring(new)
    if b'xmlns="' in text:
        raise NotApplicableError
    made.book.put(part, new)
    return f"{part}: prefix {prefix}"


@damage("xml", Level.SAME)
def written_otherwise(made: Made, random: Random) -> str:
    """Use other quotes, character references, CDATA sections, line breaks between elements."""
    part = _whole(made, random)
    made.book.root(part)
    text = made.book.parts[part].decode("utf-8")
    how = pick(random, ["quotes", "references", "cdata", "breaks"])
    match how:
        case "quotes":
            text = re.sub(r'="([^"\']*)"', r"='\1'", text)
        case "references":
            text = re.sub(
                r"(<(?:\w+:)?[vf](?:>| [^>]*[^/]>))([^<&]+)(</)",
                lambda m: m[1] + "".join(f"&#x{ord(letter):X};" for letter in m[2]) + m[3],
                text,
            )
        case "cdata":
            text = re.sub(
                r"(<(?:\w+:)?[vf](?:>| [^>]*[^/]>))([^<&]+)(</)", r"\1<![CDATA[\2]]>\3", text
            )
        case _:
            text = re.sub(r"(</(?:\w+:)?(?:c|row|sheet|xf)>)", "\\1\n\t ", text)
    made.book.parts[part] = text.encode()
    return f"{part}: {how}"


OPTIONAL = [
    "spans", "dimension", "cols", "sheetViews", "pageMargins", "sheetFormatPr", "types",
    "wrong dimension", "names of cells", "numbers of rows",
]  # fmt: skip


@damage("xml", Level.SAME)
def optional_left_out(made: Made, random: Random) -> str:
    part = made.part(pick(random, made.checked_sheets))
    root = made.book.root(part)
    how = pick(random, OPTIONAL)
    if how == "spans":
        for row in named(root, "row"):
            row.attrib.pop("spans", None)
    elif how == "wrong dimension":
        pick(random, named(root, "dimension")).set("ref", "A1")
    elif how == "names of cells":
        for row in named(root, "row"):
            _without_names(row)
    elif how == "numbers of rows":
        last = 0
        for row in named(root, "row"):
            number, cells = row.get("r"), [one.get("r") for one in row]
            if number is not None and int(number) == last + 1 and None not in cells:
                del row.attrib["r"]
            last = int(number) if number is not None else last + 1
    elif how == "types":
        for cell in named(root, "c"):
            if cell.get("t") == "n":
                del cell.attrib["t"]
    else:
        for one in list(named(root, how)):
            one.getparent().remove(one)
    made.book.put(part, root)
    return f"{part}: without {how}"


def _without_names(row: Any) -> None:
    last = 0
    for cell in [one for one in row if local(one) == "c"]:
        name = cell.get("r")
        number = last + 1 if name is None else column_index_from_string(name.rstrip("0123456789"))
        if number == last + 1:
            cell.attrib.pop("r", None)
        last = number


@damage("xml", Level.SAME)
def extended(made: Made, random: Random) -> str:
    """Add what later programs would add."""
    part = made.part(pick(random, made.checked_sheets))
    root = made.book.root(part)
    main = etree.QName(root).namespace
    extensions = etree.SubElement(root, f"{{{main}}}extLst")
    inside = etree.SubElement(
        extensions, f"{{{main}}}ext", uri="{00000000-0000-0000-0000-000000000000}"
    )
    cell = etree.SubElement(inside, "{urn:later}c", r="A1")
    etree.SubElement(cell, "{urn:later}v").text = "5"
    made.book.put(part, root)
    return f"{part}: extended"


@damage("xml", Level.SAME)
def styled(made: Made, random: Random) -> str:
    """Give numbers of a table a format of dates, times, fractions, texts."""
    root = made.book.root("xl/styles.xml")
    formats = next(named(root, "cellXfs"), None)
    own = [one for one in formats if local(one) == "xf"] if formats is not None else []
    if not own:
        raise NotApplicableError
    new = copy(own[0])
    code = pick(random, ["14", "20", "46", "12", "49", "9", "22"])
    new.set("numFmtId", code)
    new.set("applyNumberFormat", "1")
    formats.append(new)
    number = len(own)
    formats.attrib.pop("count", None)
    made.book.put("xl/styles.xml", root)
    part = made.part(pick(random, made.checked_sheets))
    sheet = made.book.root(part)
    for cell in named(sheet, "c"):
        if cell.get("t", "n") == "n" and random.random() < 0.3:
            cell.set("s", str(number))
    made.book.put(part, sheet)
    return f"{part}: numbers in format {code}"
