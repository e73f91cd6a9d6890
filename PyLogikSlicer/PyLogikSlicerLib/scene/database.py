"""Slicer's DICOM database as plain values (patients, studies, series), and loading series from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import slicer

from . import frames


@dataclass(frozen=True)
class Series:
    """A series; ``images`` is its number of instances."""

    uid: str
    number: str
    modality: str
    description: str
    images: int


@dataclass(frozen=True)
class Study:
    """A study; ``date`` is YYYYMMDD or empty, ``modalities`` are the different ones of its series."""

    uid: str
    date: str
    description: str
    modalities: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def images(self) -> int:
        return sum(series.images for series in self.series)


@dataclass(frozen=True)
class Patient:
    """A patient with those studies that match a search."""

    name: str
    id: str
    birthDate: str
    studies: tuple[Study, ...]

    @property
    def images(self) -> int:
        return sum(study.images for study in self.studies)


def isOpen() -> bool:
    """Whether there is a database and it is open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database is not None and bool(database.isOpen)


def patients(search: str = "", database=None) -> tuple[Patient, ...]:
    """The patients, sorted by name, with those series that match the search.

    A series matches where each word of ``search`` is part of a field of the series, its study or its patient, without regard to case.
    ``database`` is ``slicer.dicomDatabase`` by default.
    """
    database = database or getattr(slicer, "dicomDatabase", None)
    words = search.casefold().split()
    found = (_patient(database, uid, words) for uid in (database.patients() if database else ()))
    return tuple(sorted((patient for patient in found if patient.studies), key=lambda patient: (patient.name.casefold(), patient.id)))


def load(seriesUIDs: Iterable[str]) -> list:
    """Load series with Slicer's own plug-ins and return their volumes and sequences of volumes."""
    from DICOMLib import DICOMUtils

    return images(DICOMUtils.loadSeriesByUID(list(seriesUIDs)) or ())


def images(nodeIDs: Iterable[str]) -> list:
    """The volumes and sequences of volumes among nodes that were added; plug-ins also add browsers and proxies, and remove nodes again."""
    added = filter(None, map(slicer.mrmlScene.GetNodeByID, nodeIDs))
    nodes = dict.fromkeys(frames.sequenceOf(node) for node in added)
    return [node for node in nodes if _isImage(frames.itemNode(node, 0))]


def _isImage(node) -> bool:
    return node is not None and node.IsA("vtkMRMLScalarVolumeNode")


def _patient(database, uid: str, words: list[str]) -> Patient:
    fields = [str(database.fieldForPatient(field, uid) or "") for field in ("PatientsName", "PatientID", "PatientsBirthDate")]
    studies = (_study(database, study, fields, words) for study in database.studiesForPatient(uid))
    name, number, birthDate = fields
    kept = sorted((study for study in studies if study.series), key=lambda study: study.date)
    return Patient(name, number, birthDate, tuple(kept))


def _study(database, uid: str, above: list[str], words: list[str]) -> Study:
    fields = [str(database.fieldForStudy(field, uid) or "") for field in ("StudyDate", "StudyDescription")]
    series = (_series(database, one) for one in database.seriesForStudy(uid))
    kept = [one for one in series if _matches((*above, *fields, one.number, one.modality, one.description), words)]
    kept.sort(key=lambda one: (int(one.number) if one.number.isdecimal() else 0, one.number))
    date, description = fields
    return Study(uid, date.replace("-", ""), description, tuple(dict.fromkeys(one.modality for one in kept)), tuple(kept))


def _series(database, uid: str) -> Series:
    number, modality, description = (
        str(database.fieldForSeries(field, uid) or "") for field in ("SeriesNumber", "Modality", "SeriesDescription")
    )
    return Series(uid, number, modality, description, len(database.instancesForSeries(uid)))


def _matches(fields: Iterable[str], words: list[str]) -> bool:
    text = "\n".join(fields).casefold()
    return all(word in text for word in words)
