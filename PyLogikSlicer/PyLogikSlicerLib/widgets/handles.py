"""Handles: closed curves in the slice views whose points a person drags, for the selected region and for the region of interest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import slicer

# Percent of the view: the text below has to be read.
HANDLE_SCALE = 1.2

Polygons = Sequence[Sequence[Sequence[float]]]


class Handles:
    """Shows polygons (lists of RAS points) and calls ``onMoved(polygons)`` when a point was dragged. Never saved with the scene."""

    def __init__(self, name: str, color: tuple[float, float, float], onMoved: Callable[[list], None]) -> None:
        self._name, self._color, self._onMoved = name, color, onMoved
        self._nodes: list[tuple] = []

    def show(self, polygons: Polygons) -> None:
        """Show these and no others."""
        if [len(polygon) for polygon in polygons] != [_pointsOf(node, display) for node, display, _ in self._nodes]:
            self.hide()
            self._nodes = [self._made(len(polygon)) for polygon in polygons]
        for (node, _, _), polygon in zip(self._nodes, polygons, strict=True):
            with slicer.util.NodeModify(node):
                for index, point in enumerate(polygon):
                    node.SetNthControlPointPosition(index, *point)

    def hide(self) -> None:
        for node, display, tag in self._nodes:
            node.RemoveObserver(tag)
            for gone in (display, node):  # a display node would stay behind, and go on being drawn
                if gone.GetScene():
                    gone.GetScene().RemoveNode(gone)
        self._nodes = []

    def forget(self) -> None:
        """The scene was closed, and the nodes are gone with it."""
        self._nodes = []

    def polygons(self) -> list[list[list[float]]]:
        return [[list(node.GetNthControlPointPosition(i)) for i in range(node.GetNumberOfControlPoints())] for node, _, _ in self._nodes]

    def _made(self, count: int) -> tuple:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsClosedCurveNode", self._name)
        node.SetCurveTypeToLinear()
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        for _ in range(count):
            node.AddControlPoint([0.0, 0.0, 0.0])
        node.SetFixedNumberOfControlPoints(True)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetSelectedColor(*self._color)
        display.SetColor(*self._color)
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        display.SetFillVisibility(False)
        display.SetVisibility3D(False)  # it is the image that is looked at, and the arrows would stand there alone
        display.SetGlyphScale(1.6)
        # Arrows in the middle move the whole outline; turning it or scaling it from there is not what anybody wants.
        display.SetHandlesInteractive(True)
        display.SetTranslationHandleVisibility(True)
        display.SetRotationHandleVisibility(False)
        display.SetScaleHandleVisibility(False)
        display.SetInteractionHandleScale(HANDLE_SCALE)
        tag = node.AddObserver(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent, lambda *_: self._onMoved(self.polygons()))
        return node, display, tag


def _pointsOf(node, display) -> int:
    """How many points a curve has; 0 where a person removed it, or its display."""
    return node.GetNumberOfControlPoints() if node.GetScene() and display.GetScene() else 0
