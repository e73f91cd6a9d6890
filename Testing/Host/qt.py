"""``qt`` for the host: PySide6's classes in one namespace, with PythonQt's manners.

A Qt property is an attribute (``button.text = "a"``; its setter methods stay), ``name`` is the object name, and signals are
connected by signature (``button.connect("clicked(bool)", function)``) as well as by ``button.clicked.connect(function)``.
"""

from __future__ import annotations

import inspect
import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtWidgets  # noqa: E402

# Left as methods. Qt asks Python for what it calls virtual, so that a property of the same name would ask itself without end; Qt 5
# has no property contentsMargins; singleShot is a function of the class too.
METHODS = {"QWidget.sizeHint", "QWidget.minimumSizeHint", "QProgressBar.text", "QLayout.contentsMargins", "QTimer.singleShot"}
# Base classes stay as they are: what Qt itself makes has to pass for them.
BASES = {"QObject", "QWidget"}

application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["host"])


class _Signals:
    """Connecting by signature. ``PySide6.QObject.connect`` cannot be replaced in place, so each class gets a subclass."""

    def connect(self, signature, function):
        getattr(self, signature.partition("(")[0]).connect(function)

    def disconnect(self, signature, function):
        getattr(self, signature.partition("(")[0]).disconnect(function)


def with_manners(base: type) -> type:
    """A subclass of a PySide6 class that connects by signature; for the host's own widgets too."""
    return type(base.__name__, (base,), {name: getattr(_Signals, name) for name in ("connect", "disconnect")})


def _attribute(name: str) -> property:
    return property(lambda self: QtCore.QObject.property(self, name), lambda self, value: QtCore.QObject.setProperty(self, name, value))


def _properties_become_attributes() -> None:
    for module in (QtCore, QtGui, QtWidgets):
        for base in [getattr(module, name) for name in dir(module)]:
            if inspect.isclass(base) and issubclass(base, QtCore.QObject):
                meta = base.staticMetaObject
                for index in range(meta.propertyOffset(), meta.propertyCount()):
                    name = meta.property(index).name()
                    if f"{base.__name__}.{name}" not in METHODS:
                        setattr(base, name, _attribute(name))
    QtCore.QObject.name = _attribute("objectName")
    QtWidgets.QDialog.exec_ = QtWidgets.QDialog.exec


_properties_become_attributes()


def __getattr__(name: str):
    if name == "QUiLoader":
        from ui_loader import QUiLoader

        return QUiLoader
    for module in (QtWidgets, QtGui, QtCore):
        if hasattr(module, name):
            found = getattr(module, name)
            if inspect.isclass(found) and issubclass(found, QtCore.QObject) and name not in BASES:
                found = with_manners(found)
            globals()[name] = found
            return found
    raise AttributeError(f"qt has no {name}")
