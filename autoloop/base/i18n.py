"""Interface strings: marked here, translated through gettext when shown.

Catalogues are read from their text form (`locale/*/LC_MESSAGES/autoloop.po`), so that a clone needs no
compiling. What recipients see is translated; the dashboard speaks English until its strings are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from pyramid.i18n import Localizer, Translations, TranslationString, TranslationStringFactory

__all__ = ["LANGUAGES", "LOCALES", "_", "kept", "language_of", "localizer", "paragraphs", "said", "words"]

DOMAIN = "autoloop"
LOCALES = Path(__file__).parent.parent / "locale"
_ = TranslationStringFactory(DOMAIN)

# Each under its own name, as a chooser shows them.
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "hi": "हिन्दी",
}


def language_of(*wanted: str | None) -> str:
    """The first of the wanted locales that there are translations for: `de-AT` is served by `de`."""
    for each in wanted:
        language = (each or "").replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"


@lru_cache(maxsize=len(LANGUAGES))
def localizer(language: str) -> Localizer:
    """The translations of one of LANGUAGES, read once per process."""
    translations = Translations()
    translations._catalog = {}
    source = LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if source.exists():
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        compiled = BytesIO()
        with source.open("rb") as file:
            write_mo(compiled, read_po(file, locale=language))
        compiled.seek(0)
        translations.add(Translations(compiled, DOMAIN))
    return Localizer(language, translations)


def words(language: str, message: Any, **values: Any) -> str:
    """A marked string in this language, its %(name)s filled."""
    translated = str(localizer(language).translate(message))
    return translated % values if values else translated


def paragraphs(*messages: Any) -> TranslationString:
    """Messages one below the other, as one."""
    places = {f"p{n}": message for n, message in enumerate(messages)}
    return TranslationString("\n\n".join(f"${{{name}}}" for name in places), domain=DOMAIN, mapping=places)


def kept(message: Any) -> Any:
    """A message as JSON, to be said in anybody's language later: {"id", "with"}, and so what stands in it;
    what is not marked is text."""
    if not isinstance(message, TranslationString):
        return str(message)
    return {
        "id": str(message),
        "with": {name: kept(value) for name, value in (message.mapping or {}).items()},
    }


def said(message: Any, language: str) -> str:
    """What `kept` gave, in one of LANGUAGES."""
    if not isinstance(message, Mapping):
        return str(message)
    parts = {name: said(value, language) for name, value in message["with"].items()}
    marked = TranslationString(message["id"], domain=DOMAIN, mapping=parts)
    return str(localizer(language).translate(marked))
