"""What is written on screens: names, dates, numbers with units, menu words, single letters and digits; invented, by chance."""

from __future__ import annotations

import numpy as np

# fmt: off
MENU = (
    "Depth", "Gain", "Freq", "Focus", "Freeze", "Save", "Print", "Patient", "Exam", "Setup", "Menu", "Exit", "Report", "Probe",
    "Preset", "Image", "Store", "Review", "Body", "Mark", "Text", "Arrow", "Clear", "Zoom", "Dual", "Color", "Power", "Doppler",
    "Steer", "Scale", "Baseline", "Invert", "Filter", "Map", "Persist", "Angle", "Volume", "Pause", "Play", "Next", "Back", "End",
    "Start", "Stop", "Cancel", "OK", "Help", "File", "Edit", "View", "Tools", "Window", "Adult", "Cardiac", "Abdomen", "Liver",
    "Kidney", "Thyroid", "Breast", "Vascular", "Carotid", "Obstetric", "Fetal", "Spine", "Hip", "Knee", "Shoulder", "Left", "Right",
    "Long", "Trans", "Sag", "Cor", "Axial", "Supine", "Prone", "Portable", "Erect", "Series", "Slice", "Thick", "Scan", "Time", "Date",
    "Name", "Hospital", "Clinic", "Center", "Medical", "University", "Department", "Radiology", "Cardiology", "Emergency", "Operator",
    "Physician", "Dr", "Institution", "Accession", "Study", "Sex", "Age", "Birth", "Weight", "Height", "Live", "Calc", "Trace",
    "Ellipse", "Distance", "Area",
)
SHORT = (
    "MI", "TIS", "TIB", "TIC", "HR", "BPM", "FR", "DR", "PRF", "WF", "SV", "Gn", "Pwr", "ID", "DOB", "RT", "LT", "AP", "PA", "LAT",
    "SUP", "INF", "ANT", "POST", "HD", "FOV", "TR", "TE", "KV", "mA", "WW", "WL", "ROI", "2D", "3D", "4D", "CF", "PW", "CW", "MM",
    "TGI", "Res", "Gen", "Pen",
)
UNITS = (
    "cm", "mm", "Hz", "kHz", "MHz", "dB", "%", "fps", "bpm", "cm/s", "m/s", "ms", "s", "ml", "mmHg", "mm/s", "dB/cm/MHz", "kV", "mAs",
    "mGy", "HU", "deg",
)
GIVEN = (
    "Anna", "Maria", "John", "James", "Petra", "Lucia", "Omar", "Wei", "Ivan", "Olga", "Sven", "Nora", "Paul", "Elena", "Hugo", "Ines",
    "Tomas", "Kenji", "Fatima", "Rosa", "Liam", "Emma", "Noah", "Marek", "Zoe",
)
FAMILY = (
    "Smith", "Muller", "Garcia", "Rossi", "Novak", "Kim", "Tanaka", "Ivanova", "Olsen", "Dubois", "Silva", "Khan", "Walker", "Jensen",
    "Kowalski", "Nguyen", "Bauer", "Costa", "Haddad", "Lind", "Moreau", "Petrov",
)
MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)
# fmt: on
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
SINGLE = "ABCDEFGHJKLMNPQRSTUVWYZLRLRPVPVSIHFAabcdeghkmnprsuvwyz"  # without what alone is a tick, a dot or a caliper: l | . - + x X
PUNCTUATION = ".,:;/-+()[]%#*=<>!?@&'\"_"
ACCENTED = "ÄÖÜäöüßéèêàçñåøæÉÀÇÑÅØłśžřčőű"
GREEK_CYRILLIC = "αβγδεζηθλμπρσφψωΔΣΩБГДЖЗИЙЛПФЦЧШЩЭЮЯбвгджзийлптфцчшщэюя"
CJK = "患者姓名性别年龄日期时间医院科室超声检查右左上下前后肝胆脾肾心脏深度增益频率東京病院太郎花子田中山本鈴木あいうえおかきくけこ"


def number(rng: np.random.Generator) -> str:
    whole = str(rng.integers(0, 10 ** int(rng.integers(1, 5))))
    return whole + (f".{rng.integers(0, 10 ** int(rng.integers(1, 3)))}" if rng.random() < 0.4 else "")


def date(rng: np.random.Generator) -> str:
    day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(1930, 2035)
    forms = (
        f"{day:02}/{month:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day:02}.{month:02}.{year}",
        f"{day:02}-{MONTHS[month - 1]}-{year}",
        f"{MONTHS[month - 1]} {day:02} {year % 100:02}",
        f"{year}{month:02}{day:02}",
    )
    return str(rng.choice(forms))


def clock(rng: np.random.Generator) -> str:
    text = f"{rng.integers(0, 24):02}:{rng.integers(0, 60):02}"
    return text + (f":{rng.integers(0, 60):02}" if rng.random() < 0.6 else "") + (str(rng.choice([" AM", " PM", "", "", ""])))


def name(rng: np.random.Generator) -> str:
    given, family = str(rng.choice(GIVEN)), str(rng.choice(FAMILY))
    return str(rng.choice([f"{family}, {given}", f"{given} {family}", f"{family}^{given}", f"Dr. {family}", f"{family}, {given[0]}."]))


def letters(rng: np.random.Generator) -> str:
    pool = LATIN + DIGITS * 2 if rng.random() < 0.8 else LATIN + DIGITS + PUNCTUATION + ACCENTED
    return "".join(rng.choice(list(pool), int(rng.integers(2, 10))))


def measure(rng: np.random.Generator) -> str:
    label, value, unit = str(rng.choice(SHORT + MENU)), number(rng), str(rng.choice(UNITS))
    return str(rng.choice([f"{label} {value}", f"{label}: {value} {unit}", f"{value} {unit}", f"{value}{unit}", f"{label} {value}{unit}"]))


def single(rng: np.random.Generator) -> str:
    pool = SINGLE if rng.random() < 0.45 else DIGITS
    return pool[rng.integers(len(pool))]


def few(rng: np.random.Generator) -> str:
    """One to three characters: what word detectors miss."""
    kind = rng.random()
    if kind < 0.6:
        return single(rng)
    if kind < 0.8:
        return str(rng.integers(10, 251)) if rng.random() < 0.7 else f"{rng.integers(0, 10)}.{rng.integers(0, 10)}"
    return str(rng.choice(SHORT)) if rng.random() < 0.7 else "".join(rng.choice(list(LATIN + DIGITS), 2))


def phrase(rng: np.random.Generator) -> str:
    """One line of a screen."""
    kind = rng.random()
    if kind < 0.2:
        text = " ".join(rng.choice(MENU, int(rng.integers(1, 4))))
    elif kind < 0.3:
        text = name(rng)
    elif kind < 0.4:
        text = date(rng)
    elif kind < 0.47:
        text = clock(rng)
    elif kind < 0.65:
        text = measure(rng)
    elif kind < 0.73:
        text = number(rng)
    elif kind < 0.85:
        text = letters(rng)
    elif kind < 0.9:
        text = str(rng.choice([" ", "-", "---", "------", ":", "/"])).join([letters(rng), number(rng), single(rng)])
    else:
        text = str(rng.choice(SHORT))
    chance = rng.random()
    return text.upper() if chance < 0.3 else text.lower() if chance < 0.38 else text


def foreign(rng: np.random.Generator) -> tuple[str, bool]:
    """A word in other letters, and whether it needs a CJK face."""
    if rng.random() < 0.6:
        return "".join(rng.choice(list(CJK), int(rng.integers(1, 7)))), True
    return "".join(rng.choice(list(GREEK_CYRILLIC + ACCENTED), int(rng.integers(1, 8)))), False
