"""Regions of interest that a person gives: the pixels that they have, and what becomes of them and of templates in a run."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import ink, speckle, write
from small_runs import assert_consistent, dicom, files_below, picture, save, table

from PyLogikSlicerLib.command_line import main
from PyLogikSlicerLib.core.errors import NoRegionFound
from PyLogikSlicerLib.core.geometry import Box, to_pixel_centers
from PyLogikSlicerLib.core.stack import Header
from PyLogikSlicerLib.roi.given import given_region
from PyLogikSlicerLib.roi.region import make_roi, rasterize
from PyLogikSlicerLib.roi.templates import remember
from PyLogikSlicerLib.writing.formats import FORMATS, decode

ROWS, COLUMNS = 90, 120


def pixels_of(*boxes) -> np.ndarray:
    """The pixels of half-open boxes (x0, y0, x1, y1), as far as they lie in the frame."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    for box in boxes:
        clipped = Box(*box).clip(ROWS, COLUMNS)
        if clipped:
            mask[clipped.slices] = True
    return mask


def corners(x0, y0, x1, y1):
    """A box as a polygon."""
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def other_way_round(x0, y0, x1, y1):
    return (x0, y0, x0, y1, x1, y1, x1, y0)


sides = st.tuples(st.integers(-200, 300), st.integers(1, 200))


@given(sides, sides)
def test_a_box_has_the_pixels_of_a_half_open_box_and_so_has_the_polygon_of_its_corners(horizontal, vertical):
    (x0, width), (y0, height) = horizontal, vertical
    box = (x0, y0, x0 + width, y0 + height)
    expected = pixels_of(box)
    for numbers in (box, corners(*box), other_way_round(*box)):
        if expected.any():
            roi = given_region(numbers, ROWS, COLUMNS)
            assert np.array_equal(roi.mask(), expected) and roi.crop == Box(*box).clip(ROWS, COLUMNS)
        else:
            with pytest.raises(NoRegionFound, match="120 columns and 90 rows"):
                given_region(numbers, ROWS, COLUMNS)


@given(st.integers(-5, 5), st.integers(-5, 5), st.booleans())
def test_a_region_with_a_notch_has_no_pixel_of_the_notch_wherever_it_lies(x, y, closed):
    outline = [(10, 10), (40, 10), (40, 50), (60, 50), (60, 10), (90, 10), (90, 70), (10, 70), *([(10, 10)] if closed else [])]
    numbers = [number for a, b in outline for number in (a + x, b + y)]
    expected = pixels_of((10 + x, 10 + y, 90 + x, 70 + y)) & ~pixels_of((40 + x, 10 + y, 60 + x, 50 + y))
    assert np.array_equal(given_region(numbers, ROWS, COLUMNS).mask(), expected)


@given(st.lists(st.tuples(st.floats(-400, 500), st.floats(-400, 500)), min_size=3, max_size=3))
def test_a_triangle_has_the_pixels_within_it_and_those_that_its_outline_runs_through(points):
    a, b, c = (np.array(point) for point in points)
    y, x = np.mgrid[:ROWS, :COLUMNS] + 0.5
    turn = np.sign((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0])
    lengths = [np.linalg.norm(end - start) for start, end in ((a, b), (b, c), (c, a))]
    if turn == 0 or min(lengths) < 1:
        return
    within = [
        turn * ((end - start)[0] * (y - start[1]) - (end - start)[1] * (x - start[0])) / length
        for (start, end), length in zip(((a, b), (b, c), (c, a)), lengths, strict=True)
    ]
    depth = np.min(within, axis=0)
    try:
        mask = given_region([number for point in points for number in point], ROWS, COLUMNS).mask()
    except NoRegionFound:
        mask = np.zeros((ROWS, COLUMNS), bool)
    # Vertices are rounded to pixels, also those where the outline is cut, and pixels of the outline belong to the region.
    assert mask[depth > 1.6].all() and not mask[depth < -1.6].any()


def test_fractions_of_pixels_take_the_pixels_that_they_lie_in():
    assert given_region((10.2, 20.5, 30.01, 39.999), ROWS, COLUMNS).crop == (10, 20, 31, 40)


@pytest.mark.parametrize("far", [1e4, 1e6, 1e9])
def test_a_region_may_reach_far_beyond_the_image(far):
    roi = given_region((60, -far, far, far), ROWS, COLUMNS)
    assert np.array_equal(roi.mask(), pixels_of((60, 0, COLUMNS, ROWS)))
    around_notch = (-far, -far, far, -far, far, far, 70, far, 70, 10, 50, 10, 50, far, -far, far)
    assert np.array_equal(given_region(around_notch, ROWS, COLUMNS).mask(), ~pixels_of((50, 10, 70, ROWS)))
    with pytest.raises(NoRegionFound):
        given_region((far / 2, 0, far, 10), ROWS, COLUMNS)


# Runs


SCANNER = Header(manufacturer="ACME", model="Echo 1")
TEXT = "DOE JANE 4711"


@pytest.fixture
def commands(engine, monkeypatch, tmp_path):
    """Runs a command in this process, with the reader of all tests: what became of it as an :class:`Outcome`."""
    monkeypatch.setattr("PyLogikSlicerLib.batch.choose_engine", lambda *_: engine)
    return lambda variant, *arguments: Outcome(tmp_path, variant, arguments)


class Outcome:
    """What a command left behind in ``out`` of the images in ``in``: exact pixels, under the names of their files."""

    def __init__(self, folder, variant, arguments):
        self.output = folder / "out"
        before = self._changed()
        fixed = [str(folder / "in"), "-o", str(self.output), "--format", "png", "--keep-names"]
        try:
            self.status = main([variant, *fixed, *map(str, arguments)])
        except SystemExit as exit_:
            self.status = exit_.code
        self.worked_on = {path for path, time in self._changed().items() if before.get(path) != time}

    def _changed(self):
        return {path.name: path.stat().st_mtime_ns for path in (self.output / "images").glob("*/*")}

    @property
    def report(self):
        return json.loads((self.output / "report.json").read_text())

    def image(self, name):
        return next(image for image in self.report["images"] if image["name"] == name)

    def pixels(self, name, number=0):
        return decode(self.output / "images" / name / f"{name}_{number:04d}.png", FORMATS["png"])


def screen(seed=0):
    """An ultrasound display of 320 columns and 240 rows with the name of a patient in its upper left corner."""
    return write(speckle(240, 320, seed), TEXT, 4, 4)


def scanned(tmp_path, count=1):
    """An image of :data:`SCANNER` in ``in``, and its frames."""
    frames = [screen(seed + 1) for seed in range(count)]
    dicom(tmp_path / "in" / "a.dcm", frames, Manufacturer=SCANNER.manufacturer, ManufacturerModelName=SCANNER.model)
    return frames


def assert_only_masked(output, source):
    """Every pixel is that of the source, or the fill."""
    assert output.shape == source.shape and ((output == source) | (output == 0)).all()


def test_a_box_is_what_is_kept_of_every_frame_and_text_in_it_is_removed(commands, tmp_path):
    frames = scanned(tmp_path, count=2)
    done = commands("deid-us", "--roi", "2,3,300,200")
    assert done.status == 0
    for number, frame in enumerate(frames):
        output, source = done.pixels("a", number), frame[3:200, 2:300]
        assert_only_masked(output, source)
        assert (output[60:] == source[60:]).mean() > 0.99
        letters = ink(frame, speckle(240, 320, number + 1))[3:200, 2:300]
        assert letters.sum() > 300 and not output[letters].any()
    roi = done.image("a")["roi"]
    assert (roi["kind"], roi["crop"], roi["notes"]) == ("drawn", [2, 3, 300, 200], ["given by the user with --roi"])
    assert (roi["rows"], roi["columns"], roi["kept_share"]) == (240, 320, round(298 * 197 / (240 * 320), 4))
    assert done.report["options"]["roi"] == [2, 3, 300, 200] and done.report["options"]["template"] is None
    (row, *_) = [row for row in table(done.output, "text") if "DOE" in row["text"]]
    assert int(row["x0"]) <= 6 and int(row["y0"]) <= 6, "the text is where it is in the source"
    assert_consistent(done.output)


@pytest.mark.parametrize("variant", ["deid-us", "deid-one", "deid-clean"])
def test_outside_of_a_polygon_all_is_fill_and_the_output_is_its_box(commands, tmp_path, variant):
    frames = scanned(tmp_path)
    done = commands(variant, "--roi", "60,80,260,80,260,220,160,220,160,150,60,150")
    assert done.status == 0
    kept = np.zeros((240, 320), bool)
    kept[80:150, 60:260] = kept[80:220, 160:260] = True
    expected = np.where(kept, frames[0], 0)[80:220, 60:260]
    output = done.pixels("a")
    assert_only_masked(output, expected)
    assert (output == expected).mean() > 0.99
    roi = done.image("a")["roi"]
    assert (roi["kind"], roi["crop"]) == ("drawn", [60, 80, 260, 220])
    drawn = rasterize([to_pixel_centers(polygon) for polygon in roi["polygons"]], 240, 320)
    assert np.array_equal(drawn, kept), "the report tells the region"


def test_what_lies_outside_of_the_image_is_cut_off_and_a_minus_sign_is_no_option(commands, tmp_path):
    scanned(tmp_path)
    for arguments in (["--roi", "-50,100,200,9999"], ["--roi=-50,100,200,9999"]):
        done = commands("deid-us", *arguments, "--overwrite")
        assert done.status == 0 and done.image("a")["roi"]["crop"] == [0, 100, 200, 240]
        assert done.pixels("a").shape == (140, 200)
    triangle = commands("deid-us", "--roi", "-.5,-100.5,400,120,-.5,340.5")
    assert triangle.status == 0 and triangle.image("a")["roi"]["crop"] == [0, 0, 320, 240]


def test_an_image_outside_of_which_the_region_lies_fails_alone_and_says_why(commands, capsys, tmp_path):
    scanned(tmp_path)
    save(tmp_path / "in" / "small.png", picture(1))
    done = commands("deid-us", "--roi", "128,20,200,100")
    told = capsys.readouterr().err
    assert done.status == 1 and "input 2 failed: the region given with --roi lies outside of the image" in told
    assert "128 columns and 128 rows" in told and "upper left corner" in told
    assert done.image("a")["status"] == "done" and done.image("small")["status"] == "failed"
    assert set(files_below(done.output / "images")) == {"a/a_0000.png"}


def test_without_a_region_the_whole_image_is_kept_and_its_text_is_removed(commands, tmp_path):
    frames = scanned(tmp_path)
    save(tmp_path / "in" / "empty.png", np.zeros((128, 128), np.uint8))
    done = commands("deid-us", "--roi", "none")
    assert done.status == 0, "where nothing is to be found, an empty image fails nothing"
    output = done.pixels("a")
    assert_only_masked(output, frames[0])
    assert not output[ink(frames[0], speckle(240, 320, 1))].any() and (output == frames[0]).mean() > 0.9
    assert done.image("a")["roi"] is None and done.report["options"]["roi"] == "none"


@pytest.mark.parametrize(
    "variant,arguments,complaint",
    [
        ("deid-us", ["--roi", ""], "commas"),
        ("deid-us", ["--roi", "10,20,30,Quillfeather"], "10,20,300,400, or none"),
        ("deid-us", ["--roi", "1,2,3"], "3 numbers: a box has four"),
        ("deid-us", ["--roi", "-1,2,3,4,5"], "5 numbers: a box has four"),
        ("deid-us", ["--roi", "1,2,3,4,5,6,7"], "7 numbers"),
        ("deid-us", ["--roi", "1,2,nan,4"], "not finite"),
        ("deid-us", ["--roi", "1,2,inf,4"], "not finite"),
        ("deid-us", ["--roi", "1,2,1e300,4"], "not finite, or beyond 1,000,000,000"),
        ("deid-us", ["--roi", "10,20,10,40"], "a box of no area"),
        ("deid-us", ["--roi", "100,20,10,40"], "x0 below x1"),
        ("deid-one", ["--roi", "0,0,10,10,20,20"], "a polygon of no area"),
        ("deid-us", ["--roi", "0,0,10,10,10,0,0,10"], "in their order"),
        ("deid", ["--roi", "0,0,10,10"], "deid-us, deid-one, deid-clean"),
        ("find-txt", ["--roi", "none"], "deid-us, deid-one, deid-clean"),
        ("deid", ["--template", "templates.json"], "deid-us, deid-one, deid-clean"),
        ("find-txt", ["--template", "templates.json"], "deid-us, deid-one, deid-clean"),
        ("deid-us", ["--template", "templates.json", "--roi", "none"], "exclude each other"),
        ("deid-us", ["--template", "Quillfeather.json"], "does not exist"),
        ("deid-us", ["--template", "."], "does not exist"),
    ],
)
def test_wrong_usage_is_status_2_before_anything_is_worked_on(commands, capsys, tmp_path, variant, arguments, complaint):
    save(tmp_path / "in" / "a.png", picture(1))
    done = commands(variant, *arguments)
    streams = capsys.readouterr()
    assert done.status == 2 and complaint in streams.err and streams.out == ""
    assert "Quillfeather" not in streams.err and not done.output.exists()


# Templates


def scaled(done, factor):
    """The region of the image ``a`` as its report tells it, made larger or smaller."""
    roi = done.image("a")["roi"]
    polygons = [np.array(polygon) for polygon in roi["polygons"]]
    center = np.concatenate(polygons).mean(axis=0)
    return make_roi(roi["kind"], roi["shape"], [center + factor * (polygon - center) for polygon in polygons], roi["rows"], roi["columns"])


@pytest.mark.parametrize("variant", ["deid-us", "deid-clean"])
def test_the_template_of_the_scanner_is_used_where_it_agrees_with_what_was_found(commands, tmp_path, variant):
    frames = scanned(tmp_path)
    found = commands(variant)
    assert found.status == 0
    template, crop_found = scaled(found, 1.02), Box(*found.image("a")["roi"]["crop"])
    path = tmp_path / "DOE JANE.json"
    remember(path, SCANNER, template)
    done = commands(variant, "--template", path)
    assert done.status == 0 and done.worked_on
    roi = done.image("a")["roi"]
    assert roi["notes"] == ["template of this scanner"] and roi["kind"] == template.kind
    assert Box(*roi["crop"]) == template.crop != crop_found
    expected = np.where(template.mask(), frames[0], 0)[template.crop.slices]
    assert_only_masked(done.pixels("a"), expected)
    assert (done.pixels("a") == expected).mean() > 0.95
    written = (done.output / "report.json").read_text()
    assert "DOE JANE" not in written and str(tmp_path) not in written
    assert done.report["options"]["template"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert_consistent(done.output)


def test_what_was_found_stands_where_no_template_of_the_scanner_agrees(commands, tmp_path):
    scanned(tmp_path)
    found = commands("deid-us")
    expected = found.image("a")["roi"]
    templates = {
        "larger": (SCANNER, scaled(found, 1.4)),
        "smaller": (SCANNER, scaled(found, 0.7)),
        "another scanner": (Header(manufacturer="ACME", model="Echo 2"), scaled(found, 1.02)),
    }
    for name, (header, region) in templates.items():
        path = tmp_path / f"{name}.json"
        remember(path, header, region)
        done = commands("deid-us", "--template", path)
        assert done.status == 0 and done.worked_on and done.image("a")["roi"] == expected, name


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "{}", "[1]", "null", '[{"kind": "linear", "shape": {}}]'),
        '[{"kind": "linear", "shape": {}, "polygons": "none"}]',
        '[{"kind": "linear", "shape": {}, "polygons": [[1, 2, 3]]}]',
        '[{"kind": "linear", "shape": {}, "polygons": [[[1, 2], [3, NaN]]]}]',
        '[{"kind": 1, "shape": {}, "polygons": [[[1, 2], [3, 4]]]}]',
        b"\x89PNG\r\n",
    ],
)
def test_what_is_no_template_file_is_wrong_usage_and_stays_as_it_is(commands, capsys, tmp_path, content):
    save(tmp_path / "in" / "a.png", picture(1))
    path = tmp_path / "Quillfeather.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = path.read_bytes()
    done = commands("deid-us", "--template", path)
    told = capsys.readouterr().err
    assert done.status == 2 and "no file of region templates" in told and "Quillfeather" not in told and "delete" not in told
    assert path.read_bytes() == before and not done.output.exists()


# Resuming


def test_another_region_or_template_is_another_result_and_the_same_one_is_not_made_again(commands, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    path = tmp_path / "templates.json"
    path.write_text("[]")
    for arguments in (
        [],
        ["--roi", "10,20,100,120"],
        ["--roi", "10,20,100,121"],
        ["--roi", "10,20,100,20,100,121,10,121"],
        ["--roi", "none"],
        ["--template", path],
    ):
        first, again = commands("deid-one", *arguments), commands("deid-one", *arguments)
        assert (first.status, again.status) == (0, 0)
        assert first.worked_on and not again.worked_on, arguments
    remember(path, SCANNER, scaled(again, 1.02))
    assert commands("deid-one", "--template", path).worked_on, "the content of the file decides"
