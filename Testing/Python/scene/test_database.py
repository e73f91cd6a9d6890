"""The tree of the DICOM database: what there is, how many images, and only what was searched for."""

import numpy as np
import slicer
from scene_samples import addSequence, addVolume

from PyLogikSlicerLib.scene import database

TREE = {
    "1": (
        {"PatientsName": "Zebedee^Ann", "PatientID": "77", "PatientsBirthDate": "1950-01-02"},
        {
            "1.2": (
                {"StudyDate": "2024-05-06", "StudyDescription": "Echo"},
                {"1.2.10": ("10", "US", "4CH", 3), "1.2.2": ("2", "US", "PLAX", 1)},
            ),
            "1.1": ({"StudyDate": "2020-05-06", "StudyDescription": ""}, {"1.1.1": ("1", "CT", "Thorax", 200)}),
        },
    ),
    "2": (
        {"PatientsName": "abel", "PatientID": "5", "PatientsBirthDate": None},
        {"2.1": ({"StudyDate": ""}, {"2.1.1": ("", "SR", "Echo", 1)})},
    ),
}
STUDIES = {uid: study for _, studies in TREE.values() for uid, study in studies.items()}
SERIES = {uid: series for _, several in STUDIES.values() for uid, series in several.items()}


class Database:
    """Answers as ``ctkDICOMDatabase`` does; the real one comes with Slicer only."""

    def patients(self):
        return tuple(TREE)

    def studiesForPatient(self, uid):
        return tuple(TREE[uid][1])

    def seriesForStudy(self, uid):
        return tuple(STUDIES[uid][1])

    def instancesForSeries(self, uid):
        return tuple(range(SERIES[uid][3]))

    def fieldForPatient(self, field, uid):
        return TREE[uid][0][field]

    def fieldForStudy(self, field, uid):
        return STUDIES[uid][0].get(field)

    def fieldForSeries(self, field, uid):
        return SERIES[uid][("SeriesNumber", "Modality", "SeriesDescription").index(field)]


def test_patients_studies_and_series_are_sorted_and_counted():
    first, second = database.patients(database=Database())
    assert (first.name, first.birthDate, first.images) == ("abel", "", 1)
    assert (second.name, second.id, second.images) == ("Zebedee^Ann", "77", 204)
    assert [(study.date, study.modalities, study.images) for study in second.studies] == [
        ("20200506", ("CT",), 200),
        ("20240506", ("US",), 4),
    ]
    assert [(series.number, series.description) for series in second.studies[1].series] == [("2", "PLAX"), ("10", "4CH")]


def test_every_word_that_is_searched_for_has_to_be_there_somewhere():
    def found(search):
        patients = database.patients(search, Database())
        return [series.uid for patient in patients for study in patient.studies for series in study.series]

    assert found("echo") == ["2.1.1", "1.2.2", "1.2.10"]
    assert found("ZEBEDEE echo 4ch") == ["1.2.10"]
    assert found("1950 thorax") == ["1.1.1"]
    assert found("zebedee abel") == []


def test_without_a_database_there_is_nobody(host):
    assert database.patients() == () and not database.isOpen()


def test_of_all_that_a_plug_in_adds_only_images_are_worked_on(scene):
    (cine, browser), volume = addSequence(np.zeros((3, 1, 8, 9), np.uint8)), addVolume(np.zeros((1, 8, 9), np.uint8))
    gone = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    transforms = scene.AddNewNodeByClass("vtkMRMLSequenceNode")
    transforms.SetDataNodeAtValue(slicer.vtkMRMLLinearTransformNode(), "0")
    empty = scene.AddNewNodeByClass("vtkMRMLSequenceNode")
    added = [node.GetID() for node in (gone, browser, transforms, empty, cine, browser.GetProxyNode(cine), volume)]
    scene.RemoveNode(gone)
    assert database.images(added) == [cine, volume]
