"""Variants of a language: -{zh-cn:软件;zh-tw:軟體}- shows one of them, -{物理}- just itself.

Wikis whose language is written in several ways (zh, sr, kk, uz, ku, iu and others) convert
text for the reader; this markup says how, or that a word is to stay as it is.
"""

import re

from components.preprocess.languages.facts import Language

# Languages that MediaWiki converts between variants.
LANGUAGES = frozenset((
    "ban", "crh", "gan", "hak", "iu", "kk", "ku", "lzh", "mni", "nan", "sh", "shi", "sr", "tg",
    "tly", "uz", "wuu", "yue", "zgh", "zh", "zh-classical", "zh-min-nan", "zh-yue",
))  # fmt: skip
# `-{{template}}` opens a template, `-{{{template}}…` a variant that begins with one.
_MARK = re.compile(r"-\{(?:(?=\{\{)|(?!\{))|\}-|\{\{|\}\}")
_RULE = re.compile(r"\s*(?:[^:;|]{0,200}=>)?\s*([a-z]{2,3}(?:-[a-z]+)*)\s*:", re.IGNORECASE)
_FLAGS = re.compile(r"[A-Z;\s+-]*|[a-z]{2,3}(?:-[a-z]+)*(?:;[a-z-]+)*")
# Rules for the rest of the page, titles, and what is taken back: nothing of them shows.
_HIDDEN = frozenset("HT-")


def choose_variants(text: str, language: Language) -> str:
    """Put one variant in place of each -{…}-, inner ones first."""
    if "-{" not in text or language.code not in LANGUAGES:
        return text
    # The open marks, each with the text since.
    stack: list[tuple[str, list[str]]] = [("", [])]
    position = 0
    for match in _MARK.finditer(text):
        stack[-1][1].append(text[position : match.start()])
        position = match.end()
        mark = match[0]
        if mark in ("-{", "{{"):
            stack.append((mark, []))
        elif len(stack) > 1 and stack[-1][0] == {"}-": "-{", "}}": "{{"}[mark]:
            _, inner = stack.pop()
            content = "".join(inner)
            stack[-1][1].append(
                f"{{{{{content}}}}}" if mark == "}}" else _choose(content, language)
            )
        else:
            stack[-1][1].append(mark)
    stack[-1][1].append(text[position:])
    return "".join(mark + "".join(inner) for mark, inner in stack)


def _choose(content: str, language: Language) -> str:
    flags, bar, rules = content.partition("|")
    if not bar or not _FLAGS.fullmatch(flags):
        flags, rules = "", content
    if _HIDDEN & set(flags):
        return ""
    if "R" in flags:
        return rules
    variant_to_text = _read_rules(rules)
    if not variant_to_text:
        return rules
    shown = next(
        (code for code in language.variants if code in variant_to_text), next(iter(variant_to_text))
    )
    return variant_to_text[shown]


def _read_rules(rules: str) -> dict[str, str]:
    """By a variant's code, its text; empty where the text has no rules."""
    variant_to_parts: dict[str, list[str]] = {}
    last = ""
    for part in rules.split(";"):
        match = _RULE.match(part)
        if match is not None:
            last = match[1].lower()
            variant_to_parts[last] = [part[match.end() :].strip()]
        elif not last:
            return {}
        elif part.strip():
            variant_to_parts[last].append(part)  # after a semicolon of the text's own
    return {variant: ";".join(parts) for variant, parts in variant_to_parts.items()}
