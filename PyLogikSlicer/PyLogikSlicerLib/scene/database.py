"""Slicer's DICOM database as plain values: patients, their studies, the series of each; and series loaded from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import slicer

from . import frames


@dataclass(frozen=True)
class Series:
    """``images``: how many instances there are."""

    uid: str
    number: str
    modality: str
    description: str
    images: int


@dataclass(frozen=True)
class Study:
    """``date`` is YYYYMMDD or empty; ``modalities`` are those of the series, each once."""

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
    name: str
    id: str
    birthDate: str
    studies: tuple[Study, ...]

    @property
    def images(self) -> int:
        return sum(study.images for study in self.studies)


def available() -> bool:
    """Whether there is a database and it is open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database is not None and bool(database.isOpen)


def patients(search: str = "", database=None) -> tuple[Patient, ...]:
    """The patients, sorted by name, with only the series for which every word of ``search`` stands in a field of theirs, of
    their study or of their patient; letters of either case. ``database`` is ``slicer.dicomDatabase`` if not given.
    """
    database = database or getattr(slicer, "dicomDatabase", None)
    words = search.casefold().split()
    found = (_patient(database, uid, words) for uid in (database.patients() if database else ()))
    return tuple(sorted((patient for patient in found if patient.studies), key=lambda patient: (patient.name.casefold(), patient.id)))


def load(seriesUIDs: Iterable[str]) -> list:
    """Load series by Slicer's own plug-ins; the volumes and sequences of volumes that there are then."""
    from DICOMLib import DICOMUtils

    return images(DICOMUtils.loadSeriesByUID(list(seriesUIDs)) or ())


def images(nodeIDs: Iterable[str]) -> list:
    """What there is to work on among nodes that were added: plug-ins add browsers and proxies too, and nodes that are gone again."""
    added = filter(None, map(slicer.mrmlScene.GetNodeByID, nodeIDs))
    nodes = dict.fromkeys(frames.sequenceOf(node) for node in added)
    return [node for node in nodes if _isImage(node.GetNthDataNode(0) if frames.isSequence(node) else node)]


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
    kept = [one for one in series if _holds((*above, *fields, one.number, one.modality, one.description), words)]
    kept.sort(key=lambda one: (int(one.number) if one.number.isdecimal() else 0, one.number))
    date, description = fields
    return Study(uid, date.replace("-", ""), description, tuple(dict.fromkeys(one.modality for one in kept)), tuple(kept))


def _series(database, uid: str) -> Series:
    number, modality, description = (
        str(database.fieldForSeries(field, uid) or "") for field in ("SeriesNumber", "Modality", "SeriesDescription")
    )
    return Series(uid, number, modality, description, len(database.instancesForSeries(uid)))


def _holds(fields: Iterable[str], words: list[str]) -> bool:
    text = "\n".join(fields).casefold()
    return all(word in text for word in words)
