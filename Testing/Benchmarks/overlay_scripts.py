"""Names in other scripts than Latin, invented, and the faces to write them with: matplotlib's, which are there on every machine, and
for some scripts only Debian's fonts-noto-core, fonts-droid-fallback and fonts-wqy-zenhei."""

from __future__ import annotations

from dataclasses import dataclass

from fontTools.ttLib import TTFont
from overlay_typefaces import MATPLOTLIB, SYSTEM, Face


@dataclass(frozen=True)
class Script:
    """``font``: below :data:`SYSTEM`; empty for matplotlib's DejaVu."""

    names: tuple[str, ...]
    font: str = ""

    @property
    def faces(self) -> tuple[Face, ...]:
        """None where the font is not installed, or lacks a letter: it would draw empty boxes."""
        path = SYSTEM / self.font if self.font else MATPLOTLIB / "DejaVuSans.ttf"
        if not path.is_file() or not set(map(ord, "".join(self.names))) <= set(TTFont(path, fontNumber=0).getBestCmap()):
            return ()
        return tuple(Face(kind, path.stem, str(path), shaped=True) for kind in ("outline", "crisp"))


NOTO, DROID, ZENHEI = "truetype/noto/NotoSans{}-Regular.ttf", "truetype/droid/DroidSansFallbackFull.ttf", "truetype/wqy/wqy-zenhei.ttc"
SCRIPTS = {
    "Greek": Script(("Παπαδόπουλος Γ.", "Μαρία Ιωάννου", "Νικολάου Ελένη", "Θωμάς 1961")),
    "Cyrillic": Script(("Иванова Мария", "Шевченко О.", "Петров Сергей", "Юлия 1961")),
    "Armenian": Script(("Հակոբյան Անի", "Սարգսյան Գ.", "Արամ Պետրոսյան")),
    "Georgian": Script(("ბერიძე ნინო", "კაპანაძე გ.", "მაია ლომიძე")),
    "Hebrew": Script(("שרה כהן", "דוד לוי", "מרים פרידמן")),
    "Arabic": Script(("محمد عبد الله", "فاطمة حسن", "ليلى أحمد")),
    "Chinese": Script(("王小明", "李秀英", "张伟 1961", "陳美玲"), ZENHEI),
    "Japanese": Script(("佐藤 花子", "タナカ ケン", "すずき まり"), DROID),
    "Korean": Script(("김민수", "이지은", "박서연 1961"), ZENHEI),
    "Thai": Script(("สมชาย ใจดี", "มาลี ศรีสุข"), NOTO.format("Thai")),
    "Devanagari": Script(("सुनीता शर्मा", "राजेश कुमार"), NOTO.format("Devanagari")),
    "Bengali": Script(("রহিমা বেগম", "সুব্রত দাস"), NOTO.format("Bengali")),
    "Tamil": Script(("லட்சுமி", "முருகன் செல்வம்"), NOTO.format("Tamil")),
}
