"""Closed curves in the slice views whose control points a person drags: the selected region, and the region of interest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import slicer

# Size of the interaction handles in percent of the view; larger ones hide the text below.
INTERACTION_HANDLE_SCALE = 1.2
# Size of a control point in percent of the view.
GLYPH_SCALE = 1.6

# Positions (RAS, mm) of the control points of each polygon.
Polygons = Sequence[Sequence[Sequence[float]]]


class ControlPointCurves:
    """Shows polygons as curves, and calls ``onMoved(polygons)`` when a control point was dragged. They are never saved with the scene."""

    def __init__(self, name: str, color: tuple[float, float, float], onMoved: Callable[[list], None]) -> None:
        self._name, self._color, self._onMoved = name, color, onMoved
        self._nodes: list[tuple] = []

    def show(self, polygons: Polygons) -> None:
        """Show these polygons and no others."""
        if [len(polygon) for polygon in polygons] != [_pointCount(node, display) for node, display, _ in self._nodes]:
            self.hide()
            self._nodes = [self._makeCurve(len(polygon)) for polygon in polygons]
        for (node, _, _), polygon in zip(self._nodes, polygons, strict=True):
            with slicer.util.NodeModify(node):
                for index, point in enumerate(polygon):
                    node.SetNthControlPointPosition(index, *point)

    def hide(self) -> None:
        """Remove the curves from the scene."""
        for node, display, tag in self._nodes:
            node.RemoveObserver(tag)
            for removed in (display, node):  # the scene would keep the display node, and go on drawing it
                if removed.GetScene():
                    removed.GetScene().RemoveNode(removed)
        self._nodes = []

    def forget(self) -> None:
        """Forget the nodes, which a scene that is closed removes."""
        self._nodes = []

    def polygons(self) -> list[list[list[float]]]:
        """The positions of the control points as they are now."""
        return [[list(node.GetNthControlPointPosition(i)) for i in range(node.GetNumberOfControlPoints())] for node, _, _ in self._nodes]

    def _makeCurve(self, count: int) -> tuple:
        """A curve with this many control points: its node, its display node, and the tag of its observer."""
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
        display.SetVisibility3D(False)  # in a 3D view its arrows would be shown without the image
        display.SetGlyphScale(GLYPH_SCALE)
        # Arrows in the middle move the whole outline; rotating and scaling it is not wanted.
        display.SetHandlesInteractive(True)
        display.SetTranslationHandleVisibility(True)
        display.SetRotationHandleVisibility(False)
        display.SetScaleHandleVisibility(False)
        display.SetInteractionHandleScale(INTERACTION_HANDLE_SCALE)
        tag = node.AddObserver(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent, lambda *_: self._onMoved(self.polygons()))
        return node, display, tag


def _pointCount(node, display) -> int:
    """The number of control points of a curve; 0 where a person removed it or its display node."""
    return node.GetNumberOfControlPoints() if node.GetScene() and display.GetScene() else 0
