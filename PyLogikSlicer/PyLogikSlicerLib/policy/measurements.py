"""What is a measurement or a setting of the scanner and nothing else, by exact patterns per modality.

The patterns hold the names that screens print (abbreviations of DICOM PS3.16's ultrasound measurements and of scanner settings),
their units, and how large such numbers are. What could as well be a name, or initials with a number, a day or a bed, is none by
itself: a distance has its unit, and a lone letter or short setting without one stands in a line with a quantity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

# A line of a screen is not longer.
LONGEST = 120
_FRACTION = r"(?:[.,]\d{1,3})?"
# No larger than what is measured in that unit: 1980s, 4711x and 175 cm are no quantities.
_QUANTITY = (
    r"[-+]?(?:"
    rf"(?:0|[1-9]\d{{0,3}}){_FRACTION}\s*(?:HU|[kK]?Hz|ms|ml/min|ml|mm/s)"
    rf"|(?:0|[1-9]\d{{0,2}}){_FRACTION}\s*(?:cm/s²|cm/s2|cm/s|mm2|mm²|cm2|cm²|cm3|cm³|mmHg|mm|dB|fps|bpm|BPM|mAs|mA|kVp|kV|mGy|keV|%|°|deg)"
    rf"|(?:0|[1-9]\d?){_FRACTION}\s*(?:MHz|m/s|l/min|mW/cm2|mW/cm²|cm|cc|sec|s|x)"
    r")(?![\w²³])"
)
_NUMBER = r"(?:0|[1-9]\d{0,2})(?:[.,]\d)?(?![\w.,])"
_PERCENT = r"(?:100|[1-9]?\d)(?![\w.,])"

# Settings whose names are nobody's name or initials.
_SETTINGS: Mapping[str, str] = {
    "US": r"Gn|GN|Gain|Col Gain|Frq|Freq|Depth|Pwr|PRF|Filter|Persist|Smooth|Dyn R|Dyn Rg|Dyn Range|Sweep|Frame Rate",
    "CT": r"kVp|kV|kv|KV|mAs|mA|Thick",
    "MR": r"ETL|NEX",
}
# One digit, a point, and what follows.
_INDICES: Mapping[str, str] = {"US": r"MI|TIs|TIb|TIc|TIS|TIB|TIC|IM|ITm|ITo|ITc|RI|PI|S/D|E/A|E/e'|E/E'"}
# With a unit, or beside a quantity.
_SHORT: Mapping[str, str] = {
    "US": r"C|P|G|D|2D|3D|HR|FR|FPS|WF|AO|CF|PW|CW|SV|EF|FS|Map|Focus|Res|Comp|Opt",
    "CT": r"Thk|Tilt|SP|SL|FoV|FOV|DFOV|Pos|Loc",
    "MR": r"TR|TE|TI|FA|Thk|SP|SL|FOV",
}
# With a unit.
_MEASURES: Mapping[str, str] = {
    "US": (
        r"Dist|L|W|AP|T|Vel|PG|EDV|ESV|CO|Circ|Vol|LVIDd|LVIDs|IVSd|IVSs|LVPWd|LVPWs|RVDd|TAPSE|PHT|VTI|Vmax|Vmin|Vmean|PSV|"
        r"AC|HC|BPD|FL|HL|OFD|CRL|GS|YS|NT|AFI|Time|Power"
    )
}
_MEASURES_EVERYWHERE = r"Zoom|Length|Area|Angle|Min|Max|Mean|SD|Dev"
# Longer names are made of where (LVOT, Asc Ao) and what (Diam, Vmax), and have a unit.
_WHERE = (
    r"LVOT|RVOT|LV|RV|LA|RA|Ao|Asc|Desc|Root|Sinus|Arch|AV|MV|TV|PV|AI|AR|MR|TR|IVS|IVC|SVC|CCA|ICA|ECA|CFA|SFA|MCA|UA|Prox|Mid|Dist|Distal|"
    r"Lt|Rt|Left|Right|E|A|max|mean|peak|Dec"
)
_WHAT = r"Diam|Diameter|Area|Vol|Volume|Length|Thickness|Vel|Velocity|Vmax|Vmin|Vmean|VTI|PG|maxPG|meanPG|PHT|Time|Slope|Circ|Grad"
# What tells several of one kind apart: D1, 2 Dist, + Dist.
_WHICH = r"(?:(?:[+×*]|\d[.)]?)\s*)?"
# How an image is shown: always by both.
_WINDOW = r"(?:WW|W)\s*[:= ]\s*\d{1,5}[\s,/]+(?:WL|L|C)\s*[:= ]\s*[-+]?\d{1,5}(?!\w)"
_GAP = r"\s*(?:[:=<]\s*)?"
_BETWEEN = re.compile(r"\s*[,;/]\s*|\s+")


def is_measurement(text: str, modality: str) -> bool:
    """Whether the text is one or more quantities, or known names with their values, and nothing else. Alone a number is nobody's
    measurement. Parts divided by ``|`` must each be. Of a modality without names of its own (a photograph of
    a screen, a secondary capture) the names of all count."""
    patterns = _patterns(modality.upper() if modality.upper() in _SETTINGS else "")
    return len(text) <= LONGEST and all(_all_measurements(piece.strip(), *patterns) for piece in text.split("|"))


def _all_measurements(line: str, telling: re.Pattern[str], beside: re.Pattern[str]) -> bool:
    """Whether the line is made of ``telling`` things, at least one, and of what counts ``beside`` them."""
    at, told = 0, False
    while found := telling.match(line, at) or beside.match(line, at):
        told = told or found.re is telling
        if found.end() == len(line):
            return told
        gap = _BETWEEN.match(line, found.end())
        if gap is None:
            return False
        at = gap.end()
    return False


@cache
def _patterns(modality: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What tells a measurement by itself, and what counts beside it."""

    def named(*names: Mapping[str, str], everywhere: str = "") -> str:
        own = [one[which] for one in names for which in one if which == modality or not modality]
        return f"(?:{'|'.join(filter(None, (*own, everywhere))) or '(?!)'})"

    telling = [
        _QUANTITY,
        rf"{named(_SETTINGS)}{_GAP}(?:{_QUANTITY}|{_NUMBER})",
        rf"{named(_INDICES)}{_GAP}\d[.,]\d{{1,2}}(?![\w.,])",
        rf"{_WHICH}{named(_SHORT, _MEASURES, everywhere=_MEASURES_EVERYWHERE)}\d?{_GAP}{_QUANTITY}",
    ]
    if modality in ("US", ""):
        telling.append(rf"{_WHICH}(?:(?:{_WHERE})\s+){{1,3}}(?:{_WHAT}){_GAP}{_QUANTITY}")
    if modality != "US":
        telling.append(_WINDOW)
    return re.compile("|".join(telling)), re.compile(rf"{named(_SHORT)}\s*[:= ]\s*{_PERCENT}")
