"""What a person sees: slice views drawn off screen, overlays exactly over the text. Pictures are left in Testing/Python/scene/pictures."""

from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from PIL import Image
from scene_samples import OPTIONS, addSequence, addVolume, screen, segment

from PyLogikSlicerLib.scene import frames

PICTURES = Path(__file__).parent / "pictures"
# An outline is drawn on the border of a mask, and a view's pixel may lie half on either side of it.
BORDER = 0.75
TINT = 25


@pytest.fixture
def view(host):
    """The Red view, with what it shows and where its pixels lie."""
    return View(host.app.layoutManager().sliceWidget("Red"))


class View:
    def __init__(self, widget):
        self._widget = widget
        self.node, self.logic = widget.mrmlSliceNode(), widget.sliceLogic()

    def show(self, volume, k=0):
        """Show slice ``k`` of a volume, in its own plane."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        self.node.SetOrientation("Axial")  # of the ways to lie in a plane the one nearest to the view's own is taken
        self.node.RotateToVolumePlane(volume)
        columns, rows, _ = volume.GetImageData().GetDimensions()
        (center, corner) = frames.PixelGrid(volume).toRas([(columns / 2, rows / 2), (0, 0)], k)
        half = np.linalg.norm(np.subtract(center, corner))
        self.node.JumpSliceByCentering(*center)
        width, height, _ = self.node.GetDimensions()
        self.node.SetFieldOfView(2 * half * width / height, 2 * half, self.node.GetFieldOfView()[2])

    def picture(self, name=None):
        pixels = self._widget.sliceView().picture().astype(int)
        if name:
            PICTURES.mkdir(exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(PICTURES / f"{name}.png")
        return pixels

    def voxels(self, node):
        """(x, y) of the engine and slice k under the center of each pixel of the picture: three arrays of its rows and columns."""
        columns, rows, _ = self.node.GetDimensions()
        matrix = vtk.vtkMatrix4x4()
        volume = frames.displayedVolume(node)
        volume.GetRASToIJKMatrix(matrix)
        world = vtk.vtkMatrix4x4()
        slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(None, volume.GetParentTransformNode(), world)
        vtk.vtkMatrix4x4.Multiply4x4(matrix, world, matrix)
        vtk.vtkMatrix4x4.Multiply4x4(matrix, self.node.GetXYToRAS(), matrix)
        to = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(3)])
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows)[::-1])
        i, j, k = np.tensordot(to, np.stack([xs, ys, np.zeros_like(xs), np.ones_like(xs)]), axes=1)
        return i + 0.5, j + 0.5, k


def sureOf(mask, x, y, border):
    """Pixels of a picture that lie inside a mask ``(rows, columns)``, and those outside it, by more than ``border`` voxels."""
    inside, outside = np.ones(x.shape, bool), np.ones(x.shape, bool)
    for dx in (-border, 0, border):
        for dy in (-border, 0, border):
            column, row = np.floor(x + dx).astype(int), np.floor(y + dy).astype(int)
            on = (column >= 0) & (row >= 0) & (column < mask.shape[1]) & (row < mask.shape[0])
            hit = np.zeros(x.shape, bool)
            hit[on] = mask[row[on], column[on]]
            inside &= hit
            outside &= ~hit
    return inside, outside


def assertShownExactly(view, study, mask, name):
    """Where the picture with overlays differs from the one without is where the mask is."""
    study.segmentation.GetDisplayNode().SetVisibility(False)
    plain = view.picture()
    study.segmentation.GetDisplayNode().SetVisibility(True)
    drawn = view.picture(name)
    tinted = np.abs(drawn - plain).max(axis=2) > TINT
    x, y, _ = view.voxels(study.node)
    scale = np.hypot(np.diff(x, axis=1).mean(), np.diff(y, axis=1).mean())
    inside, outside = sureOf(mask, x, y, BORDER + scale)
    assert inside.sum() > 500 and tinted[inside].mean() > 0.999, tinted[inside].mean()
    assert tinted[outside].mean() < 0.001, tinted[outside].mean()
    return drawn


@pytest.mark.parametrize("kind", ["upright", "oblique", "flipped", "transformed"])
@pytest.mark.parametrize("k", [0, 2])
def test_the_overlay_lies_on_the_text_in_the_slice_view(logic, view, kind, k):
    array = np.stack([screen("AB 1234", 20, 15), screen("", 0, 0), screen("XY 98", 70, 85)])
    volume = addVolume(array, "oblique" if kind == "transformed" else kind)
    if kind == "transformed":
        from scene_samples import matrix

        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(matrix("flipped"))
        volume.SetAndObserveTransformNodeID(transform.GetID())
    study = logic.process(volume, **OPTIONS)
    view.show(volume, k)
    logic.setOverlays(study, 0.6, outline=False)
    assert set(np.round(view.voxels(volume)[2].ravel(), 3)) == {k}
    assertShownExactly(view, study, segment(study, "redacted")[k], f"text {kind} slice {k}")
    # Bright text is seen through the overlay where the picture says it is.
    x, y, _ = view.voxels(volume)
    inside, _ = sureOf(array[k] > 200, x, y, 0.1)
    assert inside.sum() > 20 and view.picture()[inside].mean() > 60


def test_the_overlay_follows_the_frame_in_the_view(logic, view):
    items = [screen(f"TIME {number}{number}", 20, 15 + 30 * number)[None] for number in range(3)]
    sequence, browser = addSequence(items, "flipped")
    study = logic.process(sequence, **OPTIONS)
    logic.setOverlays(study, 0.6, outline=False)
    view.show(browser.GetProxyNode(sequence))
    for number in (2, 0):
        browser.SetSelectedItemNumber(number)
        assertShownExactly(view, study, segment(study, "redacted")[0], f"sequence frame {number}")


def test_redacted_kept_and_region_of_interest_are_told_apart(logic, view):
    image = np.zeros((120, 160), np.uint8)
    image[45:115, 30:130] = 40 + np.random.default_rng(0).integers(0, 60, (70, 100))
    image = np.maximum(image, screen("AB 1234", 20, 8, background=0))
    study = logic.process(addVolume(image[None]), variant="deid-one", **OPTIONS)
    index = logic.addRegion(study, frames.PixelGrid(study.node).toRas([(60, 60), (100, 80)], 0), everyFrame=True)
    study.review.decide([index], "keep")
    logic.refresh(study)
    view.show(study.node)
    logic.setOverlays(study, 0.6, outline=False)
    picture = view.picture("three segments")
    x, y, _ = view.voxels(study.node)
    colors = {name: picture[sureOf(segment(study, name)[0], x, y, 1)[0]].mean(axis=0) for name in ("redacted", "kept", "ROI")}
    assert colors["redacted"][0] > 1.5 * colors["redacted"][2] and colors["kept"][:2].min() > 1.3 * colors["kept"][2]
    roi = sureOf(segment(study, "ROI")[0] & ~segment(study, "kept")[0], x, y, 1)[0]
    assert picture[roi].mean(axis=0)[2] > picture[roi].mean(axis=0)[0] + 5


def test_outlines_leave_what_is_inside_to_be_seen_and_no_opacity_hides_all(logic, view):
    volume = addVolume(screen("AB 1234", 20, 40)[None], "oblique")
    study = logic.process(volume, **OPTIONS)
    view.show(volume)
    logic.setOverlays(study, 0, outline=False)
    plain = view.picture()
    logic.setOverlays(study, 0.8, outline=True)
    drawn = view.picture("outline")
    x, y, _ = view.voxels(volume)
    mask = segment(study, "redacted")[0]
    inside, outside = sureOf(mask, x, y, 2)
    changed = np.abs(drawn - plain).max(axis=2) > TINT
    assert changed[inside].mean() < 0.02 and changed[outside].mean() < 0.001 and changed.sum() > 100


@pytest.mark.parametrize("kind", ["upright", "flipped"])
def test_the_result_shows_no_text_where_the_original_shows_it(logic, view, kind):
    volume = addVolume(screen("JANE DOE", 20, 40)[None], kind)
    study = logic.process(volume, **OPTIONS)
    logic.setOverlays(study, 0, outline=False)
    view.show(volume)
    assert view.picture(f"original {kind}").max() > 150
    view.show(logic.makeResult(study))
    assert view.picture(f"result {kind}").max() < 60
