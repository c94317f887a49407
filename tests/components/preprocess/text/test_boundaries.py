import pytest

from components.preprocess.text.sentences import SentenceSplitter

# Paragraphs by language, their sentences divided by |.
PARAGRAPHS = {
    "de": [
        "Im 19. Jahrhundert wuchs die Stadt. |Sie war groß.",
        "Das war im 2. Jh. v. Chr. in Rom. |Sie fiel im 5. Jh. |Danach kam Karl der IV. |Er blieb.",
        "Er wurde 19. |Der Vater war stolz.",
        "Vgl. Abb. 3 und S. 5. |Es lebten dort 3 Mio. |Davon blieben wenige.",
    ],
    "fr": [
        "M. Dupont vint. |Il partit.",
        "Il naît en 44 av. J.-C. à Rome. |Voir p. 5 du vol. 2.",
        "Il aime son métier. |Mgr. Roux et J. Petit aussi.",
    ],
    "es": ["El Sr. Ruiz nació en 44 a. C. en Roma. |El n.º 5 está en la pág. 3. |Fin."],
    "it": ["La sig.ra Verdi nacque nel 44 a.C. a Roma. |Vide S. Pietro. |Poi morì."],
    "pt": ["O Dr. Silva nasceu em 44 d.C. em Lisboa. |A Sra. Ana leu o vol. 3. |Fim."],
    "ru": [
        "А. С. Пушкин родился в 1799 г. в Москве. |Он писал стихи и т. д. |Умер в XIX в. |Всё.",
        "Он жил в г. Туле, т. е. на юге.",
    ],
    "uk": ["Він народився 1814 р. у селі. |Жив у XIX ст. |Писав вірші та ін. |Помер."],
    "tr": [
        "19. yüzyılda kuruldu. |M.Ö. 500 yılında yandı. |Bkz. sayfa 5 ve sonrası.",
        "Ali geldi. |Prof. Dr. Can gitti.",
        "Takım 3. oldu. |Maç 5. Lig içindi. |Kulüp 1. |Bu son.",
    ],
    "zh": [
        "大桥建成。|2001年通车。",
        "他说：“我来了。”|然后走了！|真的？|是。",
        "他读《春。秋》一书。",
    ],
    "ja": ["彼は「行く。来る。」と言った。|2001年、去った。"],
    "ar": ["د. أحمد جاء. |ولد سنة 500 ق.م. في مصر."],
    "he": ["הוא נולד בשנת 1990. |היא באה."],
    "hi": ["डॉ. सिंह 500 ई. पू. में आए। |वह गए।"],
    "bg": ["Роден е през 4 г. пр. н. е. в града. |Той пише."],
    "th": ["เขาเกิดในปี พ.ศ. 2500 ที่เมือง"],
    "km": ["គាត់មកផ្ទះ។ |គាត់ដេក។", "មានឆ្កែ ឆ្មា ។ល។ នៅផ្ទះ។"],
    "sr": ["Рођен је 5. маја 1900. године. |Умро је."],
    "da": ["I det 19. århundrede kom han. |Han gik."],
    "en": ["It cost $5.5 million, i.e. a lot. |Dr. Smith left. |2001 was good. |iPhones sold."],
}


@pytest.mark.parametrize(
    ("language", "paragraph"),
    [(language, one) for language, paragraphs in PARAGRAPHS.items() for one in paragraphs],
)
def test_sentences_end_where_a_reader_ends_them(language, paragraph):
    """Ordinals, abbreviations and initials end none; every script's own marks do."""
    sentences = SentenceSplitter().split(paragraph.replace("|", ""), language)

    assert sentences == [sentence.strip() for sentence in paragraph.split("|")]
