"""The worker as a program uses it: a real process, real OCR, and an end within a second that leaves nothing half done."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import speckle, write
from pydicom import examples
from small_runs import assert_consistent, dicom, environment, files_below, leftovers, save, shared_files, table

from PyLogikSlicerLib.core.analysis import Analysis
from PyLogikSlicerLib.core.options import Options
from PyLogikSlicerLib.core.progress import Progress
from PyLogikSlicerLib.core.text_map import Coverage, CoverageKind, TextMap
from PyLogikSlicerLib.review import Review
from PyLogikSlicerLib.worker.array_file import write_array
from PyLogikSlicerLib.worker.client import WorkerProcess
from PyLogikSlicerLib.worker.messages import (
    AnalyseRequest,
    DevicesRequest,
    Done,
    ExportRequest,
    Failed,
    Source,
    request_to_json,
)

SECRET = "QUILLFEATHER"
OPTIONS = Options(engine="ppocr", device="cpu", rename=True, format="png")
WHOLE = Coverage(CoverageKind.WHOLE, 1.0)


@pytest.fixture(scope="module")
def worker():
    """One worker for the tests that leave it alive: it is made to stay."""
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def own_worker():
    process = WorkerProcess()
    yield process
    process.close()


def events_of(worker, request, seconds=120):
    """All events of one request."""
    number, messages, end = worker.send(request), [], time.monotonic() + seconds
    while not messages or isinstance(messages[-1].event, Progress):
        assert time.monotonic() < end, "the worker gives no answer"
        messages += worker.poll()
        time.sleep(0.01)
    assert {message.id for message in messages} == {number} and not worker.busy
    return [message.event for message in messages]


def result_of(worker, request):
    last = events_of(worker, request)[-1]
    assert isinstance(last, Done), last
    return last.result


def wait_for(worker, stage, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(getattr(message.event, "stage", "") == stage for message in worker.poll()):
            return
        time.sleep(0.01)
    raise AssertionError(f"the worker does not come to {stage}")


def analyse(path, options=OPTIONS, **more):
    return AnalyseRequest(Source((str(path),)), options, **more)


def export(path, analysis, output, options=OPTIONS, **more):
    return ExportRequest(Source((str(path),)), options, analysis, str(output), **more)


def review_of(result):
    return Review(result.analysis, result.rows, result.columns, result.frames)


def serve(lines):
    """A worker started as anybody could, with these lines as requests and both of its streams caught."""
    command = [sys.executable, "-m", "PyLogikSlicerLib.worker.server"]
    return subprocess.run(command, input="".join(lines).encode(), capture_output=True, timeout=120, env=environment())


@pytest.fixture(scope="module")
def screen():
    """A power Doppler screen with text, DICOM."""
    return Path(examples.get_path("rgb_color"))


@pytest.fixture(scope="module")
def analysed(worker, screen):
    return result_of(worker, analyse(screen))


@pytest.fixture(scope="module")
def cine(tmp_path_factory):
    """Speckle that never stands still, so that every frame takes time."""
    frames = [write(speckle(300, 400, seed), "JANE DOE 12345", 20, 260) for seed in range(80)]
    return dicom(tmp_path_factory.mktemp("cine") / f"{SECRET}.dcm", frames, PatientName=f"{SECRET}^ANN")


def test_it_finds_what_the_engine_finds_in_this_process(analysed, screen, engine):
    from PyLogikSlicerLib.pipeline import analyse as analyse_here
    from PyLogikSlicerLib.reading import open_stacks

    (stack,) = open_stacks(screen)
    here = analyse_here(stack, Options(engine="ppocr", device="cpu"), engine)
    assert review_of(analysed).regions == here.text_map.regions != ()
    assert (analysed.rows, analysed.columns, analysed.frames) == (stack.rows, stack.columns, 1)
    assert analysed.engine.startswith("ppocr on cpu")


def test_progress_is_told_and_the_process_stays_for_the_next_request(worker, analysed, screen):
    events = events_of(worker, analyse(screen))
    assert events[0] == Progress("examine", 1, 1)
    assert events[-1].result.analysis.text_map.regions == analysed.analysis.text_map.regions


def test_a_reviewed_image_is_exported_as_reviewed_with_all_tables_and_verified(worker, analysed, screen, tmp_path):
    review = review_of(analysed)
    kept = max(range(len(review.regions)), key=lambda index: review.regions[index].confidence)
    review.decide([kept], "keep")
    review.add(((0, 200), (40, 200), (40, 240), (0, 240)), 0, 0)
    result = result_of(worker, export(screen, review.analysis, tmp_path / "out"))
    image = result.image
    assert (image["frames"], image["frames_examined"], len(image["files"])) == (1, 1, 1)
    assert image["verification"]["unreadable_residues"] == 0
    assert_consistent(tmp_path / "out")
    rows = table(tmp_path / "out", "text")
    assert [row["reason"] for row in rows if row["decision"] == "keep"] == ["text; kept by a person"]
    assert any(row["engine"] == "person" and row["x1"] == "40" and row["decision"] == "redact" for row in rows)
    assert table(tmp_path / "out", "log")[0]["status"] == "done"
    (written,) = [content for path, content in shared_files(tmp_path / "out").items() if path.endswith(".png")]
    from PyLogikSlicerLib.writing.formats import FORMATS, decode

    pixels, source = decode(written, FORMATS["png"]), examples.rgb_color.pixel_array
    assert (pixels[200:, :40] == 0).all()
    x0, y0, x1, y1 = review.regions[kept].box
    clear = np.ones(source.shape[:2], bool)
    for region in review.regions:
        if region.decision == "redact":
            a, b, c, d = region.box
            clear[max(b, 0) : d, max(a, 0) : c] = False
    assert (pixels[clear] == source[clear]).all() and clear[y0:y1, x0:x1].any()


def test_an_analysis_that_leaves_a_frame_out_is_not_exported(worker, analysed, screen, tmp_path):
    nothing = Analysis(TextMap((), (Coverage(CoverageKind.NONE),)), None, (0, 255))
    last = events_of(worker, export(screen, nothing, tmp_path / "out"))[-1]
    assert last == Failed("0 of 1 frames were examined")
    assert not files_below(tmp_path / "out" / "images")


def test_text_that_was_missed_is_masked_by_verification(worker, tmp_path):
    image = write(np.full((120, 240), 30, np.uint8), "JANE DOE", 20, 60, height=20)
    path = save(tmp_path / "in" / "missed.png", image)
    result = result_of(worker, export(path, Analysis(TextMap((), (WHOLE,)), None, (30, 255)), tmp_path / "out"))
    assert result.image["redacted"] > 0 and result.image["verification"]["rounds"] > 1


def test_only_the_text_is_written_where_that_is_asked_for(worker, analysed, screen, tmp_path):
    options = replace(OPTIONS, images=False)
    result = result_of(worker, export(screen, review_of(analysed).analysis, tmp_path / "out", options))
    assert not result.image["files"] and not files_below(tmp_path / "out" / "images")
    assert len(table(tmp_path / "out", "text")) == len(analysed.analysis.text_map.regions)


def test_it_is_said_that_an_image_could_not_keep_its_name(worker, tmp_path):
    image = write(np.full((120, 240), 30, np.uint8), "AB 12", 20, 60, height=20)
    path = dicom(tmp_path / "in" / "zebedee.dcm", [image], PatientName="Quillfeather^Zebedee")
    analysis = Analysis(TextMap((), (WHOLE,)), None, (30, 255))
    result = result_of(worker, export(path, analysis, tmp_path / "out", replace(OPTIONS, rename=False)))
    assert result.remark.startswith("under a random name") and "zebedee" not in repr(result).lower()


def test_an_image_of_the_scene_without_files_is_analysed_and_exported_under_no_name(worker, tmp_path):
    image = write(np.full((2, 120, 240), 30, np.uint8)[0], "JANE DOE", 20, 60, height=20)
    write_array(tmp_path / "frames.npz", np.stack([image, image]))
    source = Source(array=str(tmp_path / "frames.npz"), name=f"3: {SECRET}")
    result = result_of(worker, AnalyseRequest(source, OPTIONS))
    assert result.frames == 2 and any("JANE" in region.text for region in result.analysis.text_map.regions)
    done = result_of(worker, ExportRequest(source, replace(OPTIONS, rename=False), result.analysis, str(tmp_path / "out")))
    assert done.image["name"] == "volume" and done.image["verification"]["verdict"] == "passed"
    assert table(tmp_path / "out", "crosswalk")[0]["source"].startswith(f"3: {SECRET} ")
    assert SECRET.encode() not in b"".join(shared_files(tmp_path / "out").values())


def test_the_instances_of_a_series_are_the_frames_of_one_image_in_the_order_given(worker, tmp_path):
    frames = [write(np.full((100, 200), 20 + 10 * seed, np.uint8), f"SLICE {seed}", 20, 40, height=18) for seed in range(3)]
    files = [dicom(tmp_path / f"{number}.dcm", [frame]) for number, frame in enumerate(frames)]
    source = Source(tuple(map(str, (files[2], files[0], files[1]))), stack=True)
    result = result_of(worker, AnalyseRequest(source, OPTIONS))
    first = [region.text for region in result.analysis.text_map.regions if region.frame_first == 0]
    assert result.frames == 3 and first and all("2" in text for text in first)


BAD_REQUESTS = [
    ({"do": SECRET}, "does not know what is asked for"),
    ({}, "does not know what is asked for"),
    ({"do": "analyse"}, "cannot be understood"),
    ({"do": "analyse", "source": Source((f"/nowhere/{SECRET}.png",)).to_json()}, "does not exist"),
    ({"do": "analyse", "source": Source((__file__,)).to_json()}, ""),
    ({"do": "analyse", "source": Source(("x",)).to_json(), "options": {SECRET: 1}}, "cannot be understood"),
    ({"do": "export", "source": Source(("x",)).to_json(), "analysis": {}}, "cannot be understood"),
]


@pytest.fixture(scope="module")
def answers_to_bad_requests():
    """Events by the number of the request: bad ones are even, and after each of them comes one that can be answered."""
    requests = [request for bad, _ in BAD_REQUESTS for request in (bad, {"do": "devices"})]
    done = serve(json.dumps({**request, "id": number}) + "\n" for number, request in enumerate(requests))
    return {event["id"]: event for event in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("number", range(len(BAD_REQUESTS)))
def test_a_bad_request_fails_with_a_reason_and_the_worker_lives(answers_to_bad_requests, number):
    last, reason = answers_to_bad_requests[2 * number], BAD_REQUESTS[number][1]
    assert last["event"] == "failed" and reason in last["reason"] and SECRET not in last["reason"] and "/" not in last["reason"]
    assert "gpu" in answers_to_bad_requests[2 * number + 1]["result"]


def test_an_export_into_the_folder_of_the_originals_is_refused(worker, analysed, tmp_path):
    path = save(tmp_path / "a.png", np.zeros((60, 60), np.uint8))
    last = events_of(worker, export(path, review_of(analysed).analysis, tmp_path))[-1]
    assert isinstance(last, Failed) and "originals do not belong there" in last.reason
    assert set(files_below(tmp_path)) == {"a.png"}


def test_a_large_request_is_taken_at_once_from_a_worker_that_is_just_starting(own_worker, screen):
    """The engine takes seconds to import; a pipe holds 64 KB, so that a sender that waited for it would wait most of the time."""
    fingerprint = [[0.0] * 256] * 1000
    start = time.monotonic()
    own_worker.send(analyse(screen, fingerprint=fingerprint))
    sent = time.monotonic()
    messages = []
    while not messages:
        messages = own_worker.poll()
        time.sleep(0.01)
    assert messages[-1].event.unreadable
    assert sent - start < (time.monotonic() - start) / 2


def test_a_package_that_is_missing_is_named(tmp_path):
    (tmp_path / "cv2.py").write_text("raise ModuleNotFoundError(name='cv2')")
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "PyLogikSlicerLib.worker.server"],
        input=b'{"id": 7, "do": "devices"}\n',
        capture_output=True,
        env={**environment(), "PYTHONPATH": path},
    )
    event = json.loads(done.stdout)
    assert (event["id"], event["event"]) == (7, "failed") and "package cv2 is not installed" in event["reason"]


def test_it_tells_the_gpu_or_why_there_is_none(worker):
    result = result_of(worker, DevicesRequest())
    assert bool(result.gpu) != bool(result.reason)


def test_cancel_takes_effect_within_a_second_and_the_next_request_is_answered(own_worker, cine):
    own_worker.send(analyse(cine))
    wait_for(own_worker, "examine")
    start = time.monotonic()
    own_worker.cancel()
    assert time.monotonic() - start < 1
    assert not own_worker.busy and own_worker.poll() == []
    assert result_of(own_worker, DevicesRequest())


@pytest.mark.parametrize("how", ["canceled", "killed"])
def test_an_export_that_is_ended_leaves_nothing_half_written(own_worker, cine, tmp_path, how):
    whole = Analysis(TextMap((), (WHOLE,) * 80), None, (0, 255))
    own_worker.send(export(cine, whole, tmp_path / "out"))
    wait_for(own_worker, "verify")
    assert leftovers(tmp_path / "out")
    if how == "canceled":
        start = time.monotonic()
        own_worker.cancel()
        assert time.monotonic() - start < 1
    else:
        own_worker.process.kill()
        end, messages = time.monotonic() + 10, []
        while own_worker.busy and time.monotonic() < end:
            messages += own_worker.poll()
        assert isinstance(messages[-1].event, Failed) and "ended unexpectedly" in messages[-1].event.reason
    assert not leftovers(tmp_path / "out") and not files_below(tmp_path / "out" / "images")
    assert [row["status"] for row in table(tmp_path / "out", "log")] == ["failed"]


def test_the_accepted_region_of_a_scanner_is_remembered_at_export_and_proposed_next_time(worker, tmp_path):
    path = dicom(tmp_path / "in" / "sector.dcm", [speckle(240, 320, 1)], Manufacturer="ACME", ManufacturerModelName="Echo 1")
    options = replace(OPTIONS, variant="deid-us")
    templates = tmp_path / "settings" / "templates.json"
    request = analyse(path, options, templates=str(templates))
    review = review_of(result_of(worker, request))
    assert not templates.exists() and "template of this scanner" not in review.roi.notes
    result_of(worker, export(path, review.analysis, tmp_path / "out", options, templates=str(templates)))
    assert [entry["model"] for entry in json.loads(templates.read_text())] == ["Echo 1"]
    again = review_of(result_of(worker, request))
    assert again.roi.notes == ("template of this scanner",)
    assert (again.roi.mask() != review.roi.mask()).mean() < 0.001  # templates are kept to a hundredth of a pixel


def test_nothing_identifying_is_on_its_standard_error_and_stdout_holds_events_only(cine, tmp_path):
    """Started as anybody could, with both streams caught; damaged files make libraries talk."""
    damaged = tmp_path / f"{SECRET}.dcm"
    damaged.write_bytes(cine.read_bytes()[:50000])
    requests = [analyse(damaged), analyse(tmp_path / f"{SECRET}.nii"), DevicesRequest()]
    lines = [json.dumps({**request_to_json(request), "id": number}) + "\n" for number, request in enumerate(requests)]
    done = serve([*lines, f"{SECRET} no JSON\n"])
    assert (done.returncode, done.stderr) == (0, b"")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] != "progress"] == ["failed", "failed", "done", "failed"]
    assert SECRET.encode() not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")
def test_the_end_of_its_caller_ends_it(cine):
    process = subprocess.Popen(
        [sys.executable, "-m", "PyLogikSlicerLib.worker.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    process.stdin.write(json.dumps({**request_to_json(analyse(cine)), "id": 1}).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["event"] == "progress"
    process.stdout.close()
    assert process.wait(30) == 0
    idle = subprocess.Popen([sys.executable, "-m", "PyLogikSlicerLib.worker.server"], stdin=subprocess.PIPE, env=environment())
    idle.send_signal(signal.SIGCONT)
    idle.stdin.close()
    assert idle.wait(30) == 0
