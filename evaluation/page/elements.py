"""HTML as a tree, so that whatever stands in a run's files is escaped when it is written."""

from __future__ import annotations

import re
from xml.etree import ElementTree

Element = ElementTree.Element

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def element(tag: str, *content: Element | str, **attributes: str | float) -> Element:
    """Return an element.

    Args:
      tag: its name.
      content: what is in it, in this order.
      attributes: by name; `class_` is class, `stroke_width` is stroke-width.
    """
    made = Element(tag)
    for name, value in attributes.items():
        text = f"{value:g}" if isinstance(value, float) else str(value)
        made.set(name.rstrip("_").replace("_", "-"), _clean(text))
    for each in content:
        if isinstance(each, str):
            _append_text(made, _clean(each))
        else:
            made.append(each)
    return made


def to_html(root: Element) -> bytes:
    """Return a document in UTF-8."""
    text = ElementTree.tostring(root, encoding="unicode", method="html")
    return b"<!DOCTYPE html>\n" + text.encode("utf-8", "replace") + b"\n"  # lone surrogates


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _clean(text: str) -> str:
    """Take out what is no character, or turns the writing of what follows around."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
