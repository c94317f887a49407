# ruff: noqa: E501 - a passage reads better in one piece
"""Passages of wikis other than the English, with every word accounted for."""

import re
from collections import Counter

import pytest

from components.preprocess.wikitext.clean import clean_page
from components.preprocess.wikitext.sites import read_site

# By language: the names of files and categories in its dumps, wikitext, and what a reader sees.
PASSAGES = {
    "de": (
        ("Datei", "Kategorie"),
        "[[Datei:Wien.jpg|mini|hochkant|Das ''alte'' [[Rathaus (Wien)|Rathaus]]]]\n"
        "'''Wien''' ({{enS|Vienna}}, {{lang|hu|Bécs}}) ist die [[Hauptstadt]] von "
        "[[Österreich]].<ref>{{Internetquelle|url=x}}</ref>\n[[Bild:Karte.svg|Karte]]\n\n"
        "== Lage ==\nEs liegt an der [[Donau]], {{Höhe|1171|AT|link=true}} hoch, und hatte am "
        "{{Datum|3|2|2001}} {{formatnum:1550123}} Einwohner. {{AUT}} gewann gegen {{Ungarn}}, sagte "
        "er: {{Zitat|Gut so.}} Der ''Spiegel'''s Chef auch.\n\n{{SORTIERUNG:Wien}}\n"
        "[[Kategorie:Wien| ]]",
        [
            "Wien (Vienna, Bécs) ist die Hauptstadt von Österreich.",
            "Lage",
            "Es liegt an der Donau, 1.171 m hoch, und hatte am 3. Februar 2001 1.550.123 Einwohner. "
            "Österreich gewann gegen Ungarn, sagte er: „Gut so.“ Der Spiegel's Chef auch.",
        ],
    ),
    "fr": (
        ("Fichier", "Catégorie"),
        "[[Fichier:Paris.jpg|vignette|redresse|La [[Seine]]]]\n'''Paris''' ({{lang-en|Paris}}) est "
        "à {{unité|200|km}} de la mer{{Référence nécessaire}}. L'<nowiki/>''Énéide'' y parut "
        "{{date-|5|mai|1901}}, au {{s-|XX|e}}, pour {{nombre|12000|lecteurs}} de {{France}}. "
        "{{refnec|Le {{1er}} tome fut lu.}}\n[[image:a.png|thumb]]\n"
        "[[Catégorie:Paris]]\n[[Catégorie: Ville]]",
        [
            "Paris (Paris) est à 200 km de la mer. L'Énéide y parut 5 mai 1901, au XXe siècle, pour "
            "12 000 lecteurs de France. Le 1er tome fut lu."
        ],
    ),
    "es": (
        ("Archivo", "Categoría"),
        "[[Imagen:a.jpg|miniatura|Una vista]]\n'''Lima''' se fundó el {{fecha|18|1|1535}} en el "
        "siglo {{versalita|XVI}}. Tiene {{formatnum:10151000}} habitantes y {{unidad|5|km}} de "
        "costa.{{cita requerida}} Jugó con {{PER}} y dijo {{cita|ganamos}}.\n[[Categoría:Lima]]",
        [
            "Lima se fundó el 18 de enero de 1535 en el siglo XVI. Tiene 10 151 000 habitantes y 5 km "
            "de costa. Jugó con Perú y dijo «ganamos»."
        ],
    ),
    "ru": (
        ("Файл", "Категория"),
        "[[Изображение:a.jpg|мини|Вид на город]]\n'''Тула''' — [[город]] в [[Россия|России]]. Там "
        "открыт {{нп5|Завод Имени|завод|en|Plant}} на {{num|12345.5}} мест. {{цитата|Это хорошо.}} "
        "Играли {{FRA}} и {{Германия}}.{{нет АИ|5|5|2020}}\n[[К:Города]]",
        [
            "Тула — город в России. Там открыт завод на 12 345,5 мест.",
            "Это хорошо.",
            "Играли Франция и Германия.",
        ],
    ),
    "zh": (
        ("File", "Category"),
        "[[文件:he.jpg|缩略图|说明]]\n'''长江'''是-{zh-cn:软件;zh-tw:軟體}-，他看{{tsl|en|World Cup|世界盃}}和"
        "{{le|甲|A}}。{{bd|1901年|5月5日|1980年|3月1日}}有{{formatnum:12345}}人，来自{{FRA}}。\n[[分类:河流]]",
        ["长江是软件，他看世界盃和甲。（1901年5月5日－1980年3月1日）有12,345人，来自法国。"],
    ),
    "ja": (
        ("ファイル", "Category"),
        "[[ファイル:東京.jpg|thumb|right|[[皇居]]の写真]]\n'''東京'''({{ruby|東京|とうきょう}}、"
        "{{lang|en|Tokyo}})は[[日本]]の[[首都]]である<ref>出典</ref>。{{仮リンク|猫|en|Cat}}がいる。"
        "{{要出典範囲|犬もいる|date=2020}}。{{生年月日|2001|2|3}}。\n"
        "[[画像:地図.png|200px]]\n[[Category:東京|*]]\n[[en:Tokyo]]",
        [
            "東京(東京 (とうきょう)、Tokyo)は日本の首都である。猫がいる。犬もいる。2001年2月3日。"
        ],
    ),
}  # fmt: skip


def clean(language):
    (files, categories), wikitext, expected = PASSAGES[language]
    site = read_site(
        f'<mediawiki xml:lang="{language}"><namespace key="6" case="x">{files}</namespace>'
        f'<namespace key="14" case="x">{categories}</namespace>'
    )
    return clean_page(wikitext, "Title", site), expected


@pytest.mark.parametrize("language", PASSAGES)
def test_passage_reads_as_a_reader_sees_it(language):
    """Namespaces, numbers, dates and templates are those of the wiki."""
    paragraphs, expected = clean(language)

    assert paragraphs == expected


def test_words_kept_in_each_language_are_told(capsys):
    """No word is lost, and none is there that a reader does not see."""
    for language in PASSAGES:
        paragraphs, expected = clean(language)
        words, found = (
            Counter(re.findall(r"\w+", " ".join(lines))) for lines in (expected, paragraphs)
        )
        with capsys.disabled():
            kept = 1 - (words - found).total() / words.total()
            print(f"\n{language}: {kept:.1%} of {words.total()} words are kept", end="")
        assert words == found
