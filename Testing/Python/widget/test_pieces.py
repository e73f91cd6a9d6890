"""Pieces of the panel by themselves: the time that is left, the mouse in the slice views, handles, packages."""

from __future__ import annotations

import numpy as np
import pytest
from panel_steps import ROOT, pixel_of, press


@pytest.fixture
def image(host):
    """A volume of one slice with a bright square, shown in the slice views; rotated, so that x is not simply column."""
    import slicer

    slicer.mrmlScene.Clear(0)
    pixels = np.zeros((1, 120, 160), np.uint8)
    pixels[0, 40:60, 50:90] = 200
    node = slicer.util.addVolumeFromArray(pixels)
    node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    yield node
    slicer.mrmlScene.Clear(0)


@pytest.fixture
def mouse(image):
    from PyLogikSlicerLib.widgets.slice_mouse import SliceMouse

    clicks = []
    made = SliceMouse(clicks.append)
    made.start()
    yield made, clicks
    made.stop()


def test_the_time_left_is_told_once_it_can_be_known(host):
    from PyLogikSlicerLib.core.progress import Progress
    from PyLogikSlicerLib.widgets.run_part import TimeLeft

    seconds = iter([0, 0, 0, 2, 4, 4, 4])
    clock = TimeLeft(lambda: next(seconds))
    assert clock.describe(Progress("examine", 0, 100)) == "Looking for text: frame 0 of 100"
    assert clock.describe(Progress("examine", 4, 100)) == "Looking for text: frame 4 of 100, about 50 s left"
    assert clock.describe(Progress("examine", 8, 100)) == "Looking for text: frame 8 of 100, about 50 s left"
    assert clock.describe(Progress("verify", 0, 100)) == "Verifying: frame 0 of 100", "every stage has its own pace"


@pytest.mark.parametrize(("seconds", "told"), [(3, "a few seconds left"), (44, "about 40 s left"), (130, "about 2 min left")])
def test_a_duration_is_told_as_a_person_would(host, seconds, told):
    from PyLogikSlicerLib.widgets.run_part import formatTimeLeft

    assert formatTimeLeft(seconds) == told


def test_a_click_in_any_slice_view_tells_its_place(mouse, image):
    _, clicks = mouse
    press("Red", pixel_of("Red", (-70, -50, 0)))
    assert np.allclose(clicks, [[-70, -50, 0]], atol=0.6)
    press("Green", (300, 220))
    assert len(clicks) == 2


def test_dragging_is_no_click(mouse):
    _, clicks = mouse
    press("Red", (100, 100), (140, 120))
    assert not clicks


def test_a_rectangle_is_drawn_without_changing_the_window_of_the_image(mouse, image):
    made, clicks = mouse
    drawn, ended = [], []
    before = image.GetDisplayNode().GetWindow(), image.GetDisplayNode().GetLevel()
    made.takeRectangle(drawn.append, lambda: ended.append(True))
    corner, opposite = pixel_of("Red", (-50, -40, 0)), pixel_of("Red", (-90, -60, 0))
    press("Red", corner, (corner[0] + 5, corner[1] + 5), opposite)
    assert ended == [True] and not clicks
    ((first, _, third, _),) = drawn
    assert np.allclose([first, third], [[-50, -40, 0], [-90, -60, 0]], atol=0.6)
    assert (image.GetDisplayNode().GetWindow(), image.GetDisplayNode().GetLevel()) == before
    press("Red", corner)
    assert len(clicks) == 1, "afterwards a click is a click again"


def test_the_rectangle_is_seen_while_it_is_drawn(mouse, image):
    import slicer

    made, _ = mouse
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    before = view.picture()
    made.takeRectangle(lambda corners: None, lambda: None)
    interactor = view.interactor()
    for event, position in (("LeftButtonPressEvent", (100, 100)), ("MouseMoveEvent", (300, 250))):
        interactor.SetEventInformation(*position, 0, 0, chr(0), 0, None)
        interactor.InvokeEvent(event)
    during = view.picture()
    changed = np.argwhere((before != during).any(axis=2))
    assert len(changed) > 300
    rows, columns = changed.T
    assert abs(columns.min() - 100) < 4 and abs(columns.max() - 300) < 4
    assert abs((during.shape[0] - rows.max()) - 100) < 4 and abs((during.shape[0] - rows.min()) - 250) < 4
    made.cancel()
    assert (view.picture() == before).all()


def test_handles_follow_what_they_show_and_are_never_saved(image):
    import slicer

    from PyLogikSlicerLib.widgets.control_point_curves import ControlPointCurves

    moved = []
    handles = ControlPointCurves("Test", (1, 1, 0), moved.append)
    square = [[-50, -40, 0], [-90, -40, 0], [-90, -60, 0], [-50, -60, 0]]
    handles.show([square, square[:3]])
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsClosedCurveNode")
    assert [node.GetNumberOfControlPoints() for node in nodes] == [4, 3]
    assert not any(node.GetSaveWithScene() for node in nodes)
    nodes[0].SetNthControlPointPosition(0, -40, -30, 0)
    nodes[0].InvokeEvent(slicer.vtkMRMLMarkupsNode.PointEndInteractionEvent)
    assert np.allclose(moved[0][0][0], [-40, -30, 0]) and np.allclose(moved[0][1], square[:3])
    handles.show([square])
    assert np.allclose(handles.polygons(), [square])
    handles.hide()
    assert not slicer.util.getNodesByClass("vtkMRMLMarkupsClosedCurveNode")


def test_an_older_package_counts_as_missing(host):
    from PyLogikSlicerLib.widgets.dependencies import Requirement, requirements

    assert Requirement("numpy", "999.0", 1, "").missing
    assert not Requirement("numpy", "1.20", 1, "").missing
    listed = requirements(ROOT / "PyLogikSlicer" / "Resources" / "requirements.txt")
    assert all(requirement.megabytes > 0 for requirement in listed) and len(listed) == 12
