"""Interface strings: marked here, translated through gettext when shown."""

from __future__ import annotations

from pyramid.i18n import TranslationStringFactory

__all__ = ["_"]

_ = TranslationStringFactory("autoloop")
