"""``qMRMLWidget`` and ``qMRMLNodeComboBox`` for the host."""

from __future__ import annotations

import qt
import slicer
from PySide6 import QtCore, QtWidgets


@qt.with_manners
class qMRMLWidget(QtWidgets.QWidget):
    """The top of every module's panel: tells those below which scene there is."""

    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene):
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self):
        return self._scene


@qt.with_manners
class qMRMLNodeComboBox(QtWidgets.QComboBox):
    """Chooses a node of some classes of the scene; follows what is added, renamed and removed."""

    currentNodeChanged = QtCore.Signal(object)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene, self._types, self._ids, self._flags, self._tags = None, [], [], {"noneEnabled": False}, []
        self._none = "None"
        self.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.currentIndexChanged.connect(lambda index: self.currentNodeChanged.emit(self.currentNode()))

    def setMRMLScene(self, scene):
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = (scene.NodeAddedEvent, scene.NodeRemovedEvent) if scene else ()
        self._tags = [scene.AddObserver(event, self._changed) for event in events]
        self._changed()

    def _changed(self, *_):
        current = self.currentNodeID
        nodes = [node for kind in self._types for node in slicer.util.getNodesByClass(kind, self._scene)] if self._scene else []
        nodes = [node for node in dict.fromkeys(nodes) if not node.GetHideFromEditors()]
        wanted = ([None] if self._flags["noneEnabled"] else []) + [node.GetID() for node in nodes]
        if wanted == self._ids:
            return
        self.blockSignals(True)
        self.clear()
        self._ids = wanted
        self.addItems(([self._none] if self._flags["noneEnabled"] else []) + [node.GetName() for node in nodes])
        self.setCurrentIndex(wanted.index(current) if current in wanted else (0 if self._flags["noneEnabled"] else -1))
        self.blockSignals(False)
        if self.currentNodeID != current:
            self.currentNodeChanged.emit(self.currentNode())

    def currentNode(self):
        return self._scene.GetNodeByID(self.currentNodeID) if self._scene and self.currentNodeID else None

    def setCurrentNode(self, node):
        self._changed()
        nodeID = node.GetID() if node else None
        self.setCurrentIndex(self._ids.index(nodeID) if nodeID in self._ids else (0 if self._flags["noneEnabled"] else -1))

    def nodeCount(self):
        return len([nodeID for nodeID in self._ids if nodeID])

    def _set_types(self, types):
        self._types = list(types)
        self._changed()

    def _set_none(self, enabled):
        self._flags["noneEnabled"] = enabled
        self._changed()

    def _set_none_display(self, text):
        self._none = text
        self._ids = []
        self._changed()

    def _flag(name):
        return QtCore.Property(bool, lambda self: self._flags.get(name, True), lambda self, value: self._flags.update({name: value}))

    currentNodeID = property(lambda self: self._ids[self.currentIndex] if 0 <= self.currentIndex < len(self._ids) else None)
    nodeTypes = QtCore.Property("QStringList", lambda self: self._types, _set_types)
    noneEnabled = QtCore.Property(bool, lambda self: self._flags["noneEnabled"], _set_none)
    noneDisplay = QtCore.Property(str, lambda self: self._none, _set_none_display)
    addEnabled, removeEnabled, renameEnabled = _flag("addEnabled"), _flag("removeEnabled"), _flag("renameEnabled")
    showChildNodeTypes, showHidden = _flag("showChildNodeTypes"), _flag("showHidden")
