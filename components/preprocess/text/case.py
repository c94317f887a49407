"""Whether text is made lower case: by the setting, and by the script of the dump."""

from collections.abc import Iterable

from components.preprocess.languages import cldr

# Scripts with capital letters. In all others BERT's lower-casing changes no letter's case, but
# drops marks that are vowels: में becomes म, and が becomes か.
_SCRIPTS_WITH_CASE = frozenset(
    ("Latn", "Cyrl", "Grek", "Armn", "Geor", "Copt", "Glag", "Cher", "Adlm", "Osge")
)


def choose_lowercase(lowercase: bool, languages: Iterable[str]) -> tuple[bool, str]:
    """Whether text is made lower case without accents, and what to tell the user; "" is nothing.

    Args:
        lowercase: what the settings say.
        languages: codes of the languages of the dump's files.
    """
    codes = sorted(set(languages))
    without_case = [code for code in codes if cldr.find_script(code) not in _SCRIPTS_WITH_CASE]
    if not lowercase or codes == ["en"]:
        return lowercase, ""
    if without_case:
        script = cldr.find_script(without_case[0])
        return False, (
            f"warning: text stays as it is, as with lowercase=false: the script of "
            f"{', '.join(without_case)} ({script}) has no case, and would lose its vowel signs"
        )
    return True, (
        f"warning: lowercase=true takes the accents off letters of {', '.join(codes)} (é becomes "
        "e, й becomes и); lowercase=false keeps them"
    )
