"""A wrong option is refused and told; it never becomes another one."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from PyLogikSlicerLib import deid
from PyLogikSlicerLib.core.errors import UsageError
from PyLogikSlicerLib.core.options import FORMATS, VARIANTS, WHOLE_IMAGE, Options
from PyLogikSlicerLib.core.text_engines import ENGINES, TEXT_ENGINES, packages_of
from PyLogikSlicerLib.detection.engines import choose_engine
from PyLogikSlicerLib.roi import ROI_FINDERS
from PyLogikSlicerLib.writing import formats


@pytest.mark.parametrize("variant", [*VARIANTS, "deid_us", "deid_one", "deid_clean"])
def test_a_variant_is_known_by_its_own_and_by_pylogiks_spelling(variant):
    assert Options(variant=variant).variant == variant.replace("_", "-")


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "deidus"},
        {"variant": "DEID"},
        {"variant": None},
        {"engine": "tesseract"},
        {"device": "gpu"},
        {"format": "jpg"},
        {"keep": "names"},
        {"threshold": 256},
        {"threshold": -1},
        {"threshold": 1.5},
        {"threshold": True},
        {"memory_limit": 0},
        {"time_limit": -3.0},
        {"frame_limit": float("nan")},
        {"roi": "all"},
        {"roi": ("1", "2", "3", "4")},
        {"roi": (1, 2, 3)},
        {"roi": (1, 2, 3, 4, 5)},
        {"roi": (0, 0, 5, 0)},
        {"roi": (5, 0, 0, 5)},
        {"roi": (0, 0, 4, 4, 9, 9)},
        {"roi": (0, 0, 5, float("nan"))},
        {"roi": (0, 0, 5, 5, float("inf"), 0)},
    ],
)
def test_what_is_no_option_is_refused_by_its_name(wrong):
    (name,) = wrong
    with pytest.raises(UsageError, match=name.replace("_", " ")):
        Options(**{"variant": "deid-us"} | wrong)


def test_a_given_region_is_for_the_variants_that_find_one_and_they_are_named():
    assert set(ROI_FINDERS) == set(VARIANTS) - {WHOLE_IMAGE}
    for given in ({"roi": "none"}, {"roi": (1, 2, 3, 4)}, {"template": Path("templates.json")}):
        with pytest.raises(UsageError, match="deid-us, deid-one, deid-clean"):
            Options(**given)
        assert all(Options(variant=variant, **given) for variant in ROI_FINDERS)


def test_pylogiks_functions_refuse_a_wrong_threshold(tmp_path):
    with pytest.raises(UsageError, match="threshold"):
        deid.deid_us(tmp_path, tmp_path / "out", threshold=1000)


def test_the_names_of_options_are_those_of_what_they_choose():
    assert tuple(formats.FORMATS) == FORMATS
    with pytest.raises(Exception, match=", ".join(ENGINES)):
        choose_engine("none of these")


def test_every_row_of_the_table_of_engines_names_a_module_that_can_be_started():
    for spec in TEXT_ENGINES:
        module = importlib.import_module(f"PyLogikSlicerLib.detection.{spec.module}")
        assert list(inspect.signature(module.start).parameters) == ["device", "models", "download"]
        assert spec.name in ENGINES and spec.label and spec.weights


def test_what_an_engine_needs_beyond_the_required_packages_is_in_the_table():
    assert packages_of("auto") == packages_of("ppocr") == ()
    assert {package.name for package in packages_of("easyocr")} == {"torch", "easyocr"}
    assert packages_of("thorough") == packages_of("easyocr")
