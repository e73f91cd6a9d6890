"""What is a measurement or a setting of the scanner and nothing else, by exact patterns per modality.

The patterns hold the names that screens print (abbreviations of DICOM PS3.16's ultrasound measurements and of scanner settings),
their units and how large their numbers are. What could as well be initials with a number of somebody is in no pattern: a name of a
distance counts with its unit only, and a letter alone with no more than a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

_UNIT = (
    r"(?:mm/s|cm/s²|cm/s2|cm/s|m/s|mm2|mm²|cm2|cm²|cm3|cm³|mmHg|mm|cm|[kK]Hz|MHz|Hz|dB|fps|bpm|BPM|ms|ml/min|l/min|ml|cc|sec|s|"
    r"mW/cm2|mW/cm²|kg|g|%|°|deg|HU|mAs|mA|kVp|kV|mGy|keV|x)"
)
_SHORT, _ANY = r"[-+]?\d{1,3}(?:[.,]\d{1,3})?", r"[-+]?\d{1,4}(?:[.,]\d{1,3})?"
_QUANTITY = rf"{_ANY}\s*{_UNIT}"

# Printed without a unit, as often as not: numbers of up to three digits, or how strong something is.
_SETTINGS: Mapping[str, str] = {
    "US": (
        r"Gn|GN|Gain|FR|FPS|HR|Frq|Freq|Depth|Pwr|Power|PRF|WF|Filter|Angle|Map|Persist|Persistence|Smooth|Res|Focus|AO|Comp|Dyn R|Dyn Rg|"
        r"Dyn Range|Col Gain|2D|3D|CF|PW|CW|SV|EF|FS|Sweep|Opt|Frame Rate"
    ),
    "CT": r"kV|kv|KV|kVp|mA|mAs|Thk|Thick|Tilt|SP",
    "MR": r"TE|TI|FA|ETL|NEX|Thk|SP",
}
# A ratio: up to two digits before the point, and a point.
_RATIOS: Mapping[str, str] = {"US": r"MI|TIs|TIb|TIc|TIS|TIB|TIC|TI|IM|ITm|ITo|ITc|RI|PI|S/D|E/A|E/e'|E/E'|A/B|CI"}
# A letter alone: percent, mostly.
_LETTERS: Mapping[str, str] = {"US": r"C|P|G|D"}
# How an image is shown: these are large numbers without a unit.
_WINDOWS: Mapping[str, str] = {"CT": r"WL|WW|W|L|C|SL|FoV|FOV|DFOV|Pos|Loc", "MR": r"TR|FOV|WL|WW|W|L|SL"}
# With their unit only.
_MEASURES: Mapping[str, str] = {
    "US": (
        r"Dist|D|L|W|H|AP|T|Vel|PG|EDV|ESV|SV|CO|Circ|Vol|LVIDd|LVIDs|IVSd|IVSs|LVPWd|LVPWs|RVDd|TAPSE|PHT|VTI|Vmax|Vmin|Vmean|PSV|EDV|"
        r"AC|HC|BPD|FL|HL|OFD|EFW|CRL|GS|YS|NT|AFI|Height|Width|Time"
    )
}
# Longer names are made of where (LVOT, Asc Ao) and what (Diam, Vmax): the last word says what, and a unit follows.
_WHERE = (
    r"LVOT|RVOT|LV|RV|LA|RA|Ao|Asc|Desc|Root|Sinus|Arch|AV|MV|TV|PV|AI|AR|MR|TR|IVS|IVC|SVC|CCA|ICA|ECA|CFA|SFA|MCA|UA|Prox|Mid|Dist|Distal|"
    r"Lt|Rt|Left|Right|E|A|max|mean|peak|Max|Mean|Peak|Dec"
)
_WHAT = r"Diam|Diameter|Area|Vol|Volume|Length|Thickness|Vel|Velocity|Vmax|Vmin|Vmean|VTI|PG|maxPG|meanPG|PHT|Time|Slope|Circ|Grad"
_EVERYWHERE = r"Zoom|Length|Area|Angle|Min|Max|Mean|SD|Dev"
_STRENGTH = r"Low|Med|High|Off|On"
# What tells several of one kind apart: D1, 2 Dist, + Dist.
_WHICH = r"(?:[+×x*]|\d[.)]?)\s*"


def is_measurement(text: str, modality: str) -> bool:
    """Whether the text is one or more numbers with a unit, or known names with their values, and nothing else. Alone a number is
    nobody's measurement. Readings divided by ``|`` (a field that changes) must each be. Of a modality without names of its own (a
    photograph of a screen, a secondary capture) the names of all count."""
    pattern = _pattern(modality.upper() if modality.upper() in _SETTINGS else "")
    return bool(text.strip()) and all(pattern.fullmatch(piece.strip()) for piece in text.split("|"))


@cache
def _pattern(modality: str) -> re.Pattern[str]:
    def named(names: Mapping[str, str], more: str = "") -> str:
        own = names.get(modality) if modality else "|".join(names.values())
        return f"(?:{'|'.join(filter(None, (own, more))) or '(?!)'})"

    gap, apart = r"\s*[:=]?\s*", r"(?:\s*[:=]\s*|\s+)"
    pairs = rf"{_QUANTITY}(?:\s*/\s*{_QUANTITY})?"
    one = "|".join(
        (
            pairs,
            rf"{named(_SETTINGS, _EVERYWHERE)}{gap}(?:{_QUANTITY}|{_SHORT}|{_STRENGTH})",
            rf"{named(_RATIOS)}{gap}[<>]?\s*\d{{1,2}}(?:[.,]\d{{1,2}})?",
            rf"{named(_LETTERS)}{apart}(?:{_QUANTITY}|100|\d{{1,2}}|{_STRENGTH})",
            rf"{named(_WINDOWS)}{apart}{_ANY}(?:\s*{_UNIT})?",
            rf"(?:{_WHICH})?{named(_MEASURES, _EVERYWHERE)}\d?{gap}{_QUANTITY}",
            rf"(?:{_WHICH})?(?:(?:{_WHERE})\s+){{1,3}}(?:{_WHAT}){gap}{_QUANTITY}" if modality in ("US", "") else "(?!)",
        )
    )
    return re.compile(rf"(?:{one})(?:\s*[,;]?\s+(?:{one}))*")
