"""Names of files in whole runs: what tells of a person is not published, whatever its bytes, and the run says so without telling."""

import json
import os
import re
import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from small_runs import Run, assert_consistent, dicom, files_below, picture, save, shared_files, table

from PyLogikSlicerLib import deid
from PyLogikSlicerLib.names import find_disclosure
from PyLogikSlicerLib.reading import open_stacks

CASES = Path(__file__).resolve().parents[2] / "Data" / "cases" / "names"
RANDOM = re.compile("[A-Z0-9]{10}")


def told_outside_phi(done: Run, *secrets: str) -> list[str]:
    """Which of the secrets stand in what may be shared or in what the run said."""
    everything = json.dumps([done.report, done.events], ensure_ascii=False) + "".join(shared_files(done.output))
    everything += (done.output / "report.json").read_text(encoding="utf-8")
    folded = unicodedata.normalize("NFC", everything).casefold()
    return [secret for secret in secrets if unicodedata.normalize("NFC", secret).casefold() in folded]


def test_files_called_after_their_patient_in_another_order_script_or_spelling_fail_with_the_advice(engine, tmp_path):
    stems = [path.stem for path in CASES.glob("*.dcm")]
    kept = Run(CASES, tmp_path / "out", engine)
    cases = [event for event in kept.events if event[1] != "skipped"]
    assert len(stems) == len(cases) == 8 and all(status == "failed" and "--rename" in reason for _, status, reason in cases)
    assert not files_below(tmp_path / "out" / "images") and told_outside_phi(kept, *stems) == []
    renamed = Run(CASES, tmp_path / "out", engine, rename=True, format="png")
    assert renamed.statuses.count("done") == 8 and told_outside_phi(renamed, *stems) == []
    assert_consistent(tmp_path / "out")


@pytest.fixture
def doubtful(tmp_path):
    """A file called by the given name of its patient."""
    return dicom(tmp_path / "in" / "zebedee 3.dcm", [picture(1, "AB 12")], PatientName="Quillfeather^Zebedee", PatientID="X")


def test_a_name_in_doubt_is_published_at_random_and_the_log_says_why(engine, doubtful, tmp_path):
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert done.statuses == ["done"] and "random name" in done.events[0][2] and "PatientName" in done.events[0][2]
    (image,) = done.report["images"]
    assert RANDOM.fullmatch(image["name"]) and set(os.listdir(tmp_path / "out" / "images")) == {image["name"]}
    (row,) = table(tmp_path / "out", "log")
    assert (row["name"], row["status"]) == (image["name"], "done") and row["reason"] == done.events[0][2]
    assert told_outside_phi(done, "zebedee", "quillfeather") == [] and "zebedee" not in row["reason"].lower()
    assert_consistent(tmp_path / "out")
    again = Run(tmp_path / "in", tmp_path / "out", engine)
    assert again.worked_on == set() and set(again.images) == {image["name"]}


def test_a_name_that_is_in_doubt_only_now_takes_the_place_of_the_one_before(engine, doubtful, tmp_path):
    plain = dicom(tmp_path / "plain.dcm", [picture(1, "AB 12")], PatientName="Anonymous")
    with_name = doubtful.read_bytes()
    shutil.copy(plain, doubtful)
    assert set(Run(tmp_path / "in", tmp_path / "out", engine).images) == {"zebedee 3"}
    doubtful.write_bytes(with_name)
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert len(done.images) == len(os.listdir(tmp_path / "out" / "images")) == 1 and told_outside_phi(done, "zebedee") == []
    assert_consistent(tmp_path / "out")
    shutil.copy(plain, doubtful)
    assert set(Run(tmp_path / "in", tmp_path / "out", engine).images) == {"zebedee 3"}
    assert_consistent(tmp_path / "out")


def test_pyloggiks_functions_keep_names_with_the_same_check(tmp_path):
    dicom(tmp_path / "in" / "FeatherQuill.dcm", [picture(1)], PatientName="Quill^Feather")
    dicom(tmp_path / "in" / "liver.dcm", [picture(2)], PatientName="Quill^Feather")
    report = deid.deid(tmp_path / "in", tmp_path / "out")
    assert report["counts"] == {"done": 1, "skipped": 0, "failed": 1}
    assert os.listdir(tmp_path / "out" / "images") == ["liver"]


# The bytes of a name: what scanners and programs make of them.


def with_name_bytes(path: Path, name: bytes, **attributes) -> Path:
    """A DICOM file whose PatientName has these bytes."""
    standing_in = b"Q" * (len(name) + len(name) % 2)
    data = dicom(path, [picture(1)], PatientName=standing_in.decode(), **attributes).read_bytes()
    assert data.count(standing_in) == 1
    path.write_bytes(data.replace(standing_in, name.ljust(len(standing_in))))
    return path


UNDECLARED = [
    *(("张志宏", "张志宏", encoding) for encoding in ("gbk", "utf-8", "big5", "gb18030") if encoding != "big5"),
    *(("張^志宏", "張志宏", encoding) for encoding in ("big5", "cp950", "utf-8", "euc-jp")),
    *(("山田^太郎", "太郎_山田", encoding) for encoding in ("shift-jis", "euc-jp", "utf-8", "iso2022-jp")),
    *(("홍^길동", "홍길동", encoding) for encoding in ("euc-kr", "cp949", "utf-8")),
    *(("Иванов^Пётр", "Пётр Иванов", encoding) for encoding in ("cp1251", "koi8-r", "iso8859-5", "cp866", "utf-8")),
    *(("Παπαδόπουλος^Νίκος", "νίκος παπαδόπουλος", encoding) for encoding in ("cp1253", "iso8859-7", "utf-8")),
    *(("Müller^Jörg", "JörgMüller", encoding) for encoding in ("latin-1", "cp850", "mac-roman", "utf-8")),
    *(("Müller^Jörg", "Mueller_Joerg", encoding) for encoding in ("latin-1", "cp437", "utf-8")),
    *(("Łukaszewski^Żaneta", "Zaneta Lukaszewski", encoding) for encoding in ("cp1250", "iso8859-2", "cp852", "utf-8")),
    *(("Yılmaz^Gülşen", "gulsen_yilmaz", encoding) for encoding in ("cp1254", "iso8859-9", "utf-8")),
    *(("כהן^שרה", "כהן שרה", encoding) for encoding in ("cp1255", "iso8859-8", "utf-8")),
    *(("الأحمد^محمد", "محمد الأحمد", encoding) for encoding in ("cp1256", "iso8859-6", "utf-8")),
    *(("ใจดี^สมชาย", "สมชาย ใจดี", encoding) for encoding in ("cp874", "utf-8")),
]


@pytest.mark.parametrize("declared", [None, "ISO_IR 100", "ISO_IR 192"])
@pytest.mark.parametrize("name,stem,encoding", UNDECLARED)
def test_a_name_is_known_whatever_character_set_its_bytes_are_in_and_the_header_declares(tmp_path, name, stem, encoding, declared):
    path = with_name_bytes(tmp_path / "a.dcm", name.encode(encoding), SpecificCharacterSet=declared)
    (stack,) = open_stacks(path)
    found = find_disclosure(stem, stack.header)
    assert found is not None and found.what == "PatientName" and found.certain
    assert [find_disclosure(other, stack.header) for other in ("IM0001", "US_Liver_03", "carotid left 2")] == [None] * 3


def test_letters_whose_second_byte_is_a_backslash_or_a_caret_divide_no_name(tmp_path):
    # 表 ends with a backslash in Shift-JIS, 郳 with a caret in Big5.
    for name, stem, encoding in (("表^一郎", "表一郎", "shift-jis"), ("郳^大明", "郳大明", "big5")):
        (stack,) = open_stacks(with_name_bytes(tmp_path / "a.dcm", name.encode(encoding)))
        assert find_disclosure(stem, stack.header).certain


@pytest.mark.parametrize(
    "name,stem,encoding",
    [
        ("张志宏", "张志宏", "gbk"),
        ("Müller^Jörg", "MuellerJ", "utf-8"),
        ("山田^太郎", "山田太郎", "shift-jis"),
        ("홍^길동", "홍길동", "euc-kr"),
    ],
)
def test_a_name_that_an_archive_converted_from_the_wrong_character_set_is_known(tmp_path, name, stem, encoding):
    spoiled = name.encode(encoding).decode("latin-1")
    (stack,) = open_stacks(dicom(tmp_path / "a.dcm", [picture(1)], SpecificCharacterSet="ISO_IR 192", PatientName=spoiled))
    assert find_disclosure(stem, stack.header).certain


def test_where_a_name_cannot_be_decoded_a_stem_of_another_script_is_a_doubt(tmp_path):
    (stack,) = open_stacks(with_name_bytes(tmp_path / "a.dcm", bytes([0xD5, 0xFF, 0xBE, 0x81, 0xFE, 0xEA])))
    assert not find_disclosure("李明_03", stack.header).certain
    assert find_disclosure("IM0001", stack.header) is None


SPOILED = [
    *(("Müller^Jörg", "Müller_Jörg".encode().decode(wrong)) for wrong in ("latin-1", "cp1252", "cp437", "cp850")),
    *(("Müller^Jörg", "Müller_Jörg".encode("cp850").decode(wrong)) for wrong in ("latin-1", "cp437")),
    ("张^志宏", "张志宏".encode("gbk").decode("latin-1")),
    ("张^志宏", "张志宏".encode().decode("cp437")),
    ("山田^太郎", "山田太郎".encode("cp932").decode("cp437")),
    ("Müller^Jörg", "M%C3%BCller_J%c3%b6rg"),
    ("王^小东", "%E7%8E%8B%E5%B0%8F%E4%B8%9C"),
    ("王^小东", "#U738b#U5c0f#U4e1c"),
    ("Müller^Jörg", os.fsdecode("Müller_Jörg".encode("latin-1"))),
    ("张^志宏", os.fsdecode("us_张志宏".encode("gbk"))),
    ("Müller^Jörg", os.fsdecode("Müller & Jörg [3] #1".encode("latin-1"))),
    ("Müller^Jörg", "Müller + Jörg!".encode().decode("cp1252")),
]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
@pytest.mark.parametrize("name,stem", SPOILED)
def test_a_stem_that_programs_spoiled_is_known(tmp_path, name, stem):
    (stack,) = open_stacks(dicom(tmp_path / "a.dcm", [picture(1)], PatientName=name, SpecificCharacterSet="ISO_IR 192"))
    assert find_disclosure(stem, stack.header).certain


# Relatives: folders, pages, series, images without a DICOM header.


def test_a_folder_that_gives_its_name_to_a_stack_is_checked_too(engine, tmp_path):
    for number in (1, 2):
        info = PngInfo()
        info.add_text("Author", "Zebedee Quillfeather")
        (tmp_path / "in" / "QuillfeatherZ").mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number)).save(tmp_path / "in" / "QuillfeatherZ" / f"{number}.png", pnginfo=info)
        save(tmp_path / "in" / "liver" / f"{number}.png", picture(number))
    done = Run(tmp_path / "in", tmp_path / "out", engine, stack=True)
    assert sorted(done.statuses) == ["done", "failed"] and "--rename" in done.reason()
    assert os.listdir(tmp_path / "out" / "images") == ["liver"] and told_outside_phi(done, "quillfeather") == []


def _png(path, **text):
    info = PngInfo()
    for key, value in text.items():
        info.add_text(key.replace("_", " "), value)
    Image.fromarray(picture(1)).save(path, pnginfo=info)


def _jpeg(path, exif=None, comment=b""):
    tags = Image.Exif()
    for tag, value in (exif or {}).items():
        tags[tag] = value
    Image.fromarray(picture(1)).save(path, exif=tags, comment=comment)


def _volume(path, key, value):
    image = sitk.GetImageFromArray(np.stack([picture(1)] * 2))
    image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path))


@pytest.mark.parametrize(
    "name,write",
    [
        ("quillfeather.png", lambda path: _png(path, Author="Zebedee Quillfeather")),
        ("ZebedeeQuillfeather.png", lambda path: _png(path, Description="Echo of Zebedee Quillfeather, 1937-04-23")),
        ("quillfeather 2.png", lambda path: _png(path, Comment="Quillfeather MRN7741903")),
        ("7741903.png", lambda path: _png(path, Comment="Quillfeather MRN7741903")),
        ("23.04.1937.png", lambda path: _png(path, Title="born 1937-04-23")),
        ("us_quill.png", lambda path: _png(path, Quill_Feather="us quill")),
        ("QuillfeatherZ.jpg", lambda path: _jpeg(path, exif={315: "Quillfeather^Zebedee"})),
        ("20240511.jpg", lambda path: _jpeg(path, exif={306: "2024:05:11 10:20:30"})),
        ("Quillfeather.jpg", lambda path: _jpeg(path, comment=b"Quillfeather Zebedee")),
        ("quillfeather.nii", lambda path: _volume(path, "ITK_FileNotes", "Quillfeather Zebedee")),
        ("zebedee_quillfeather.nrrd", lambda path: _volume(path, "PatientName", "Quillfeather^Zebedee")),
    ],
)
def test_what_a_still_or_a_volume_says_of_itself_counts_like_a_header(engine, tmp_path, name, write):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / name)
    done = Run(tmp_path / "in", tmp_path / "out", engine, images=False)
    secrets = [part for part in re.split(r"[ _.]|(?<=[a-z])(?=[A-Z])", Path(name).stem) if len(part) > 3]
    assert secrets and all(RANDOM.fullmatch(name) for name in done.images) and told_outside_phi(done, *secrets) == []
    assert "Quill Feather" not in repr(done.events)


def test_what_a_program_says_of_itself_keeps_no_name_from_being_published(engine, tmp_path):
    (tmp_path / "in").mkdir()
    _png(tmp_path / "in" / "imagej_liver.png", Software="ImageJ 1.53 liver")
    _volume(tmp_path / "in" / "t1w_fsl.nii", "ITK_FileNotes", "5.0.10")
    assert set(Run(tmp_path / "in", tmp_path / "out", engine, images=False).images) == {"imagej_liver", "t1w_fsl"}


def test_pages_and_inputs_of_one_stem_do_not_publish_it_either(engine, tmp_path):
    first, second = Image.fromarray(picture(1)), Image.fromarray(picture(2, rows=136))
    for place in ("1", "2"):
        (tmp_path / "in" / place).mkdir(parents=True)
        tags = {315: "Quillfeather Zebedee"}
        first.save(tmp_path / "in" / place / "zebedee.tif", save_all=True, append_images=[second], tiffinfo=tags)
    done = Run(tmp_path / "in", tmp_path / "out", engine)
    assert done.statuses == ["done"] * 4 and len(done.images) == 4 and all(map(RANDOM.fullmatch, done.images))
    assert_consistent(tmp_path / "out")


def test_a_file_called_by_the_patients_number_alone_is_not_published_under_it(engine, tmp_path):
    dicom(tmp_path / "in" / "12.dcm", [picture(1)], PatientName="Quill^Feather", PatientID="0012")
    dicom(tmp_path / "in" / "0004711.dcm", [picture(2)], PatientName="Quill^Feather", PatientID="4711")
    dicom(tmp_path / "in" / "13.dcm", [picture(3)], PatientName="Quill^Feather", PatientID="0012")
    done = Run(tmp_path / "in", tmp_path / "out", engine, variant="deid")
    assert done.statuses == ["done", "done", "failed"]
    assert sum(name == "13" for name in os.listdir(tmp_path / "out" / "images")) == 1 and "12" not in done.images
