"""What happens to the zip file and its parts."""

import re
import struct
import zipfile
from io import BytesIO
from random import Random

from fuzzing.book import (
    CONTENT_TYPES,
    STRINGS,
    STYLES,
    WORKBOOK,
    NotApplicableError,
    local,
    named,
    set_cell,
)
from fuzzing.made import Level, Made, damage, pick

RELATIONS = "xl/_rels/workbook.xml.rels"


# The zip file, as programs write it


@damage("parts", Level.SAME)
def zipped_otherwise(made: Made, random: Random) -> str:
    names = list(made.book.parts)
    how = random.choice(["stored", "zip64", "streamed", "flags", "extra", "shuffled", "folders"])

    def write(parts: dict[str, bytes]) -> bytes:
        stream = _Unseekable() if how == "streamed" else BytesIO()
        method = zipfile.ZIP_STORED if how == "stored" else zipfile.ZIP_DEFLATED
        ordered = sorted(parts, key=lambda name: names.index(name) if name in names else -1)
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name in ordered:
                info = zipfile.ZipInfo(name)
                info.compress_type = method
                if how == "extra":
                    info.extra = struct.pack("<HHBI", 0x5455, 5, 1, 1_700_000_000)
                with archive.open(info, "w", force_zip64=how == "zip64") as part:
                    part.write(parts[name])
        content = stream.getvalue()
        return _other_flags(content) if how == "flags" else content

    if how == "shuffled":
        random.shuffle(names)
    if how == "folders":
        for folder in ("xl/", "xl/worksheets/"):
            made.book.parts.setdefault(folder, b"")
    made.book.write = write
    return f"zip: {how}"


class _Unseekable(BytesIO):
    """What a zip file is streamed to: sizes follow the parts."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def _other_flags(content: bytes) -> bytes:
    """Say UTF-8 and how well it is packed in the directory alone, as some programs do."""
    changed = bytearray(content)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        place = archive.start_dir
        for info in archive.infolist():
            changed[place + 8] |= 0b110
            changed[place + 9] |= 0b1000
            place += 46 + len(info.filename.encode()) + len(info.extra) + len(info.comment)
    return bytes(changed)


@damage("parts", Level.ANY)
def bytes_damaged(made: Made, random: Random) -> str:
    how = random.choice(["flipped", "cut", "follows", "precedes", "zeros", "comment", "end twice"])
    place, length = random.random(), random.randrange(1, 40)
    noise = random.randbytes(length)

    def change(content: bytes) -> bytes:
        at = int(place * len(content))
        match how:
            case "flipped":
                return content[:at] + bytes([content[at] ^ (1 << length % 8)]) + content[at + 1 :]
            case "cut":
                return content[:at]
            case "follows":
                return content + noise
            case "precedes":
                return noise + content
            case "zeros":
                return content[:at] + bytes(length) + content[at + length :]
            case "comment":
                return content[:-2] + struct.pack("<H", length) + noise
            case _:
                return content + content[-22:]

    made.book.bytes_damage.append(change)
    return f"bytes: {how} at {place:.3f}, {length}"


# The parts


def _others(made: Made) -> list[str]:
    """Return parts that say nothing about a table."""
    sheets = made.book.sheets()
    own = {sheets.get(made.sheet(name)) for name in made.host.others}
    return [
        part
        for part in made.book.parts
        if part in own
        or re.match(r"docProps/|xl/(theme|drawings|charts|media|comments|tables)/", part)
    ]


@damage("parts", Level.ANY)
def part_damaged(made: Made, random: Random) -> str:
    return _damage_part(made, random, pick(random, made.book.parts))


@damage("parts", Level.ELSEWHERE)
def part_of_no_table_damaged(made: Made, random: Random) -> str:
    return _damage_part(made, random, pick(random, _others(made)))


def _damage_part(made: Made, random: Random, part: str) -> str:
    parts = made.book.parts
    content = parts[part]
    how = random.choice(
        ["missing", "renamed", "emptied", "cut", "swapped", "garbage", "upper case", "flipped"]
    )
    match how:
        case "missing":
            del parts[part]
        case "renamed":
            parts[
                random.choice([f"{part}.bak", "x" * 255, "../evil.xml", "a\\b.xml", "é/ü.xml"])
            ] = parts.pop(part)
        case "emptied":
            parts[part] = b""
        case "cut":
            parts[part] = content[: random.randrange(len(content) + 1)]
        case "swapped":
            folder = part.rpartition("/")[0]
            other = pick(random, [p for p in parts if p != part and p.startswith(folder)])
            parts[part], parts[other] = parts[other], parts[part]
            how = f"swapped with {other}"
        case "garbage":
            parts[part] = random.randbytes(random.randrange(1, 300))
        case "upper case":
            parts[part.upper()] = parts.pop(part)
        case _:
            if not content:
                raise NotApplicableError
            at = random.randrange(len(content))
            parts[part] = content[:at] + bytes([random.randrange(256)]) + content[at + 1 :]
    return f"{part}: {how}"


@damage("parts", Level.ANY)
def doubled(made: Made, random: Random) -> str:
    part = pick(random, made.book.parts)
    upper = random.random() < 0.3

    def write(parts: dict[str, bytes]) -> bytes:
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(zipfile.ZipInfo(name), content)
            name = part.upper() if upper else part + "#"
            archive.writestr(zipfile.ZipInfo(name), parts.get(part, b""))
        content = stream.getvalue()
        return content if upper else content.replace(f"{part}#".encode(), part.encode() + b" ")

    made.book.write = write
    return f"{part}: doubled"


@damage("parts", Level.SAME)
def no_calculation_chain_nor_properties(made: Made, random: Random) -> str:
    """Leave out what is optional: document properties, or the theme."""
    part = pick(
        random, [p for p in made.book.parts if re.match(r"docProps/|xl/theme/|xl/calcChain", p)]
    )
    del made.book.parts[part]
    for name in [p for p in made.book.parts if p.endswith(".rels") or p == CONTENT_TYPES]:
        root = made.book.root(name)
        for one in list(root):
            if (one.get("Target") or one.get("PartName") or "").endswith(part.rpartition("/")[2]):
                root.remove(one)
        made.book.put(name, root)
    return f"{part}: left out"


@damage("parts", Level.SAME)
def with_a_picture_that_holds_a_doctype(made: Made, random: Random) -> str:
    name = pick(random, ["xl/media/picture.png", "xl/embeddings/object1.bin", "customData/a.bin"])
    mark = random.choice([b"<!DOCTYPE html>", "<!DOCTYPE x>".encode("utf-16-le")])
    made.book.add(name, random.randbytes(50) + mark + random.randbytes(50), "image/png")
    return f"{name}: holds a doctype"


@damage("parts", Level.ANY)
def with_a_doctype(made: Made, random: Random) -> str:
    part = pick(random, [p for p in made.book.parts if p.endswith((".xml", ".rels"))])
    entity = random.choice(['SYSTEM "file:///etc/hostname"', '"&b;&b;"'])
    text = f'<!DOCTYPE x [<!ENTITY b "lol"><!ENTITY a {entity}>]>'.encode()
    body = re.sub(rb"^<\?xml[^>]*\?>\s*", b"", made.book.parts[part])
    made.book.parts[part] = text + body
    return f"{part}: doctype with {entity}"


@damage("parts", Level.SAME)
def other_encoding(made: Made, random: Random) -> str:
    part = pick(random, [p for p in made.book.parts if p.endswith(".xml")])
    made.book.root(part)  # it can still be read
    content = made.book.parts[part]
    text = content.decode("utf-8-sig")
    body = re.sub(r"^<\?xml[^>]*\?>\s*", "", text)
    how = random.choice(["utf-8 with a mark", "utf-16", "utf-16-be", "us-ascii", "no declaration"])
    head = '<?xml version="1.0" encoding="{}"?>\n'
    match how:
        case "utf-8 with a mark":
            content = b"\xef\xbb\xbf" + (head.format("UTF-8") + body).encode()
        case "utf-16":
            content = (head.format("UTF-16") + body).encode("utf-16")
        case "utf-16-be":
            content = b"\xfe\xff" + (head.format("UTF-16") + body).encode("utf-16-be")
        case "us-ascii":
            content = (head.format("US-ASCII") + body).encode("ascii", "xmlcharrefreplace")
        case _:
            content = body.encode()
    made.book.parts[part] = content
    return f"{part}: {how}"


# What the workbook says of its parts


@damage("parts", Level.ANY)
def relations_damaged(made: Made, random: Random) -> str:
    names = [p for p in made.book.parts if p.endswith(".rels")]
    part = pick(random, [*names, RELATIONS, RELATIONS, "_rels/.rels"])
    root = made.book.root(part)
    one = pick(random, root)
    how = random.choice(["gone", "twice", "target", "type", "id", "external"])
    match how:
        case "gone":
            root.remove(one)
        case "twice":
            root.append(one.__copy__())
        case "target":
            target = random.choice(
                ["", "/", "nowhere.xml", "../../../etc/passwd", "/xl/workbook.xml", STYLES,
                 "worksheets/sheet2.xml", "a" * 5000, "file:///etc/hostname", "%00", "#frag"]
            )  # fmt: skip
            one.set("Target", target)
            how = f"target {target[:20]}"
        case "type":
            kind = random.choice(["", "worksheet", "http://x/chartsheet", "http://x/dialogsheet",
                                  "http://x/externalLink", "http://x/sharedStrings"])  # fmt: skip
            one.set("Type", kind)
        case "id":
            one.set("Id", random.choice(["", "rId1", "rId999", "é"]))
        case _:
            one.set("TargetMode", "External")
    made.book.put(part, root)
    return f"{part}: relation {how}"


@damage("parts", Level.ANY)
def content_types_damaged(made: Made, random: Random) -> str:
    root = made.book.root(CONTENT_TYPES)
    one = pick(random, root)
    how = random.choice(["gone", "twice", "type", "name"])
    match how:
        case "gone":
            root.remove(one)
        case "twice":
            root.append(one.__copy__())
        case "type":
            one.set("ContentType", random.choice(["", "text/plain", "application/xml", "é/ü"]))
        case _:
            one.set("PartName", random.choice(["", "xl/workbook.xml", "//", "/" + "a" * 3000]))
    made.book.put(CONTENT_TYPES, root)
    return f"content types: {how}"


@damage("parts", Level.SAME)
def with_sheets_that_hold_no_cells(made: Made, random: Random) -> str:
    """Add a chart sheet, dialog sheet or macro sheet, which are left out."""
    kind = random.choice(["chartsheet", "dialogsheet", "macrosheet"])
    book, relations = made.book.root(WORKBOOK), made.book.root(RELATIONS)
    sheets = pick(random, named(book, "sheets"))
    if any(one.get("Id") == "rIdOther" for one in relations):
        raise NotApplicableError
    namespace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = sheets.tag.rpartition("}")[0][1:]
    name = f"{kind}s/sheet1.xml"
    if kind == "macrosheet":
        root_name, types = "xm:macrosheet", "application/vnd.ms-excel.macrosheet+xml"
        declared = 'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"'
        relation = "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet"
    else:
        root_name, declared = kind, ""
        types = f"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"
        relation = f"{namespace}/{kind}"
    view = '<sheetViews><sheetView workbookViewId="0"/></sheetViews>'
    content = f'<{root_name} xmlns="{main}" {declared}>{view}</{root_name}>'
    made.book.add(f"xl/{name}", content.encode(), types)
    one = relations[0].makeelement(relations[0].tag, Id="rIdOther", Type=relation, Target=name)
    relations.append(one)
    sheet = sheets.makeelement(f"{{{main}}}sheet", name=f"A {kind}", sheetId="777")
    sheet.set(f"{{{namespace}}}id", "rIdOther")
    sheets.append(sheet)
    made.book.put(WORKBOOK, book)
    made.book.put(RELATIONS, relations)
    return f"with a {kind}"


@damage("parts", Level.SAME)
def texts_in_the_cells(made: Made, random: Random) -> str:
    """Put each text into its own cell; the shared ones stay where they are."""
    strings = [
        "".join(t.text or "" for t in named(item, "t"))
        for item in made.book.root(STRINGS)
        if local(item) == "si"
    ]
    part = made.part(pick(random, made.checked_sheets))
    root = made.book.root(part)
    for cell in list(named(root, "c")):
        if cell.get("t") == "s" and not any(local(one) == "f" for one in cell):
            value = next((one.text for one in cell if local(one) == "v"), None)
            if value is None or not value.isdigit() or int(value) >= len(strings):
                raise NotApplicableError
            set_cell(cell, value=strings[int(value)])
    made.book.put(part, root)
    return f"{part}: texts in the cells"


@damage("parts", Level.ANY)
def strings_damaged(made: Made, random: Random) -> str:
    root = made.book.root(STRINGS)
    items = [one for one in root if local(one) == "si"]
    how = random.choice(["one gone", "all gone", "one emptied", "shuffled", "phonetic", "rich"])
    one = pick(random, items)
    match how:
        case "one gone":
            root.remove(one)
        case "all gone":
            for item in items:
                root.remove(item)
        case "one emptied":
            for inside in list(one):
                one.remove(inside)
        case "shuffled":
            random.shuffle(items)
            for item in items:
                root.append(item)
        case _:
            name = "rPh" if how == "phonetic" else "r"
            holder = one.makeelement(one.tag.replace("}si", "}" + name))
            text = holder.makeelement(one.tag.replace("}si", "}t"))
            text.text = "w7"
            holder.append(text)
            one.append(holder)
    made.book.put(STRINGS, root)
    return f"shared strings: {how}"
