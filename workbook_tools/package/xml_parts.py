"""Helpers for Open XML: safe parsing, children in the schema's order, only legal characters."""

import re
from collections.abc import Sequence
from typing import Any

from lxml import etree

from workbook_tools.notation.addresses import MAX_TEXT_LENGTH

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DIGITS = re.compile("[0-9]{1,9}")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def parsed(content: bytes) -> Any:
    """Return the root of a part's XML; raises ``etree.XMLSyntaxError`` if it is not XML.

    Comments and processing instructions are dropped: no program keeps them, and cell formats are
    found by their index among the children.
    """
    # ``archive`` has already limited the size of the part and refused document types.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(content, parser)


def serialized(root: Any) -> bytes:
    """Return a part's XML."""
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return written


def namespace(root: Any) -> str:
    """Return the namespace of an element; Strict Open XML has its own namespaces."""
    return etree.QName(root).namespace or ""


def local_name(element: Any) -> str:
    """Return an element's name without its namespace."""
    name: str = etree.QName(element).localname
    return name


def added(parent: Any, tag: str, /, **attributes: str) -> Any:
    """Append a child in its parent's namespace."""
    return etree.SubElement(parent, etree.QName(namespace(parent), tag), attributes)


def inserted(parent: Any, name: str, order: Sequence[str]) -> Any:
    """Insert a child at its place in the schema's ``order`` of children, and return it.

    It comes after others of its name.
    """
    before = set(order[: order.index(name) + 1])
    place = max(
        (k for k, child in enumerate(parent, start=1) if local_name(child) in before), default=0
    )
    child = etree.Element(etree.QName(namespace(parent), name), nsmap=parent.nsmap)
    parent.insert(place, child)
    return child


def found_or_inserted(parent: Any, name: str, order: Sequence[str]) -> Any:
    """Return the child of this name, inserted if it is missing."""
    child = parent.find(f"{{*}}{name}")
    return inserted(parent, name, order) if child is None else child


def number(text: str | None, default: int = 0) -> int:
    """Return the whole number in an attribute; the default if it holds none."""
    return int(text) if text and _DIGITS.fullmatch(text) else default


def write_text(element: Any, text: str) -> None:
    """Put a text into an element, cut to what a cell holds, without characters illegal in XML."""
    element.text = _NOT_IN_XML.sub("", text)[:MAX_TEXT_LENGTH]
    if element.text != element.text.strip() or "\n" in element.text:
        element.set(_SPACE, "preserve")
