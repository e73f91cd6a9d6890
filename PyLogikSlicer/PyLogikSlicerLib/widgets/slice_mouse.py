"""The mouse in the slice views: clicks, one click that a caller waits for, and drawing one rectangle."""

from __future__ import annotations

from collections.abc import Callable

import slicer
import vtk

# Priority of the observers: before those of the views, since drawing must neither pan a view nor change the window.
PRIORITY = 100.0
# Movement in pixels, along either axis, from which on it is a drag and not a click.
CLICK_PIXELS = 3
# Color (RGB, 0 to 1) and width (pixels) of the rectangle that is being drawn.
RUBBER_BAND_COLOR = (1.0, 0.8, 0.1)
RUBBER_BAND_WIDTH = 2
EVENTS = ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent", "KeyPressEvent")

Ras = list[float]


class SliceMouse:
    """Observes all slice views between :meth:`start` and :meth:`stop`; ``onClick(ras)`` gets the clicks that no caller waits for."""

    def __init__(self, onClick: Callable[[Ras], None]) -> None:
        self._onClick = onClick
        self._observed: list[tuple] = []
        self._pressed: tuple[str, tuple[int, int]] | None = None
        self._taker: Callable | None = None
        self._onEnded: Callable[[], None] | None = None
        self._drawing = False
        self._band = _RubberBand()

    def start(self) -> None:
        """Observe the slice views of the present layout; to be called again when the layout has changed."""
        self.stop()
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames() if manager else ():
            interactor = manager.sliceWidget(name).sliceView().interactor()
            for event in EVENTS:
                self._observe(name, interactor, event)

    def stop(self) -> None:
        """End the waiting, and observe nothing any more."""
        self.cancel()
        for interactor, tag in self._observed:
            interactor.RemoveObserver(tag)
        self._observed = []

    def takeClick(self, taker: Callable[[Ras], None], onEnded: Callable[[], None]) -> None:
        """Wait for a click, which goes to ``taker(ras)`` and to nobody else; Esc ends the waiting.

        ``onEnded()`` is called when the waiting is over, either before ``taker`` or without it.
        """
        self._wait(taker, onEnded, drawing=False)

    def takeRectangle(self, taker: Callable[[list[Ras]], None], onEnded: Callable[[], None]) -> None:
        """Wait for a rectangle to be drawn, whose corners go to ``taker(four corners)``; the rest as in :meth:`takeClick`."""
        self._wait(taker, onEnded, drawing=True)

    def cancel(self) -> None:
        """End the waiting, and call its ``onEnded``."""
        onEnded, self._onEnded, self._taker, self._pressed = self._onEnded, None, None, None
        self._band.hide()
        if onEnded:
            onEnded()

    def _wait(self, taker, onEnded, drawing: bool) -> None:
        self.cancel()
        self._taker, self._onEnded, self._drawing = taker, onEnded, drawing

    def _observe(self, name: str, interactor, event: str) -> None:
        tag = None

        def callback(caller, event):
            if self._handle(name, caller, event):
                caller.GetCommand(tag).SetAbortFlag(1)

        tag = interactor.AddObserver(event, callback, PRIORITY)
        self._observed.append((interactor, tag))

    def _handle(self, name: str, interactor, event: str) -> bool:
        """React to an event of a slice view; returns whether the event is kept from all other observers."""
        x, y = interactor.GetEventPosition()
        waiting = self._taker is not None
        if event == "KeyPressEvent":
            if waiting and interactor.GetKeySym() == "Escape":
                self.cancel()
                return True
            return False
        if event == "LeftButtonPressEvent":
            self._pressed = name, (x, y)
        elif self._pressed and self._pressed[0] == name:
            start = self._pressed[1]
            if event == "MouseMoveEvent" and waiting and self._drawing:
                self._band.show(name, start, (x, y))
            elif event == "LeftButtonReleaseEvent":
                self._pressed = None
                self._onReleased(name, start, (x, y))
        return waiting

    def _onReleased(self, name: str, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Pass on a click or a rectangle, in slice pixels, that ended with the release of the button."""
        self._band.hide()
        clicked = max(abs(end[0] - start[0]), abs(end[1] - start[1])) < CLICK_PIXELS
        if self._taker is None:
            if clicked:
                self._onClick(_ras(name, end))
        elif not self._drawing:
            self._give(_ras(name, end))
        elif not clicked:
            self._give([_ras(name, corner) for corner in _rectangle(start, end)])

    def _give(self, clickOrRectangle) -> None:
        """End the waiting, and pass the click or the rectangle on."""
        taker = self._taker
        self.cancel()
        if taker is not None:
            taker(clickOrRectangle)


class _RubberBand:
    """The outline of the rectangle that is being drawn, in pixels of one slice view."""

    def __init__(self) -> None:
        self._points, self._actor, self._shownIn = vtk.vtkPoints(), vtk.vtkActor2D(), None
        line = vtk.vtkCellArray()
        line.InsertNextCell(5)
        for corner in (0, 1, 2, 3, 0):
            line.InsertCellPoint(corner)
        self._points.SetNumberOfPoints(4)
        shape = vtk.vtkPolyData()
        shape.SetPoints(self._points)
        shape.SetLines(line)
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputData(shape)
        self._actor.SetMapper(mapper)
        self._actor.GetProperty().SetColor(*RUBBER_BAND_COLOR)
        self._actor.GetProperty().SetLineWidth(RUBBER_BAND_WIDTH)

    def show(self, name: str, start: tuple[int, int], end: tuple[int, int]) -> None:
        for number, (x, y) in enumerate(_rectangle(start, end)):
            self._points.SetPoint(number, x, y, 0)
        self._points.Modified()
        view = slicer.app.layoutManager().sliceWidget(name).sliceView()
        if self._shownIn is None:
            view.renderWindow().GetRenderers().GetFirstRenderer().AddViewProp(self._actor)
            self._shownIn = view
        view.scheduleRender()

    def hide(self) -> None:
        if self._shownIn is not None:
            self._shownIn.renderWindow().GetRenderers().GetFirstRenderer().RemoveViewProp(self._actor)
            self._shownIn.scheduleRender()
            self._shownIn = None


def _rectangle(start: tuple[int, int], end: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """The corners of the rectangle between two opposite ones, in the order of the outline."""
    return start, (end[0], start[1]), end, (start[0], end[1])


def _ras(name: str, position: tuple[int, int]) -> Ras:
    """The position (RAS, mm) of a pixel of a slice view."""
    sliceNode = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
    return list(sliceNode.GetXYToRAS().MultiplyPoint((*position, 0, 1))[:3])
