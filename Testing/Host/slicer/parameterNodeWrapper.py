"""``slicer.parameterNodeWrapper`` for the host: typed parameters in a MRML node, bound to widgets both ways.

Knows the types and widgets that the panel uses, and refuses others as Slicer does (a combo box for text needs a ``Choice``).
"""

from __future__ import annotations

import enum
import pathlib
import types
import typing
import weakref
from dataclasses import dataclass

import ctk
import qt
import slicer
import vtk

PROPERTY = "SlicerParameterName"


@dataclass(frozen=True)
class WithinRange:
    minimum: float
    maximum: float


class Choice:
    def __init__(self, choices):
        self.choices = list(choices)


class Default:
    def __init__(self, value):
        self.value = value


def parameterNodeWrapper(wrapped):
    hints = typing.get_type_hints(wrapped, include_extras=True)
    parameters = {name: _Parameter(name, hint, getattr(wrapped, name, None)) for name, hint in hints.items()}

    class ParameterNode:
        allParameters = parameters

        def __init__(self, parameterNode):
            self.__dict__.update(parameterNode=parameterNode, _bound={}, _writing=False, _values={})
            for parameter in parameters.values():
                if not parameter.isIn(parameterNode):
                    parameter.write(parameterNode, parameter.default)
            self._read()
            values = self._values  # not self: the observer would keep it
            tag = parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: _readInto(values, parameters, parameterNode))
            weakref.finalize(self, parameterNode.RemoveObserver, tag)

        def _read(self):
            """As in Slicer what was read is kept until the node is modified: a node that is added afterwards is not noticed."""
            _readInto(self._values, parameters, self.parameterNode)

        def __getattr__(self, name):
            if name in parameters:
                return self._values[name]
            return getattr(self.parameterNode, name)

        def __setattr__(self, name, value):
            if name not in parameters:
                raise AttributeError(f"no parameter {name}")
            with slicer.util.NodeModify(self.parameterNode):  # who is told of it finds the new value
                parameters[name].write(self.parameterNode, value)
                self._read()

        def connectGui(self, gui):
            tag = len(self._bound)
            bound = {widget.property(PROPERTY): widget for widget in vars(gui).values() if widget.property(PROPERTY)}
            for name, widget in bound.items():
                if name not in parameters:
                    raise ValueError(f"Cannot find a param with the given name: {name}")
                parameters[name].prepare(widget)
            observer = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show(tag))
            slots = []
            self._bound[tag] = (bound, slots, observer)
            self._show(tag)
            for name, widget in bound.items():
                signal = getattr(widget, parameters[name].signal(widget))
                slot = self._reader(name, widget)
                signal.connect(slot)
                slots.append((signal, slot))
            return tag

        def disconnectGui(self, tag):
            _, slots, observer = self._bound.pop(tag)
            self.parameterNode.RemoveObserver(observer)
            for signal, slot in slots:
                signal.disconnect(slot)

        def _reader(self, name, widget):
            def read(*_):
                if not self._writing:
                    setattr(self, name, parameters[name].fromWidget(widget))

            return read

        def _show(self, tag):
            if self._writing or tag not in self._bound:
                return
            self.__dict__["_writing"] = True
            try:
                for name, widget in self._bound[tag][0].items():
                    parameters[name].toWidget(widget, getattr(self, name))
            finally:
                self.__dict__["_writing"] = False

    ParameterNode.__name__ = wrapped.__name__
    return ParameterNode


def _readInto(values, parameters, node):
    """A node that is being reset, as the scene is closed, holds nothing for a moment."""
    values.update({name: parameter.read(node) for name, parameter in parameters.items() if parameter.isIn(node)})


class _Parameter:
    def __init__(self, name, hint, default):
        self.name = name
        self.annotations = ()
        if typing.get_origin(hint) is typing.Annotated:
            hint, *self.annotations = typing.get_args(hint)
        self.nodes = [part for part in (typing.get_args(hint) or (hint,)) if self._isNode(part)]
        self.mayBeNone = hint in self.nodes or type(None) in typing.get_args(hint)
        self.type = hint
        if typing.get_origin(hint) in (typing.Union, types.UnionType) and not self.nodes:
            raise TypeError(f"no serializer for {hint}")
        defaults = [annotation.value for annotation in self.annotations if isinstance(annotation, Default)]
        if default is None and not self.nodes:
            default = defaults[0] if defaults else (next(iter(hint)) if issubclass(hint, enum.Enum) else hint())
        self.default = default

    @staticmethod
    def _isNode(part):
        return isinstance(part, type) and issubclass(part, slicer.vtkMRMLNode)

    def annotation(self, kind):
        return next((annotation for annotation in self.annotations if isinstance(annotation, kind)), None)

    def isIn(self, node):
        if self.nodes and not self.mayBeNone:
            # Slicer's union of nodes starts as None, and cannot write that unless None is one of its types
            raise TypeError("Unable to write value 'None' of type '<class 'NoneType'>'")
        return bool(self.nodes) or node.GetParameter(self.name) != ""

    def read(self, node):
        if self.nodes:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.type is bool:
            return text == "True"
        return self.type[text] if issubclass(self.type, enum.Enum) else self.type(text)

    def write(self, node, value):
        if self.nodes:
            if value is not None and not isinstance(value, tuple(self.nodes)):
                raise TypeError(f"{self.name} cannot be a {type(value).__name__}")
            node.SetNodeReferenceID(self.name, value.GetID() if value else None)
            node.Modified()
            return
        if not isinstance(value, self.type if self.type is not float else (float, int)):
            raise TypeError(f"{self.name} cannot be a {type(value).__name__}")
        limits, choice = self.annotation(WithinRange), self.annotation(Choice)
        if (limits and not limits.minimum <= value <= limits.maximum) or (choice and value not in choice.choices):
            raise ValueError(f"{self.name} cannot be {value}")
        node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))

    def prepare(self, widget):
        if isinstance(widget, slicer.qMRMLNodeComboBox):
            widget.nodeTypes = [part.__name__ for part in self.nodes]
        elif isinstance(widget, qt.QtWidgets.QComboBox):
            choice = self.annotation(Choice)
            if choice is None and not issubclass(self.type, enum.Enum):
                raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
            self.choices = choice.choices if choice else list(self.type)
            label = getattr(self.type, "label", lambda member: getattr(member, "name", str(member)))
            widget.clear()
            widget.addItems([label(member) for member in self.choices])
        elif isinstance(widget, (qt.QtWidgets.QSpinBox, ctk.ctkSliderWidget)):
            limits = self.annotation(WithinRange)
            widget.minimum, widget.maximum = (limits.minimum, limits.maximum) if limits else (-(2**31), 2**31 - 1)

    def signal(self, widget):
        for kind, signal in (
            (slicer.qMRMLNodeComboBox, "currentNodeChanged"),
            (qt.QtWidgets.QComboBox, "currentIndexChanged"),
            (qt.QtWidgets.QCheckBox, "stateChanged"),
            (qt.QtWidgets.QPushButton, "toggled"),
            (qt.QtWidgets.QSpinBox, "valueChanged"),
            (ctk.ctkSliderWidget, "valueChanged"),
            (qt.QtWidgets.QLineEdit, "textChanged"),
            (ctk.ctkPathLineEdit, "currentPathChanged"),
        ):
            if isinstance(widget, kind):
                return signal
        raise RuntimeError(f"Unable to create GUI connector from datatype {self.type} to widget type {type(widget)}")

    def fromWidget(self, widget):
        if self.nodes:
            return widget.currentNode()
        if isinstance(widget, qt.QtWidgets.QComboBox):
            return self.choices[widget.currentIndex]
        if isinstance(widget, qt.QtWidgets.QAbstractButton):
            return widget.checked
        if isinstance(widget, qt.QtWidgets.QLineEdit):
            return widget.text
        return self.type(widget.currentPath if isinstance(widget, ctk.ctkPathLineEdit) else widget.value)

    def toWidget(self, widget, value):
        if self.nodes:
            widget.setCurrentNode(value)
        elif isinstance(widget, qt.QtWidgets.QComboBox):
            widget.currentIndex = self.choices.index(value)
        elif isinstance(widget, qt.QtWidgets.QAbstractButton):
            widget.checked = value
        elif isinstance(widget, qt.QtWidgets.QLineEdit):
            if widget.text != value:
                widget.text = value
        elif isinstance(widget, ctk.ctkPathLineEdit):
            if pathlib.Path(widget.currentPath) != value:
                widget.currentPath = str(value)
        else:
            widget.value = value
