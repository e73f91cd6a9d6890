"""The table of text engines: names, labels, packages, weights, and the module of ``detection`` that starts each.

A new text engine is one new module there, which offers ``start(device, models, download)`` as ``detection/ppocr.py`` does, and one new row
in ``TEXT_ENGINES``. The command line, the options and the panel read their choices from here. The table stands in ``core`` and imports
nothing, since options are checked before anything heavy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A Python package that only one engine needs: its name and least version as pip knows them, its size on disk, and its purpose."""

    name: str
    minimum: str
    megabytes: int
    purpose: str


@dataclass(frozen=True)
class EngineSpec:
    """One text engine.

    Attributes
    ----------
    name
        As on the command line and in reports.
    label
        As in the panel.
    module
        The module of :mod:`PyLogikSlicerLib.detection` whose ``start`` starts it.
    packages
        What it needs beyond the packages that are always installed.
    weights
        Where its weights come from, for the command line's help.
    downloads_weights
        Whether it can download them when asked to.
    """

    name: str
    label: str
    module: str
    packages: tuple[Package, ...]
    weights: str
    downloads_weights: bool = False


# In order of preference: "auto" starts the first that can be started.
TEXT_ENGINES = (
    EngineSpec("ppocr", "PP-OCR", "ppocr", packages=(), weights="come with the package rapidocr"),
    EngineSpec(
        "easyocr",
        "EasyOCR",
        "easyocr_reader",
        packages=(
            Package("torch", "2.0", 1200, "runs EasyOCR; through the PyTorch extension, larger for a GPU"),
            Package("easyocr", "1.7.2", 345, "the text reader EasyOCR"),
        ),
        weights="are looked for in --models or ~/.EasyOCR/model",
        downloads_weights=True,
    ),
)

# The best engine that can be started.
AUTO = "auto"
# All engines together.
THOROUGH = "thorough"
# What a user may choose.
ENGINES = (AUTO, *(spec.name for spec in TEXT_ENGINES), THOROUGH)


def packages_of(engine: str) -> tuple[Package, ...]:
    """What one of :data:`ENGINES` needs beyond the packages that are always installed; nothing for ``auto``, which does without."""
    return tuple(package for spec in TEXT_ENGINES if engine in (spec.name, THOROUGH) for package in spec.packages)
