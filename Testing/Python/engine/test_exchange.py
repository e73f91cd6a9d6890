"""What goes through the pipe to the worker arrives as it was sent; what is wrong with it is told without its content."""

import json

import numpy as np
import pytest

from PyLogikSlicerLib.core.analysis import Analysis
from PyLogikSlicerLib.core.errors import UnreadableInput, UsageError
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.progress import Progress
from PyLogikSlicerLib.core.text_map import Coverage, CoverageKind, Region, TextMap
from PyLogikSlicerLib.roi import make_roi
from PyLogikSlicerLib.roi.geometry import Sector
from PyLogikSlicerLib.worker.array_file import open_array, write_array
from PyLogikSlicerLib.worker.messages import (
    AnalyseRequest,
    AnalysisResult,
    DevicesRequest,
    DevicesResult,
    Done,
    ExportRequest,
    ExportResult,
    Failed,
    Message,
    Source,
    analysis_from_json,
    analysis_to_json,
    options_from_json,
    options_to_json,
    request_from_json,
    request_to_json,
)

SECRET = "Quillfeather"


def through_the_pipe(data):
    return json.loads(json.dumps(data))


def analysis(roi=None):
    numbers = np.array([10.25, 20, 33.5, 41], np.float32)
    polygon = tuple((x, y) for x, y in zip(numbers, numbers[::-1], strict=True))
    region = Region(polygon, np.int64(2), 5, ("Ünï 「12」", "1 | 2"), np.float32(0.5), "ppocr x2", "matches PatientName", "keep")
    coverage = Coverage(CoverageKind.WHOLE, 1.0), Coverage(CoverageKind.NONE), Coverage(CoverageKind.CHANGED, 0.03)
    return Analysis(TextMap((region,), coverage), roi, (np.int16(-1024), 3071), {"examine": 1.5})


def test_an_analysis_arrives_as_it_was():
    sector = Sector((100, -5), (-0.6, 0.6), (40, 120), (0, 0, 199, 149))
    roi = make_roi(sector.kind, sector.as_json(), [sector.outline()], 150, 200, ("found by its edges",))
    sent = analysis(roi)
    arrived = analysis_from_json(through_the_pipe(analysis_to_json(sent)))
    assert arrived.text_map == sent.text_map and arrived.text_map.frames_examined == 2
    assert (arrived.value_range, arrived.seconds) == ((-1024, 3071), {"examine": 1.5})
    assert (arrived.roi.kind, arrived.roi.shape, arrived.roi.crop, arrived.roi.notes) == (roi.kind, roi.shape, roi.crop, roi.notes)
    assert (arrived.roi.mask() == roi.mask()).all()


def test_an_analysis_of_an_image_of_nothing_arrives_too():
    sent = Analysis(TextMap((), (Coverage(CoverageKind.WHOLE, 1.0),)), None, (np.inf, -np.inf))
    arrived = analysis_from_json(through_the_pipe(analysis_to_json(sent)))
    assert arrived == sent


def test_options_and_sources_arrive_as_they_were(tmp_path):
    changed = {"variant": "deid-us", "threshold": 12, "keep": "measurements", "format": "png", "images": False, "rename": False}
    changed |= {"engine": "ppocr", "device": "cpu", "models": tmp_path, "stack": True, "overwrite": True, "time_limit": 9.0}
    regions = ({"roi": "none"}, {"roi": (1.5, -2, 30, 40)}, {"template": tmp_path / "templates.json"})
    for options in (Options(), Options(**changed), *(Options(**changed, **region) for region in regions)):
        assert options_from_json(through_the_pipe(options_to_json(options))) == options
    for source in (Source(("b.dcm", "a.dcm"), True), Source(array="x.npz", name="3: US")):
        assert Source.from_json(through_the_pipe(source.to_json())) == source


def test_requests_arrive_as_they_were():
    source, options = Source(("b.dcm", "a.dcm"), True), Options(variant="deid-us")
    requests = (
        AnalyseRequest(source, options, [[1.5, 2.0]], "templates.json"),
        AnalyseRequest(source, options),
        ExportRequest(source, options, analysis(), "out"),
        DevicesRequest(),
    )
    for request in requests:
        assert request_from_json(through_the_pipe(request_to_json(request))) == request


@pytest.mark.parametrize(
    "event",
    [
        Progress("verify", 2, 30),
        Failed("there is no image", unreadable=True),
        Done(AnalysisResult(analysis(), 3, 4, 5, "ppocr on cpu", ("a note",))),
        Done(ExportResult({"name": "abc"}, "under a random name")),
        Done(DevicesResult("", "no GPU")),
    ],
    ids=lambda event: type(getattr(event, "result", event)).__name__,
)
def test_events_arrive_as_they_were(event):
    message = Message(7, event)
    assert Message.from_json(through_the_pipe(message.to_json())) == message


@pytest.mark.parametrize(
    ("understand", "data"),
    [
        (Source.from_json, {}),
        (Source.from_json, {"files": SECRET}),
        (Source.from_json, Source().to_json()),
        (options_from_json, {SECRET: 1}),
        (Message.from_json, {}),
        (Message.from_json, {"id": 1, "event": SECRET}),
        (request_from_json, {"do": SECRET}),
        (analysis_from_json, {}),
        (analysis_from_json, analysis_to_json(analysis()) | {"regions": [{"text": SECRET}]}),
        (analysis_from_json, analysis_to_json(analysis()) | {"value_range": [SECRET, 1]}),
    ],
)
def test_what_cannot_be_understood_is_refused_and_not_repeated(understand, data):
    with pytest.raises(UsageError) as refused:
        understand(data)
    assert SECRET not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_region_with_a_decision_that_nobody_knows_is_refused():
    """Neither masked nor kept: such text would be in the output, and in no list."""
    data = analysis_to_json(analysis())
    data["regions"][0]["decision"] = "maybe"
    with pytest.raises(UsageError):
        analysis_from_json(data)


@pytest.mark.parametrize(
    "frames", [np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.arange(72, dtype=np.uint8).reshape(2, 3, 4, 3)], ids=["gray", "color"]
)
def test_frames_without_files_arrive_as_they_were(tmp_path, frames):
    write_array(tmp_path / "frames.npz", frames, (-10.0, 20.0))
    stack = open_array(tmp_path / "frames.npz")
    assert (stack.frame_count, stack.rows, stack.columns, stack.channels) == (2, 3, 4, 3 if frames.ndim == 4 else 1)
    assert (np.stack(list(stack.frames())) == frames).all()
    assert stack.display.window == (-10.0, 20.0)


@pytest.mark.parametrize(
    "frames",
    [np.zeros((3, 4), np.uint8), np.zeros((1, 3, 4, 2), np.uint8), np.zeros((0, 3, 4), np.uint8), np.zeros((1, 3, 4, 3), np.float32)],
    ids=["no frames", "two channels", "empty", "color of floating point"],
)
def test_an_array_that_is_no_image_is_refused(tmp_path, frames):
    write_array(tmp_path / "frames.npz", frames)
    with pytest.raises(UnreadableInput):
        open_array(tmp_path / "frames.npz")
