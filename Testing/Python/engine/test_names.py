"""A file's name that tells who is shown is never published, in whatever order, script and spelling; one that tells of nobody is.

The names are invented. ``certain`` is what fails with the advice to use ``--rename``, a doubt gets a random name.
"""

import datetime
import random
import string
import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from PyLogikSlicerLib.core.stack import Header, WrittenName
from PyLogikSlicerLib.names import find_disclosure


def header(name="", **identifying) -> Header:
    """A header of a patient; other values by keyword. Values that are persons go into ``persons``, as the readers do it."""
    persons = {keyword: value for keyword, value in identifying.items() if keyword.endswith(("Name", "Names")) and "^" in str(value)}
    if name:
        persons["PatientName"] = name
    values = {keyword: value if isinstance(value, tuple) else (value,) for keyword, value in identifying.items() if keyword not in persons}
    written = {keyword: (value if isinstance(value, WrittenName) else WrittenName((value,)),) for keyword, value in persons.items()}
    components = {
        keyword: tuple(part for part in names[0].readings[0].replace("=", "^").split("^") if len(part) > 1)
        for keyword, names in written.items()
    }
    return Header(
        identifying={**values, **components}, persons=written, modality="US", manufacturer="Philips Medical Systems", model="EPIQ 7C"
    )


def certain(stem, told: Header) -> bool:
    found = find_disclosure(stem, told)
    return found is not None and found.certain


def doubted(stem, told: Header) -> bool:
    found = find_disclosure(stem, told)
    return found is not None and not found.certain


# The patient's name. What stands in the header, and what people make of it in a file's name: family, given.

WRITTEN: Mapping[str, list[tuple[str, str]]] = {
    "Doe^Jane": [("Doe", "Jane")],
    "Oberhuber^Anna Maria": [("Oberhuber", "Anna"), ("Oberhuber", "AnnaMaria")],
    "Müller^Jörg": [("Müller", "Jörg"), ("Mueller", "Joerg"), ("Muller", "Jorg")],
    "Weiß^Käthe": [("Weiß", "Käthe"), ("Weiss", "Kaethe"), ("Weiss", "Kathe")],
    "Møller^Søren": [("Møller", "Søren"), ("Moeller", "Soeren"), ("Moller", "Soren"), ("Moeller", "Soren")],
    "Ångström^Åse": [("Ångström", "Åse"), ("Aangstroem", "Aase"), ("Angstrom", "Ase")],
    "Kjær^Bjørn": [("Kjær", "Bjørn"), ("Kjaer", "Bjoern"), ("Kjaer", "Bjorn")],
    "Guðmundsdóttir^Þóra": [("Guðmundsdóttir", "Þóra"), ("Gudmundsdottir", "Thora")],
    "Łukaszewski^Michał": [("Łukaszewski", "Michał"), ("Lukaszewski", "Michal")],
    "Dvořák^Žofie": [("Dvořák", "Žofie"), ("Dvorak", "Zofie")],
    "Nagy-Szőke^Ágnes": [("Nagy-Szőke", "Ágnes"), ("Nagy Szoke", "Agnes"), ("NagySzoeke", "Agnes")],
    "Đorđević^Đurđa": [("Đorđević", "Đurđa"), ("Dordevic", "Durda"), ("Djordjevic", "Djurdja")],
    "Yılmaz^İbrahim": [("Yılmaz", "İbrahim"), ("Yilmaz", "Ibrahim"), ("YILMAZ", "IBRAHIM")],
    "Nguyễn^Thị Hương": [("Nguyễn", "ThịHương"), ("Nguyen", "Thi_Huong"), ("Nguyen", "Huong")],
    "O'Brien^Siobhán": [("O'Brien", "Siobhán"), ("OBrien", "Siobhan"), ("obrien", "siobhan")],
    "van der Berg^Jan": [("van der Berg", "Jan"), ("VanDerBerg", "Jan"), ("vanderberg", "jan"), ("Berg", "Jan")],
    "García Márquez^Lucía": [("García Márquez", "Lucía"), ("GarciaMarquez", "Lucia"), ("garcia_marquez", "lucia")],
    "Kim^Minjun": [("Kim", "Minjun"), ("KIM", "MINJUN")],
    "Das^Jayendra": [("Das", "Jayendra"), ("Das", "J"), ("DAS", "")],
    "Van^Thi": [("Van", "Thi")],
    "Im^Sooyoung": [("Im", "Sooyoung"), ("IM", "SOOYOUNG")],
    "Philips^Anna": [("Philips", "Anna")],
    "Wang^XiaoDong": [("Wang", "XiaoDong"), ("wang", "xiaodong"), ("王", "小东"), ("王", "小東")],
    "Wang^XiaoDong=王^小东": [("Wang", "Xiaodong"), ("王", "小东")],
    "Yamada^Tarou=山田^太郎=やまだ^たろう": [
        ("Yamada", "Tarou"),
        ("山田", "太郎"),
        ("やまだ", "たろう"),
        ("ヤマダ", "タロウ"),
        ("ﾔﾏﾀﾞ", "ﾀﾛｳ"),
    ],
    "Hong^Gildong=洪^吉洞=홍^길동": [("Hong", "Gildong"), ("洪", "吉洞"), ("홍", "길동")],
    "王小东": [("王", "小东"), ("Wang", "Xiaodong"), ("wang", "xiaodong")],
    "李明": [("李", "明"), ("Li", "Ming")],
    "欧阳^娜娜": [("欧阳", "娜娜"), ("Ouyang", "Nana")],
    "홍길동": [("홍", "길동"), ("Hong", "Gildong")],
    "Иванов^Пётр": [("Иванов", "Пётр"), ("Иванов", "Петр"), ("ИВАНОВ", "ПЁТР"), ("Ivanov", "Petr")],
    "Παπαδόπουλος^Νίκος": [("Παπαδόπουλος", "Νίκος"), ("Παπαδοπουλος", "Νικος")],
    "الأحمد^محمد": [("الأحمد", "محمد"), ("الاحمد", "محمد")],
    "כהן^שרה": [("כהן", "שרה")],
    "शर्मा^अनिल": [("शर्मा", "अनिल")],
    "ใจดี^สมชาย": [("ใจดี", "สมชาย")],
}
JOINED = (
    "{0}{1}",
    "{1}{0}",
    "{0}_{1}",
    "{1}_{0}",
    "{0}, {1}",
    "{1}.{0}",
    "{0}-{1}",
    "us_{0}{1}",
    "{1} {0} 03",
    "{0}{1}2",
    "20240511-{1}{0}",
)
COMBINATIONS = [
    (name, form.format(*parts))
    for name, spellings in WRITTEN.items()
    for parts in spellings
    for form in JOINED
]  # fmt: skip


@pytest.mark.parametrize("case", [str, str.upper, str.lower, str.title], ids=["as it is", "upper", "lower", "title"])
@pytest.mark.parametrize("composed", ["NFC", "NFD"])
def test_a_patients_name_is_known_in_every_order_join_script_and_spelling(case, composed):
    missed = [(name, stem) for name, stem in COMBINATIONS if not certain(unicodedata.normalize(composed, case(stem)), header(name))]
    assert not missed and len(COMBINATIONS) >= 700


# Alone these are words of every file's name, and the maker.
NOT_ALONE = ("Im^Sooyoung", "Philips^Anna")


@pytest.mark.parametrize("name", [name for name in WRITTEN if name.isascii() and "^" in name and name not in NOT_ALONE])
@pytest.mark.parametrize("form", ["{f}", "{f}_ct", "us-{f}-2", "{g[0]}{f}", "{f}{g[0]}", "{g[0]}_{f}", "{g[0]}. {f}", "US{f}03"])
def test_the_family_name_is_enough_and_initials_may_be_joined_to_it(name, form):
    family, given = name.split("^")
    stem = form.format(f=family, g=given)
    for case in (str, str.upper, str.lower):
        expected = case is str or "US{f}" not in form
        assert not expected or certain(case(stem), header(name)), case(stem)


@pytest.mark.parametrize(
    "name,stem", [("Oberhuber^Anna", "xoberhuberct"), ("Doe^Jane", "liverdoejane"), ("李^明", "李明超声"), ("Li^Ming", "liminglive")]
)
def test_so_long_a_name_is_known_even_within_a_word(name, stem):
    assert certain(stem, header(name))


@pytest.mark.parametrize(
    "name,stem",
    [
        *(("Oberhuber^Anna Maria", stem) for stem in ("anna_maria", "Anna 03", "liver_maria")),
        *(("Smith-Jones^Al", stem) for stem in ("jones_1", "Smith")),
        *(("John Stiles", stem) for stem in ("cr_stiles", "john-2")),
        *(("John Doe", stem) for stem in ("doe_1", "us-DOE-2")),
        *(("^DOE JANE", stem) for stem in ("doe_1", "Jane 2")),
        *(("de la Cruz^María", stem) for stem in ("mj cruz", "Maria 03")),
        *(("Li^Ming", stem) for stem in ("li_03", "us li")),
    ],
)
def test_a_part_of_a_name_is_a_doubt(name, stem):
    assert doubted(stem, header(name))


@pytest.mark.parametrize(
    "name,stem",
    [
        *(("Oberhuber^Anna", stem) for stem in ("oberhubr_1", "Oberhubeer", "oberhuebr", "Obehruber", "AnnaOberhumer", "oberhubre_anna")),
        *(("M?LLER^J?RG", stem) for stem in ("Mueller_Joerg", "Müller_1")),
        *(("MULLER^JORG", stem) for stem in ("Mueller", "müller")),
        *(("Papadopoulos^Nikos", stem) for stem in ("papadopulos",)),
        *(("王^小东", stem) for stem in ("王晓东", "王小冬")),
    ],
)
def test_one_letter_of_difference_in_a_long_name_is_a_doubt(name, stem):
    assert find_disclosure(stem, header(name)) is not None


@pytest.mark.parametrize(
    "name,stem",
    [
        *(("Yamada^Tarou", stem) for stem in ("山田太郎", "山田太郎_03", "us_太郎", "超音波")),
        *(("Doe^Jane", stem) for stem in ("王小东", "Иванов_1", "홍길동", "μεγάλο")),
        *(("王^小东", stem) for stem in ("홍길동", "Иванов")),
    ],
)
def test_a_script_in_which_the_header_writes_no_name_cannot_be_compared_and_is_a_doubt(name, stem):
    assert doubted(stem, header(name))


@pytest.mark.parametrize(
    "name,stem",
    [
        *(("김^민준", stem) for stem in ("KimMinjun", "kim_min_jun", "Minjun Kim")),
        *(("محمد^علي حسن", stem) for stem in ("MohammedAliHassan", "Muhammad_Ali_Hasan")),
        *(("כהן^דוד", stem) for stem in ("CohenDavid", "david_kohen")),
        *(("王^志強", stem) for stem in ("WongChihChiang", "wang_zhiqiang")),
        *(("Щербаков^Юрий", stem) for stem in ("Scherbakov_Juri", "ShcherbakovYuriy")),
    ],
)
def test_a_name_that_no_header_has_in_latin_letters_is_known_by_its_sound(name, stem):
    assert find_disclosure(stem, header(name)) is not None


def test_where_the_header_has_the_script_words_of_it_are_words():
    told = header("Wang^XiaoDong=王^小东")
    assert [find_disclosure(stem, told) for stem in ("肝脏_01", "超声", "左_3", "µ_liver")] == [None] * 4


@pytest.mark.parametrize(
    "name", ["DOE^JANE", "DOE JANE", "Doe, Jane", "DOE_JANE", "Doe,Jane^^^", "^DOE JANE", "Jane Doe^", "Dr. Jane Doe", "DoeJane"]
)
def test_a_name_is_known_however_the_header_divides_it(name):
    assert all(certain(stem, header(name)) for stem in ("doejane", "Jane_Doe", "doe-jane-2"))
    # Where it does not say which is the family name, an initial and three letters are a doubt.
    assert all(find_disclosure(stem, header(name)) for stem in ("us DoeJ 3", "JDoe"))


def test_a_name_in_place_of_the_patients_number_is_known():
    told = header("Anonymous", PatientID="DOE_JANE_01", AccessionNumber="QUILLFEATHER")
    assert (
        find_disclosure("jane 3", told) is not None
        and find_disclosure("DoeJane01", told).certain
        and find_disclosure("quillfeather_1", told) is not None
    )
    assert find_disclosure("us_01", told) is None


def test_a_long_vowel_may_be_written_in_two_ways():
    for name, stem in (("Satou^Ai", "sato_ai"), ("Satou^Ai", "Sato"), ("Oono^Kenta", "OhnoKenta"), ("Itou^Ken", "ito_ken")):
        assert find_disclosure(stem, header(name)) is not None, stem


@pytest.mark.parametrize("code", ["JS", "ABC", "Dr", "MD"])
def test_initials_of_somebody_who_operates_are_never_certain(code):
    told = header("Doe^Jane", OperatorsName=f"{code}^")
    assert not certain(f"us_{code}_3", told) and find_disclosure("IM0001", told) is None


PERSONS = [
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "PatientMotherBirthName",
    "PatientBirthName",
    "OtherPatientNames",
]


@pytest.mark.parametrize("keyword", PERSONS)
def test_every_person_of_the_header_counts(keyword):
    told = header("Doe^Jane", **{keyword: "Quillfeather^Zebedee"})
    assert find_disclosure("zebedeequillfeather", told).what == keyword and certain("QuillfeatherZ", told)
    assert doubted("zebedee_1", told)


@pytest.mark.parametrize("name", ["Doe^Jane^^Dr.^MD", "Doe^Jane^^Prof^PhD"])
def test_titles_are_no_names(name):
    assert find_disclosure("us_md_1", header(name)) is None and find_disclosure("prof_phd", header(name)) is None
    assert certain("jane_doe", header(name))


# Dates and numbers


@given(st.dates(min_value=datetime.date(1900, 1, 1), max_value=datetime.date(2030, 12, 31)))
def test_a_birth_date_is_known_in_all_usual_writings(date):
    told = header("Doe^Jane", PatientBirthDate=date.strftime("%Y%m%d"))
    for form in ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y-%m-%d", "%d.%m.%Y", "%m_%d_%Y", "%d %b %Y", "%d%B%Y", "%b-%d-%y", "%B %d, %Y"):
        for around in ("{}", "us_{}", "{} liver 2", "x{}y"):
            stem = around.format(date.strftime(form))
            assert certain(stem, told), stem
    short = [date.strftime(form) for form in ("%d%m%y", "%m%d%y", "%y%m%d", "%d.%m.%y", "%y-%m-%d")]
    for stem in short:
        # 000101 is image 101 rather than the first of January 2000.
        expected = not stem.isdecimal() or len(stem.lstrip("0")) >= 5
        assert find_disclosure(f"us_{stem}", told) is not None or not expected, stem
    loose = (f"{date.day}.{date.month}.{date.year}", f"{date.year}年{date.month}月{date.day}日", f"{date.day}. März {date.year}")
    assert certain(loose[0], told) and certain(loose[1], told) and certain(loose[2], told) == (date.month == 3)


def test_dates_of_the_study_in_other_notations_of_the_header_are_known():
    told = header("Doe^Jane", AcquisitionDateTime="20240511102030.000000+0100", DateTime="2023:04:12 10:20:30")
    assert certain("liver_20240511", told) and certain("12-04-2023", told)
    assert doubted("us_102031", header(StudyTime="102031.123")) and find_disclosure("IM120000", header(StudyTime="000012")) is None


@pytest.mark.parametrize(
    "value,stem",
    [
        *(("4711-0815", stem) for stem in ("47110815", "us_4711_0815", "4711 0815 liver", "004711-0815", "47.11.08.15", "x47110815y")),
        *(("0001234567", stem) for stem in ("1234567", "01234567_us", "us-1234567-1", "00001234567")),
        *(("1234567", stem) for stem in ("0001234567", "1-234-567", "IM1234567")),
        *(("MRN7741903", stem) for stem in ("mrn7741903", "MRN 0007741903", "7741903_us", "MRN-774-1903")),
        *(("A12B34", stem) for stem in ("a12b34", "us_A-12-B-34", "xa12b34x")),
        *(("4711", stem) for stem in ("4711", "us_4711", "IM4711", "04711-liver")),
        *(("19370423-1234", stem) for stem in ("193704231234", "19370423_us", "23.04.1937")),
        *(("JDOE", stem) for stem in ("jdoe",)),
        *(("102030", stem) for stem in ("0102030", "10-20-30", "us1020304")),  # an hour, too, where it is a time
        *(("１２３４５６", stem) for stem in ("123456", "us１２３４５６")),
    ],
)
def test_a_patients_number_is_known_with_other_zeros_and_separators(value, stem):
    for keyword in ("PatientID", "AccessionNumber", "OtherPatientIDs"):
        assert find_disclosure(stem, header("Smith^Joan", **{keyword: value})) is not None, keyword


def test_a_file_called_by_nothing_but_a_short_patient_id_is_a_doubt_and_a_count_is_none():
    told = header("Doe^Jane", PatientID="0012", StudyID="17")
    assert find_disclosure("0000", header("Doe^Jane", PatientID="000")) is None
    assert doubted("12", told) and doubted("0012", told) and doubted("00012", told)
    assert [find_disclosure(stem, told) for stem in ("IM0012", "us_12", "17", "112")] == [None] * 4


def test_a_uid_of_the_header_is_known_and_one_of_the_same_maker_is_not():
    uid = "1.2.840.113619.2.55.3.283116.4711"
    told = header("Doe^Jane", SOPInstanceUID=uid, PatientID="4711", StudyTime="283116")
    assert certain(uid, told) and certain(f"US.{uid}", told) and certain(uid.replace(".", "_"), told)
    assert find_disclosure("1.2.840.113619.2.55.3.4711.1", told) is None


# What tells of nobody

NEUTRAL = (
    *("IM0001", "IMG_0023", "US_Liver_03", "image_0001", "liver", "kidney left", "echo_a4c_12", "PLAX", "abdomen_ct_1mm", "XRay_01"),
    *("Series003", "ser005img00012", "slice_17", "0001", "00000012", "A001", "carotid_left_dist", "thyroid nodule 4", "fetal-heart"),
    *("MR_T1w_ax", "sub-01_ses-02_T1w", "frame_0100", "case7", "anon_33", "phantom_us_1", "test", "demo-image", "philips_epiq_7c"),
    *("doppler_color_cine", "mitral_valve", "LV_EF", "bladder_post", "knee_mri_sag", "brain_flair", "export_final_v2", "max_intensity"),
    *("1.2.840.113619.2.55.3.2831", "long_axis", "subcostal ivc", "stress_echo_peak", "pancreas_head", "hip", "nuchal_translucency"),
    *("US000001", "DICOM", "screenshot", "clip3", "f", "超音波", "肝脏_3", "УЗИ печени", "スライス", "image_0001-2", "a.b.c", "_", ""),
)


@pytest.mark.parametrize(
    "told",
    [
        Header(),
        header("Anonymous^Patient", PatientID="0007"),
        header("ANON^Anonymized", PatientID="anon"),
        header("Test^Liver Phantom", PatientID="TEST"),
        header("Phantom^Carotid", PatientBirthDate=""),
        header(InstitutionName="Philips", StationName="EPIQ", StudyID="1", PatientAge="034Y"),
    ],
    ids=["no header", "anonymous", "anonymized", "test", "phantom", "maker"],
)
def test_a_header_that_names_nobody_keeps_no_name_from_being_published(told):
    assert {stem: find_disclosure(stem, told) for stem in NEUTRAL if find_disclosure(stem, told)} == {}


@pytest.mark.parametrize("stem", [stem for stem in NEUTRAL if stem.isascii()])
def test_a_name_that_tells_nothing_passes_whoever_the_patient_is(stem):
    for name in WRITTEN:
        told = header(name, PatientID="4711-0815", PatientBirthDate="19620307", StudyTime="112420", PatientAge="062Y")
        assert find_disclosure(stem, told) is None, name


def _random_stem(draw: random.Random) -> str:
    number = draw.randrange(10**4)
    return draw.choice(
        [
            f"IM{number:04d}",
            f"{draw.choice(('US', 'CT', 'MR', 'XA', 'DX'))}_{draw.choice([stem for stem in NEUTRAL if stem.isascii()])}_{number % 100:02d}",
            f"series{number % 100}-{draw.randrange(1000):04d}",
            str(draw.randrange(10 ** draw.randint(1, 8))),
            "".join(draw.choices(string.ascii_uppercase + string.digits, k=8)),
            _random_uid(draw),
        ]
    )


def _random_uid(draw: random.Random) -> str:
    return "1.2." + ".".join(str(draw.randrange(10 ** draw.choice((1, 2, 3, 4, 6, 9)))) for _ in range(draw.randint(6, 10)))


def _random_header(draw: random.Random) -> Header:
    def date(first, last):
        return f"{draw.randint(first, last)}{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}"

    return header(
        draw.choice(list(WRITTEN)),
        ReferringPhysicianName=draw.choice([name for name in WRITTEN if "^" in name]),
        PatientID=draw.choice(
            (str(draw.randrange(10 ** draw.randint(3, 9))), f"MRN{draw.randrange(10**6):07d}", f"P-{draw.randrange(10**4):04d}")
        ),
        AccessionNumber=f"{draw.randrange(10**8):08d}",
        StudyID=str(draw.randrange(10, 10**4)),
        PatientBirthDate=date(1920, 2015),
        StudyDate=date(2005, 2024),
        StudyTime=f"{draw.randrange(24):02d}{draw.randrange(60):02d}{draw.randrange(60):02d}",
        InstitutionName=draw.choice(("General Hospital", "Klinikum Nord", "University Medical Center")),
        StationName=draw.choice(("US1", "ROOM3", "CT01", "ECHO-2")),
        DeviceSerialNumber=str(draw.randrange(10**6)),
        StudyInstanceUID=_random_uid(draw),
        SOPInstanceUID=_random_uid(draw),
    )


def test_ordinary_file_names_are_hardly_ever_taken_for_somebodys():
    draw = random.Random(1)
    alarms = [stem for stem, told in ((_random_stem(draw), _random_header(draw)) for _ in range(2000)) if find_disclosure(stem, told)]
    assert len(alarms) <= 2, alarms


@given(st.text(max_size=40), st.text(max_size=30), st.text(max_size=12))
def test_any_name_and_any_header_can_be_compared(stem, name, value):
    find_disclosure(stem, header(name, PatientID=value, OperatorsName=f"{value}^{name}", Comment=name, PatientBirthDate=value))


@given(st.sampled_from(list(WRITTEN)), st.data())
def test_what_is_known_is_known_whatever_stands_around_it(name, data):
    parts = data.draw(st.sampled_from(WRITTEN[name]))
    around = st.text(st.sampled_from("0123456789 _-.#"), max_size=6)
    stem = f"{data.draw(around)} {'_'.join(data.draw(st.permutations(parts)))} {data.draw(around)}"
    assert certain(stem, header(name))
