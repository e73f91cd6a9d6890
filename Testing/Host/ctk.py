"""``ctk`` for the host: the few widgets that the panel uses, with the properties and signals that it relies on."""

from __future__ import annotations

import qt
from PySide6 import QtCore, QtWidgets


@qt.with_manners
class ctkCollapsibleButton(QtWidgets.QWidget):
    """A header that shows and hides what lies below it."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._header = QtWidgets.QToolButton(self)
        self._header.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._header.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._header.clicked.connect(lambda: self.setProperty("collapsed", not self._collapsed))
        self._collapsed = False
        self._show()

    def resizeEvent(self, event):
        self._header.setGeometry(0, 0, event.size().width(), self._header.sizeHint().height())

    def setLayout(self, layout):
        left, top, right, bottom = (getattr(layout.contentsMargins(), side)() for side in ("left", "top", "right", "bottom"))
        layout.setContentsMargins(left, top + self._header.sizeHint().height(), right, bottom)
        super().setLayout(layout)

    def _show(self):
        self._header.setArrowType(QtCore.Qt.ArrowType.RightArrow if self._collapsed else QtCore.Qt.ArrowType.DownArrow)
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget) and child is not self._header:
                child.setVisible(not self._collapsed)
        self.setMaximumHeight(self._header.sizeHint().height() if self._collapsed else 16777215)

    def _set_collapsed(self, collapsed):
        if collapsed != self._collapsed:
            self._collapsed = collapsed
            self._show()
            self.contentsCollapsed.emit(collapsed)

    text = QtCore.Property(str, lambda self: self._header.text, lambda self, text: self._header.setText(text))
    collapsed = QtCore.Property(bool, lambda self: self._collapsed, _set_collapsed)


@qt.with_manners
class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a path, and a button to choose it."""

    currentPathChanged = QtCore.Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._line, browse = QtWidgets.QLineEdit(), QtWidgets.QToolButton()
        browse.setText("...")
        row.addWidget(self._line)
        row.addWidget(browse)
        self._line.textChanged.connect(self.currentPathChanged.emit)
        self.setFocusProxy(self._line)

    currentPath = QtCore.Property(str, lambda self: self._line.text, lambda self, path: self._line.setText(path))
    filters = QtCore.Property(int, lambda self: self._filters, lambda self, value: setattr(self, "_filters", value))
    settingKey = QtCore.Property(str, lambda self: self._key, lambda self, value: setattr(self, "_key", value))
    _filters, _key = 0, ""

    class Filter:
        Dirs, Files = 1, 2

    Dirs, Files = Filter.Dirs, Filter.Files


@qt.with_manners
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a number box beside it."""

    valueChanged = QtCore.Signal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider, self._box = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal), QtWidgets.QDoubleSpinBox()
        row.addWidget(self._slider)
        row.addWidget(self._box)
        self._box.setRange(0, 99)
        self._box.valueChanged.connect(self._changed)
        self._slider.valueChanged.connect(lambda position: self._box.setValue(position * self._box.singleStep))

    def _changed(self, value):
        self._slider.blockSignals(True)
        self._slider.setRange(round(self._box.minimum / self._box.singleStep), round(self._box.maximum / self._box.singleStep))
        self._slider.setValue(round(value / self._box.singleStep))
        self._slider.blockSignals(False)
        self.valueChanged.emit(value)

    value = QtCore.Property(float, lambda self: self._box.value, lambda self, value: self._box.setValue(value))
    minimum = QtCore.Property(float, lambda self: self._box.minimum, lambda self, value: self._box.setMinimum(value))
    maximum = QtCore.Property(float, lambda self: self._box.maximum, lambda self, value: self._box.setMaximum(value))
    singleStep = QtCore.Property(float, lambda self: self._box.singleStep, lambda self, value: self._box.setSingleStep(value))
    decimals = QtCore.Property(int, lambda self: self._box.decimals, lambda self, value: self._box.setDecimals(value))


@qt.with_manners
class ctkSearchBox(QtWidgets.QLineEdit):
    """A line edit with a magnifying glass."""
