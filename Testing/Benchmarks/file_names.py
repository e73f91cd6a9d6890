#!/usr/bin/env python3
"""How many file names that hold the patient's name are recognized, by script, and how many that hold none are taken for one.

    python Testing/Benchmarks/file_names.py [--persons 100] [--seed 1] [--dry]

The names are those of Faker (`pip install faker`), which nothing in the project was fitted on. Writes its section of RESULTS.md, unless
--dry.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
import unicodedata

from results import HERE, write_section

# Script or spelling, and Faker's locales.
LOCALES = {
    "English, Spanish, French": ("en_US", "es_ES", "fr_FR"),
    "German, Nordic": ("de_DE", "da_DK", "sv_SE", "no_NO"),
    "Polish, Czech, Hungarian, Croatian": ("pl_PL", "cs_CZ", "hu_HU", "hr_HR"),
    "Turkish, Vietnamese": ("tr_TR", "vi_VN"),
    "Russian, Ukrainian, Bulgarian": ("ru_RU", "uk_UA", "bg_BG"),
    "Greek": ("el_GR",),
    "Arabic, Hebrew": ("ar_SA", "he_IL"),
    "Chinese": ("zh_CN", "zh_TW"),
    "Japanese": ("ja_JP",),
    "Korean": ("ko_KR",),
    "Hindi, Thai": ("hi_IN", "th_TH"),
}
# {0} the family name, {1} the given name.
FORMS = ("{0}{1}", "{1}{0}", "{0}_{1}", "{1} {0}", "{0}-{1}_2", "us_{0}{1}", "{1}.{0}.03", "20240511 {0}, {1}")
MODALITIES = ("US", "CT", "MR", "XA", "DX")
ORDINARY = ("abdomen", "thyroid_left", "liver", "echo_plax", "A4C", "bmode", "export", "scan", "frame", "final_v2", "test", "phantom")


def spellings(family: str, given: str) -> list[tuple[str, str]]:
    """As the header has the name, in capitals, decomposed, and in plain Latin letters."""
    from anyascii import anyascii

    plain = anyascii(family).replace(" ", ""), anyascii(given).replace(" ", "")
    decomposed = unicodedata.normalize("NFD", family), unicodedata.normalize("NFD", given)
    return [(family, given), (family.upper(), given.upper()), decomposed, plain, (plain[0].lower(), plain[1].lower())]


def header(name: str, draw: random.Random):
    from PyLogikSlicerLib.core.stack import Header, WrittenName

    parts = tuple(part for part in name.split("^") if len(part) > 1)
    day = f"19{draw.randrange(20, 99)}{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}"
    identifying = {"PatientID": (f"{draw.randrange(10**7):07d}",), "PatientBirthDate": (day,), "PatientName": parts}
    return Header(identifying=identifying, persons={"PatientName": (WrittenName((name,)),)}, modality="US", manufacturer="GE", model="E10")


def ordinary(draw: random.Random) -> str:
    number = draw.randrange(10**4)
    return draw.choice(
        (
            f"IM{number:04d}",
            f"{draw.choice(MODALITIES)}_{draw.choice(ORDINARY)}_{number % 100:02d}",
            f"series{number % 100}-{draw.randrange(1000):04d}",
            "".join(draw.choices(string.ascii_uppercase + string.digits, k=8)),
            "1.2." + ".".join(str(draw.randrange(10 ** draw.choice((1, 2, 4, 9)))) for _ in range(8)),
        )
    )


def main() -> None:
    sys.path.insert(0, str(HERE.parents[1] / "PyLogikSlicer"))
    try:
        from faker import Faker
    except ModuleNotFoundError:
        sys.exit("The names come from Faker: pip install faker")
    from PyLogikSlicerLib.names import find_disclosure

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--persons", type=int, default=100, help="of each row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="print, and leave RESULTS.md alone")
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    rows = ["| names | file names | failed, with advice | random name | published | of ordinary file names taken for one |"]
    rows += ["| --- | ---: | ---: | ---: | ---: | ---: |"]
    sums, missed = [0] * 5, []
    for label, locales in LOCALES.items():
        certain = doubted = published = alarms = innocent = 0
        for number in range(arguments.persons):
            fake = Faker(locales[number % len(locales)])
            fake.seed_instance(arguments.seed * 10_000 + number)
            family, given = fake.last_name(), fake.first_name()
            told = header(f"{family}^{given}", draw)
            for spelling in spellings(family, given):
                for form in FORMS:
                    found = find_disclosure(form.format(*spelling), told)
                    certain += found is not None and found.certain
                    doubted += found is not None and not found.certain
                    if found is None:
                        published += 1
                        missed.append(f"- `{form.format(*spelling)}` for `{family}^{given}`")
            for _ in range(20):
                innocent += 1
                alarms += find_disclosure(ordinary(draw), told) is not None
        total = certain + doubted + published
        rows.append(f"| {label} | {total} | {certain} | {doubted} | {published} | {alarms} of {innocent} |")
        sums = [a + b for a, b in zip(sums, (total, certain, doubted, published, alarms), strict=True)]
    rows.append(f"| all | {sums[0]} | {sums[1]} | {sums[2]} | {sums[3]} | {sums[4]} of {20 * arguments.persons * len(LOCALES)} |")
    text = "\n".join([f"Seed {arguments.seed}, {arguments.persons} persons a row.", "", *rows, *([""] + missed[:20] if missed else [])])
    print(text)
    if not arguments.dry:
        write_section("names", text)


if __name__ == "__main__":
    main()
