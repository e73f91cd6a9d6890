"""Nothing that identifies anybody leaves phi/: a name is planted in path, header and pixels, and looked for in all that a run gives.

The name stands in the file name, in the folder name, in every identifying element of the header (public, private and
nested), in the metadata of stills, volumes and videos, and, under another spelling that a reader cannot confuse, in the
pixels. Then stdout, stderr, images/ (as bytes), report.json and the temporary folder are searched.
"""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from planted import speckle, write
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from small_runs import Run, command, dicom, environment, files_below, shared_files, table, video, volume

from PyLogikSlicerLib.batch import run
from PyLogikSlicerLib.core.options import VARIANTS, Options

SECRET, GIVEN, NUMBER, DATE = "Quillfeather", "Zebedee", "MRN7741903", "19370423"
SECRETS = re.compile(b"quill|feather|zebed|7741903|19370423|1937.04.23|hippocrene", re.IGNORECASE)
BURNED = "DOE JANE 12345"


def _image(seed):
    return write(speckle(120, 240, seed), BURNED, 20, 96)


def _identifying_dicom(path):
    dicom(path, [_image(1), _image(2)], PatientName=f"{SECRET}^{GIVEN}", PatientID=NUMBER, PatientBirthDate=DATE)
    dataset = dcmread(path)
    dataset.InstitutionName = "Hippocrene Clinic"
    dataset.ImageComments = f"{SECRET} {GIVEN}"
    dataset.add_new(0x00091010, "LO", SECRET)
    item = Dataset()
    item.PatientName = SECRET
    item.ReferencedSOPInstanceUID = f"1.2.{DATE}"
    dataset.ReferencedImageSequence = Sequence([item])
    dataset.add_new(0x60000010, "US", 120)
    dataset.add_new(0x60000011, "US", 240)
    dataset.add_new(0x60003000, "OW", (SECRET.encode() * 300)[:3600])
    dataset.save_as(path)


def _identifying_folder(folder):
    folder.mkdir(parents=True)
    _identifying_dicom(folder / f"{GIVEN} 1.dcm")
    text = PngInfo()
    text.add_text("Description", f"{SECRET} {NUMBER}")
    Image.fromarray(_image(3)).save(folder / f"{GIVEN} 2.png", pnginfo=text)
    exif = Image.Exif()
    exif[270], exif[315] = f"{SECRET} {DATE}", SECRET
    Image.fromarray(_image(4)).save(folder / f"{GIVEN} 3.jpg", exif=exif, comment=SECRET.encode())
    Image.fromarray(_image(5)).save(folder / f"{GIVEN} 4.tif", tiffinfo={270: SECRET, 315: SECRET})
    video(folder / f"{GIVEN} 5.avi", [_image(6), _image(6)])
    volume(folder / f"{GIVEN} 6.nii.gz", np.stack([_image(7)] * 2))
    (folder / f"{GIVEN} 7.dcm").write_bytes((folder / f"{GIVEN} 1.dcm").read_bytes()[:-9000])
    (folder / f"{GIVEN} 8.png").write_bytes((folder / f"{GIVEN} 2.png").read_bytes()[:3000])
    (folder / f"{GIVEN} 9.avi").write_bytes((folder / f"{GIVEN} 5.avi").read_bytes()[:2000])
    (folder / f"{GIVEN} 10.nii").write_bytes(b"\x5c\1\0\0" + SECRET.encode() * 200)
    (folder / f"{GIVEN} 11.txt").write_text(SECRET * 99)
    return folder


@pytest.fixture(scope="module")
def identifying(tmp_path_factory):
    return _identifying_folder(tmp_path_factory.mktemp("leaks") / f"{SECRET}_{NUMBER}")


@pytest.fixture(scope="module")
def after_run(identifying, tmp_path_factory):
    """A run as a person starts it, with a home and a temporary folder of its own: (outcome, output, temporary folder)."""
    root = tmp_path_factory.mktemp("after")
    settings = {variable: str(root / "tmp") for variable in ("TMPDIR", "TEMP", "TMP")}
    settings |= {variable: str(root / "home") for variable in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA")}
    for place in set(settings.values()):
        Path(place).mkdir()
    outcome = command("deid", identifying, "-o", root / "out", "--rename", "--json", env={**environment(), **settings})
    return outcome, root / "out", root / "tmp"


def test_the_run_did_what_the_search_below_relies_on(after_run):
    outcome, output, _ = after_run
    assert outcome.returncode == 1 and "6 done, 5 skipped, 0 failed" in outcome.stderr.decode()
    assert SECRETS.search((output / "phi" / "crosswalk.csv").read_bytes())
    read = " ".join(row["text"] for row in table(output, "text"))
    assert "DOE" in read and "12345" in read


def test_nothing_identifying_is_on_stdout_or_stderr(after_run):
    outcome, output, temporary = after_run
    for stream in (outcome.stdout, outcome.stderr):
        assert not SECRETS.search(stream), stream
        assert str(output).encode() not in stream and b"DOE" not in stream and b"12345" not in stream


def test_nothing_identifying_is_in_what_can_be_shared(after_run):
    _, output, _ = after_run
    shared = shared_files(output)
    assert len(shared) == 1 + 2 + 1 + 1 + 1 + 2 + 2
    for path, content in shared.items():
        assert not SECRETS.search(path.encode()) and not SECRETS.search(content), path
        assert b"DOE" not in content
    assert b"12345" not in shared["report.json"] and str(output.parent).encode() not in shared["report.json"]


def test_pictures_hold_pixels_and_nothing_else(after_run):
    _, output, _ = after_run
    for path in (output / "images").rglob("*.jpg"):
        with Image.open(path) as image:
            assert not image.getexif() and set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_nothing_is_left_in_the_temporary_folder_or_beside_the_output(after_run):
    _, output, temporary = after_run
    assert files_below(temporary) == {}
    assert {path.name for path in output.iterdir()} == {"images", "phi", "report.json"}


def test_no_reader_reads_anything_of_it_in_the_pictures(after_run, engine, tmp_path):
    _, output, _ = after_run
    done = Run(output / "images", tmp_path / "again", engine, images=False)
    assert done.statuses == ["done"] * 9
    assert not re.search("DOE|JANE|123|345", " ".join(row["text"] for row in table(tmp_path / "again", "text")))


@pytest.mark.parametrize("variant", [*(variant for variant in VARIANTS if variant != "deid"), "find-txt"])
def test_no_variant_tells_anything(identifying, engine, tmp_path, capfd, variant):
    inputs = [path for number in (1, 2, 7, 8) for path in identifying.glob(f"* {number}.*")]
    chosen = {"images": False} if variant == "find-txt" else {"variant": variant}
    done = Run(inputs, tmp_path / "out", engine, rename=True, **chosen)
    assert done.statuses == ["done", "done", "skipped", "skipped"]
    assert not SECRETS.search(repr([done.events, done.report]).encode()) and capfd.readouterr() == ("", "")
    for path, content in shared_files(tmp_path / "out").items():
        assert not SECRETS.search(path.encode()) and not SECRETS.search(content), path


@pytest.mark.parametrize("fmt", ["png", "jpeg-lossless"])
def test_exact_formats_hold_nothing_but_pixels(identifying, engine, tmp_path, fmt):
    (source,) = identifying.glob("* 1.dcm")
    done = Run(source, tmp_path / "out", engine, format=fmt, rename=True)
    assert done.statuses == ["done"] and "overlay plane 6000" in done.report["images"][0]["dropped"]
    for content in files_below(tmp_path / "out" / "images").values():
        assert not SECRETS.search(content)


def test_without_rename_only_the_stem_the_user_kept_is_told(engine, tmp_path):
    (tmp_path / SECRET).mkdir()
    Image.fromarray(_image(1)).save(tmp_path / SECRET / "scan 1.png")
    done = Run(tmp_path / SECRET, tmp_path / "out", engine)
    assert set(done.images) == {"scan 1"}
    for path, content in shared_files(tmp_path / "out").items():
        assert not SECRETS.search(path.encode()) and not SECRETS.search(content)


def test_nothing_is_sent_or_kept_about_this_computer(after_run):
    """ONNX Runtime's telemetry starts by writing an identifier of the device into the home folder, and a session's into TMPDIR."""
    _, output, _ = after_run
    assert files_below(output.parent / "home") == {} == files_below(output.parent / "tmp")


def test_a_canceled_image_leaves_nothing_of_it_anywhere(identifying, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()

    def cancel(source, sources, progress):
        if progress.stage == "verify":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([identifying], tmp_path / "out", Options(rename=True), cancel, engine=engine)
    assert set(shared_files(tmp_path / "out")) == {"report.json"} and files_below(tmp_path / "tmp") == {}
    assert not SECRETS.search((tmp_path / "out" / "report.json").read_bytes())
