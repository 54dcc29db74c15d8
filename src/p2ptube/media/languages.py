"""Pure: language codes of media files as the tags that browsers know (BCP 47)."""

from __future__ import annotations

import re

UNKNOWN = "und"

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}\Z", re.IGNORECASE)
# ISO 639-1, which BCP 47 demands, and the codes of ISO 639-2 that mean the same.
_LANGUAGES = """
af:afr am:amh ar:ara az:aze be:bel bg:bul bn:ben bs:bos ca:cat cs:cze,ces cy:wel,cym da:dan
de:ger,deu el:gre,ell en:eng eo:epo es:spa et:est eu:baq,eus fa:per,fas fi:fin fr:fre,fra
ga:gle gl:glg gu:guj he:heb hi:hin hr:hrv,scr hu:hun hy:arm,hye id:ind is:ice,isl it:ita
ja:jpn ka:geo,kat kk:kaz km:khm kn:kan ko:kor ku:kur la:lat lb:ltz lo:lao lt:lit lv:lav
mk:mac,mkd ml:mal mn:mon mr:mar ms:may,msa mt:mlt my:bur,mya nb:nob ne:nep nl:dut,nld nn:nno
no:nor pa:pan pl:pol pt:por ro:rum,ron ru:rus si:sin sk:slo,slk sl:slv so:som sq:alb,sqi
sr:srp,scc sv:swe sw:swa ta:tam te:tel th:tha tl:tgl tr:tur uk:ukr ur:urd uz:uzb vi:vie
xh:xho yi:yid zh:chi,zho zu:zul
"""
_SHORT = {
    long: short
    for short, codes in (entry.split(":") for entry in _LANGUAGES.split())
    for long in codes.split(",")
}

_KNOWN = frozenset(_SHORT) | frozenset(_SHORT.values())
# As people call them in the names of subtitle files; a part of the name is enough.
_NAMES = """
arabic:ar bengali:bn bosnian:bs brazilian:pt-br bulgarian:bg catalan:ca chinese:zh croatian:hr
czech:cs danish:da dutch:nl english:en espanol:es español:es estonian:et farsi:fa finnish:fi
flemish:nl francais:fr français:fr french:fr german:de deutsch:de greek:el hebrew:he hindi:hi
hungarian:hu icelandic:is indonesian:id italian:it italiano:it japanese:ja korean:ko latvian:lv
lithuanian:lt macedonian:mk malay:ms malayalam:ml mandarin:zh norwegian:no persian:fa polish:pl
portuguese:pt romanian:ro russian:ru serbian:sr slovak:sk slovenian:sl spanish:es swedish:sv
tagalog:tl tamil:ta telugu:te thai:th turkish:tr ukrainian:uk urdu:ur vietnamese:vi
"""
_NAMED = dict(entry.split(":") for entry in _NAMES.split())


def language_of_word(word: str, *, codes: bool = True) -> str | None:
    """The tag of a language that a word of a file name names, such as `English`; None for others.

    With `codes`, those of ISO 639 and tags that begin with one (`ger`, `pt-BR`) count, too.
    """
    text = word.casefold()
    if text in _NAMED:
        return _NAMED[text]
    known = codes and _TAG.match(text) is not None and text.partition("-")[0] in _KNOWN
    return language_tag(text) if known else None


def language_tag(code: str | None) -> str:
    """The tag of what a file says, such as `en` for `eng`; UNKNOWN where it says nothing usable."""
    text = (code or "").strip().replace("_", "-")
    if not _TAG.match(text):
        return UNKNOWN
    primary, dash, rest = text.lower().partition("-")
    return _SHORT.get(primary, primary) + dash + rest
