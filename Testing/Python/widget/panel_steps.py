"""What a person does with the panel and the slice views, and pictures of it: Testing/Python/widget/pictures holds one of each step."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PICTURES = Path(__file__).parent / "pictures"


def wait(done, seconds=120) -> None:
    """Let events happen until ``done()``."""
    import slicer

    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        slicer.app.processEvents()
        time.sleep(0.01)


def shoot(panel, name: str, views=("Red",)) -> None:
    """Write a picture of the panel, with slice views beside it one below the other, for a person to look at."""
    import qt
    import slicer

    slicer.app.processEvents()
    left = panel.parent.grab()
    grabs = [slicer.app.layoutManager().sliceWidget(view).grab() for view in views]
    shot = qt.QtGui.QPixmap(left.width() + max(grab.width() for grab in grabs) + 16, left.height())
    shot.fill(qt.QtGui.QColor(40, 40, 44))
    painter, y = qt.QtGui.QPainter(shot), 6
    painter.drawPixmap(0, 0, left)
    for grab in grabs:
        painter.drawPixmap(left.width() + 8, y, grab)
        y += grab.height() + 8
    painter.end()
    PICTURES.mkdir(exist_ok=True)
    assert shot.save(str(PICTURES / f"{name}.png"))


@contextmanager
def declining(name: str):
    """Answer each question that is asked inside with its default button, however late it comes; what was asked, and a picture of it."""
    import qt

    asked, timer = [], qt.QTimer()

    def answer():
        box = qt.application.activeModalWidget()
        if box is not None:
            asked.append(f"{box.text} {box.informativeText}")
            PICTURES.mkdir(exist_ok=True)
            box.grab().save(str(PICTURES / f"{name}.png"))
            box.defaultButton().click()

    timer.setInterval(20)
    timer.connect("timeout()", answer)
    timer.start()
    try:
        yield asked
    finally:
        timer.stop()


def press(view: str, *positions) -> None:
    """Press the left button at the first position (slice pixels), move along the others, and release."""
    import slicer

    interactor = slicer.app.layoutManager().sliceWidget(view).sliceView().interactor()
    for number, (x, y) in enumerate(positions):
        interactor.SetEventInformation(int(x), int(y), 0, 0, chr(0), 0, None)
        interactor.InvokeEvent("MouseMoveEvent")
        if number == 0:
            interactor.InvokeEvent("LeftButtonPressEvent")
    interactor.InvokeEvent("LeftButtonReleaseEvent")
    slicer.app.processEvents()


def pixel_of(view: str, ras) -> tuple[float, float]:
    """Where a RAS position is in a slice view."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(_to_ras(view))
    matrix.Invert()
    return matrix.MultiplyPoint((*ras, 1))[:2]


def ras_of(view: str, x: float, y: float) -> tuple[float, float, float]:
    """The RAS position under a pixel of a slice view, as :func:`press` takes it."""
    return _to_ras(view).MultiplyPoint((int(x), int(y), 0, 1))[:3]


def _to_ras(view: str):
    import slicer

    return slicer.app.layoutManager().sliceWidget(view).mrmlSliceNode().GetXYToRAS()
