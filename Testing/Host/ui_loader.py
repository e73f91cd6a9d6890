"""``QUiLoader`` for the host: reads the part of Qt Designer's XML that the panel uses, and refuses what it does not know.

Connections that the file declares between widgets (``mrmlSceneChanged`` to ``setMRMLScene``) are made as well.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import qt


class UnknownXml(Exception):
    """The .ui file holds something this loader does not know."""


class QUiLoader:
    def load(self, file):
        root = ElementTree.fromstring(bytes(file.readAll()).decode("utf-8"))
        widgets: dict[str, object] = {}
        widget = _widget(root.find("widget"), None, widgets)
        for connection in root.iterfind("connections/connection"):
            sender, signal, receiver, slot = (connection.findtext(part) for part in ("sender", "signal", "receiver", "slot"))
            widgets[sender].connect(signal, getattr(widgets[receiver], slot.partition("(")[0]))
        return widget


def _class(name: str) -> type:
    import ctk
    import slicer

    for namespace in (ctk, slicer, qt):
        if hasattr(namespace, name):
            return getattr(namespace, name)
    raise UnknownXml(f"no widget {name}")


def _widget(element, parent, widgets):
    widget = _class(element.get("class"))(parent)
    widget.setObjectName(element.get("name"))
    widgets[element.get("name")] = widget
    for child in element:
        if child.tag == "property":
            _set_property(widget, child)
        elif child.tag == "layout":
            _layout(child, widget, widgets)
        elif child.tag == "item":
            (text,) = child.iterfind("property[@name='text']/string")
            widget.addItem(text.text)
        elif child.tag == "widget":
            _widget(child, widget, widgets)
        elif child.tag == "column":
            widget.setColumnCount(widget.columnCount + 1)
            (text,) = child.iterfind("property[@name='text']/string")
            widget.setHorizontalHeaderItem(widget.columnCount - 1, qt.QTableWidgetItem(text.text))
        else:
            raise UnknownXml(child.tag)
    return widget


def _layout(element, owner, widgets, nested=False):
    layout = getattr(qt, element.get("class"))()
    margins = dict.fromkeys(("leftMargin", "topMargin", "rightMargin", "bottomMargin"))
    for child in element.iterfind("property"):
        if child.get("name") in margins:
            margins[child.get("name")] = int(child.findtext("number"))
        elif child.get("name") == "spacing":
            layout.setSpacing(int(child.findtext("number")))
        elif child.get("name") in ("horizontalSpacing", "verticalSpacing"):
            layout.setProperty(child.get("name"), int(child.findtext("number")))
        else:
            _set_property(layout, child)
    if None not in margins.values():
        layout.setContentsMargins(*margins.values())
    elif nested:
        layout.setContentsMargins(0, 0, 0, 0)
    if not nested:
        owner.setLayout(layout)
    for item in element.iterfind("item"):
        _add(layout, item, widgets, owner)
    if element.get("stretch"):
        for index, factor in enumerate(element.get("stretch").split(",")):
            layout.setStretch(index, int(factor))
    return layout


def _add(layout, item, widgets, owner):
    place = [int(item.get(name)) for name in ("row", "column") if item.get(name)]
    (child,) = item
    if child.tag == "spacer":
        vertical = any("Vertical" in (value.text or "") for value in child.iter("enum"))
        policies = (qt.QSizePolicy.Policy.Minimum, qt.QSizePolicy.Policy.Expanding)
        layout.addItem(qt.QSpacerItem(0, 0, *(policies if vertical else policies[::-1])))
        return
    nested = child.tag == "layout"
    made = _layout(child, owner, widgets, nested=True) if nested else _widget(child, owner, widgets)
    if isinstance(layout, qt.QtWidgets.QFormLayout):
        roles = qt.QtWidgets.QFormLayout.ItemRole
        role = roles.SpanningRole if item.get("colspan") else (roles.LabelRole, roles.FieldRole)[place[1]]
        (layout.setLayout if nested else layout.setWidget)(place[0], role, made)
    else:
        (layout.addLayout if nested else layout.addWidget)(made, *place)


def _set_property(target, element) -> None:
    name, (value,) = element.get("name"), element
    kind, text = value.tag, value.text or ""
    if kind == "string":
        made = text
    elif kind == "bool":
        made = text == "true"
    elif kind == "number":
        made = int(text)
    elif kind == "double":
        made = float(text)
    elif kind == "stringlist":
        made = [string.text for string in value]
    elif kind == "size":
        made = qt.QSize(int(value.findtext("width")), int(value.findtext("height")))
    elif kind in ("enum", "set"):
        made = _enum(text)
    elif kind == "sizepolicy":
        made = qt.QSizePolicy(*(getattr(qt.QSizePolicy.Policy, value.get(side)) for side in ("hsizetype", "vsizetype")))
    else:
        raise UnknownXml(f"a property of kind {kind}")
    if not target.setProperty(name, made) and element.get("stdset") != "0":
        raise UnknownXml(f"{type(target).__name__} has no property {name}, or not of this kind")


def _enum(text: str):
    """``Qt::AlignLeft|Qt::AlignTop`` as PySide6's value."""
    made = None
    for part in text.split("|"):
        owner, _, name = part.rpartition("::")
        first, *steps = owner.split("::")
        found = getattr(qt, first) if first.startswith("Q") else _class(first)
        for step in (*steps, name):
            found = getattr(found, step)
        value = found
        made = value if made is None else made | value
    return made
