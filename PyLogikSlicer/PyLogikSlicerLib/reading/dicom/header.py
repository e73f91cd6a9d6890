"""The identifying values of a DICOM header, which may also be burned into the pixels, and its ultrasound regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from ...core.geometry import Box
from ...core.stack import Header, UltrasoundRegion, WrittenName
from ...names.charsets import could_be_name, possible_texts, undo_misdecoding

# Value representations (person name, date, time, date and time) of elements that are identifying whatever their keyword.
_IDENTIFYING_VRS = frozenset({"PN", "DA", "TM", "DT"})
# Further identifying elements, by keyword. PatientSex is left out on purpose: a single letter would match everything.
_IDENTIFYING = frozenset(
    {
        "PatientID",
        "OtherPatientIDs",
        "PatientAge",
        "PatientAddress",
        "PatientTelephoneNumbers",
        "PatientTelecomInformation",
        "InsurancePlanIdentification",
        "IssuerOfPatientID",
        "MedicalRecordLocator",
        "ResponsibleOrganization",
        "AccessionNumber",
        "StudyID",
        "AdmissionID",
        "ServiceEpisodeID",
        "PlacerOrderNumberImagingServiceRequest",
        "FillerOrderNumberImagingServiceRequest",
        "RequestedProcedureID",
        "ScheduledProcedureStepID",
        "PerformedProcedureStepID",
        "InstitutionName",
        "InstitutionAddress",
        "InstitutionalDepartmentName",
        "StationName",
        "PerformedStationName",
        "PerformedStationAETitle",
        "PerformedLocation",
        "ScheduledStationName",
        "ScheduledStationAETitle",
        "CurrentPatientLocation",
        "RequestingService",
        "ReferringPhysicianAddress",
        "ReferringPhysicianTelephoneNumbers",
        "PersonAddress",
        "PersonTelephoneNumbers",
        "DeviceSerialNumber",
        "DetectorID",
        "PlateID",
        "CassetteID",
        "GantryID",
        "ClinicalTrialSubjectID",
        "ClinicalTrialSubjectReadingID",
        "ClinicalTrialSiteID",
        "ClinicalTrialSiteName",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "FrameOfReferenceUID",
    }
)
# Levels of nested sequences that are searched; deeper nesting is damage.
_MAX_DEPTH = 12
# pydicom's name of the character set of a header that declares none; it decodes every byte as a Western letter or sign.
_UNDECLARED = "iso8859"
# The escape byte with which ISO 2022 changes the character set.
_ESC = b"\x1b"
# Bytes of one element that are decoded; a group of a name has 64 letters (PS3.5 6.2), and no scanner writes more than a few names.
_LONGEST_NAMES = 4096
_Value = TypeVar("_Value")


def identifying_header(dataset: Dataset, rows: int, columns: int) -> Header:
    """The :class:`~PyLogikSlicerLib.core.stack.Header` of a DICOM data set.

    ``identifying`` holds every person name (one value for each component), date and time, of any element, and IDs,
    places and devices, also in nested data sets and in private elements. Values are as stored
    (a date is YYYYMMDD). Single characters are left out. ``persons`` holds the whole names.

    Parameters
    ----------
    dataset
        The data set without its pixel data; elements that cannot be read are skipped.
    rows, columns
        Size of a frame, to which ultrasound regions are clipped.
    """
    identifying, persons = _values_and_persons(dataset)
    return Header(
        identifying=identifying,
        persons=persons,
        modality=_attribute_text(dataset, "Modality"),
        manufacturer=_attribute_text(dataset, "Manufacturer"),
        model=_attribute_text(dataset, "ManufacturerModelName"),
        ultrasound_regions=tuple(_ultrasound_regions(dataset, rows, columns)),
    )


def _values_and_persons(dataset: Dataset) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, tuple[WrittenName, ...]]]:
    """The identifying values of a data set and its persons, by keyword, without duplicates."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    persons: dict[str, dict[WrittenName, None]] = defaultdict(dict)
    for element, data in _elements(dataset, 0):
        keyword = element.keyword or f"private {element.VR}"
        if element.VR in _IDENTIFYING_VRS or element.keyword in _IDENTIFYING:
            found[keyword].update(dict.fromkeys(_text_values(element)))
        if element.VR == "PN":
            persons[keyword].update(dict.fromkeys(_written_names(element, data)))
    return _frozen(found), _frozen(persons)


def _frozen(found: Mapping[str, Mapping[_Value, None]]) -> MappingProxyType[str, tuple[_Value, ...]]:
    return MappingProxyType({keyword: tuple(values) for keyword, values in sorted(found.items())})


def _elements(dataset: Dataset, depth: int) -> Iterator[tuple[DataElement, bytes]]:
    """All elements with their bytes, nested ones too; of the functional groups of many frames only the first frame's."""
    for tag in sorted(dataset.keys()):
        try:
            raw = dataset.get_item(tag)
            if _is_deferred_value(raw):
                continue
            element = dataset[tag]
        except Exception:
            continue  # a value that cannot be parsed cannot be matched; burned-in text is redacted whether it matches or not
        if element.VR != "SQ":
            yield element, raw.value or b"" if isinstance(raw, RawDataElement) else b""
        elif depth < _MAX_DEPTH:
            items = element.value[:1] if element.keyword == "PerFrameFunctionalGroupsSequence" else element.value
            for item in items:
                yield from _elements(item, depth + 1)


def _is_deferred_value(raw: DataElement | RawDataElement) -> bool:
    """Whether an element has a large value that was left in the file (vendor's raw data, tables); no name is that long."""
    if not isinstance(raw, RawDataElement) or raw.value is not None or raw.length == 0:
        return False
    try:
        return (raw.VR or dictionary_VR(raw.tag)) != "SQ"
    except KeyError:
        return True


def _text_values(element: DataElement) -> Iterator[str]:
    """The values of an element as texts of more than one character; a person name as its components."""
    value = element.value
    if value is None:
        return
    for single in value if element.VM > 1 else [value]:
        for text in _name_components(single) if isinstance(single, PersonName) else [str(single)]:
            text = text.strip()
            if len(text) > 1:
                yield text


def _written_names(element: DataElement, data: bytes) -> Iterator[WrittenName]:
    """The person names in an element, each with the readings that its bytes have in other character sets.

    Many scanners write names in the character set of their country and declare none.
    """
    values = element.value if element.VM > 1 else [element.value]
    names = [value for value in values if value]
    if data.isascii() and _ESC not in data:
        yield from (WrittenName((str(name),)) for name in names)
        return
    # Split at backslashes only after decoding: in some character sets the second byte of a letter has the value of a backslash.
    guesses = [guess for text in possible_texts(data[:_LONGEST_NAMES].rstrip(b"\0 ")) for guess in text.split("\\")]
    for name in names:
        # Archives convert bytes that they took for Western letters to UTF-8.
        readings = tuple(dict.fromkeys((str(name), *guesses, *undo_misdecoding(str(name)))))
        yield WrittenName(readings, certain=_is_as_declared(name, data))


def _is_as_declared(name: PersonName, data: bytes) -> bool:
    """Whether the name can be trusted to be in the declared character set.

    That is so where it gives letters, and the bytes are not valid UTF-8, which those of another character set are only by chance.
    """
    first, *others = name.encodings or (_UNDECLARED,)
    if not could_be_name(str(name)) or (first == _UNDECLARED and not (others and _ESC in data)):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return first.upper() == "UTF8" or _ESC in data


def _name_components(name: PersonName) -> Iterator[str]:
    for group in str(name).split("="):
        yield from group.split("^")


def _attribute_text(dataset: Dataset, keyword: str) -> str:
    try:
        return str(dataset.get(keyword) or "").strip()
    except Exception:
        return ""


def _ultrasound_regions(dataset: Dataset, rows: int, columns: int) -> Iterator[UltrasoundRegion]:
    """The ultrasound regions, clipped to a frame of ``rows`` and ``columns``.

    The stored corners are both inside the region (PS3.3 C.8.5.5.1.2), so the half-open box ends one pixel further.
    """
    try:
        items = list(dataset.get("SequenceOfUltrasoundRegions") or [])
    except Exception:
        return
    for item in items:
        try:
            corners = [int(item[f"RegionLocation{corner}"].value) for corner in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
            spatial_format, data_type = int(item.get("RegionSpatialFormat") or 0), int(item.get("RegionDataType") or 0)
        except Exception:
            continue  # a value that cannot be parsed cannot be matched; burned-in text is redacted whether it matches or not
        box = Box(corners[0], corners[1], corners[2] + 1, corners[3] + 1).clip(rows, columns)
        if box is not None:
            yield UltrasoundRegion(box, spatial_format, data_type)
