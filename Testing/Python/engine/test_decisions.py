"""All text goes; with --keep measurements only what is nothing but a measurement stays, and never what could identify."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.geometry import Box
from PyLogikSlicerLib.core.stack import Header
from PyLogikSlicerLib.core.text_map import Region, TextMap
from PyLogikSlicerLib.policy.decisions import HeaderMatcher, decide, why_sensitive
from PyLogikSlicerLib.policy.measurements import is_measurement

HEADER = Header(
    identifying={
        "PatientName": ("Oberhuber", "Anna Maria"),
        "PatientID": ("4711-0815",),
        "PatientBirthDate": ("19620307",),
        "InstitutionName": ("St. Elsewhere Hospital",),
        "AccessionNumber": ("A12B34",),
    },
    modality="US",
    manufacturer="Philips Medical Systems",
)


def region(text, confidence=0.99):
    return Region(Box(0, 0, 40, 12).polygon, 0, 0, readings=tuple(filter(None, text.split(" | "))), confidence=confidence)


def decision(text, keep="measurements", confidence=0.99, header=HEADER):
    return decide(TextMap((region(text, confidence),), ("whole",)), header, keep).regions[0].decision


@pytest.mark.parametrize(
    "text",
    [
        "MI 0.8",
        "TIS 0.1",
        "12 cm",
        "5.0 MHz",
        "HR 72 bpm",
        "Gain: 60",
        "Dist 4.21 cm",
        "FR 50 Hz",
        "23 mm/s",
        "2D 63% C 50",
        "Area 12.3 cm²",
        "1.2 cm / 3.4 cm",
        "MI: 0.18 TIs 0.4",
        "MI 0.8 TIs 0.4 HR 72 bpm",
        "Asc Ao Diam 3.3 cm",
        "AV Vmax 1.42 m/s",
        "D2 2.31 cm",
        "+ Dist 0.5 cm",
        "RI 0.67",
    ],
)
def test_measurements_can_be_kept(text):
    assert decision(text) == "keep"
    assert decision(text, keep="none") == "redact"


@pytest.mark.parametrize(
    "text",
    [
        *("Oberhuber", "OBERHUBER, ANNA", "0berhuber", "Anna", "4711-0815", "47110815", "A12B34", "St. Elsewhere"),
        *("07.03.1962", "1962-03-07", "07 MAR 1962", "March 7, 1962", "03/07/62", "07.03.62", "11:24:20", "11:24"),
        *("64y", "064 yrs", "DOB 1", "Name", "ID 12", "Dr 5", "1234567", "12 34 56 78", "SMITH, JOHN", "Smith^John"),
        *("LIVER", "Left kidney", "72", "3", "12", "GE", "", "Gain", "HR", "12 cm Oberhuber", "MI 0.8 | Anna", "MI 0.8 07.03.1962"),
    ],
)
def test_nothing_that_could_identify_is_ever_kept(text):
    assert decision(text) == "redact"


def test_a_measurement_that_was_read_without_certainty_goes():
    assert decision("MI 0.8", confidence=0.8) == "redact"


def test_a_measurement_that_is_the_patients_number_goes():
    header = Header(identifying={"StudyID": ("5.0 MHz",)}, modality="US")
    assert decision("5.0 MHz", header=header) == "redact"


@given(st.sampled_from(sorted(HEADER.identifying)), st.data())
def test_every_value_of_the_header_is_sensitive_whatever_stands_around_it(keyword, data):
    value = data.draw(st.sampled_from(HEADER.identifying[keyword]))
    around = data.draw(st.sampled_from(["{}", "Name: {}", "{} 2D", "** {} **", "{}."]))
    case = data.draw(st.sampled_from([str.upper, str.lower, str.title]))
    assert why_sensitive(around.format(case(value)), HeaderMatcher(HEADER)) is not None


@given(st.text(max_size=30))
def test_what_is_sensitive_is_never_kept(text):
    if why_sensitive(text, HeaderMatcher(HEADER)) is not None:
        assert decision(text) == "redact"


@given(st.dates())
def test_dates_in_usual_writings_are_never_measurements(date):
    for form in ("%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y", "%d %b %Y", "%d-%b-%y", "%Y%m%d", "%d/%m/%y"):
        text = date.strftime(form)
        assert decision(text) == "redact" and not is_measurement(text, "US")


@pytest.mark.parametrize("modality", ["US", "CT", "MR", "XA", ""])
@pytest.mark.parametrize(
    "text",
    [
        *("AC 451", "PI 451", "D 451", "AO 451", "AO451", "CF-451", "EF 123", "HR 451 CF 123 AO 987", "TI 451", "MI 62", "AO+49"),
        *("SL 1962", "TR 1962", "WL 4711", "L 4711", "Loc 4711", "C 12", "3D 104", "G 2 P 1", "C5-1", "L-1", "C 50"),
        *("Max 45", "Max: 62", "Dev 45", "Max Low", "MaxLow", "P Low", "HR Low", "Max Low 12 cm", "Ao 33", "Asc Diam", "P Low Sun"),
        *("FR 12.05", "MI 12.05", "FR 07,03", "HR 14.30", "Max 07.03", "Max 45 kg", "72 kg", "175 cm", "Height: 175 cm", "98 y"),
        *("4711x", "4711 g", "1980s", "0815 ml", "089 x 451 x 123 x", "4711x/0815g", "Diam 3.3 cm Oberhuber", "HR 72 bpm Lee"),
        *("Area 1 cm " * 11 + "!", "Area 1 cm " * 20, "", " ", "|", "12 cm |", "5", "12 13"),
    ],
)
def test_names_initials_days_beds_and_numbers_without_a_unit_are_no_measurements(text, modality):
    assert not is_measurement(text, modality)


def test_without_a_modality_of_its_own_the_names_of_all_count_and_those_of_one_do_not_count_for_another():
    assert is_measurement("MI 0.8", "") and is_measurement("W: 254 L: 127", "XA")
    assert not is_measurement("MI 0.8", "CT") and not is_measurement("W: 254 L: 127", "US")


def test_every_reading_of_a_field_that_changes_must_be_a_measurement():
    assert is_measurement("HR 72 bpm | HR 75 bpm", "US")
    assert not is_measurement("HR 72 bpm | Huber", "US")


def test_the_reason_names_the_header_field_and_not_its_value():
    reason = decide(TextMap((region("OBERHUBER"),), ("whole",)), HEADER).regions[0].reason
    assert reason == "matches PatientName"


def test_the_makers_name_is_nobodys():
    header = Header(identifying={"InstitutionName": ("Philips Healthcare",)}, manufacturer="Philips Medical Systems")
    assert HeaderMatcher(header).match("PHILIPS") is None
