"""Forms drawn from a schema: one widget for each kind of value, found by the name in the schema's `x-ui`.

A widget turns a value into what stands in the form (`write`) and back (`read`). What it cannot show whole
is shown as JSON, so that nothing is lost by opening and saving a form. Any domain may add one:
`config.add_widget("condition", ConditionWidget())`; a name that nobody knows falls back to the type.
"""

from __future__ import annotations

from pyramid.config import Configurator

from autoloop.web.widgets.basic import BASIC, Widget
from autoloop.web.widgets.chosen import CHOSEN
from autoloop.web.widgets.form import ABSENT, Field, Form
from autoloop.web.widgets.lists import LISTS
from autoloop.web.widgets.times import TIMES

__all__ = ["ABSENT", "Field", "Form", "Widget"]


def includeme(config: Configurator) -> None:
    config.registry.widgets = {}
    config.add_directive("add_widget", add_widget)
    for name, widget in {**BASIC, **LISTS, **TIMES, **CHOSEN}.items():
        config.registry.widgets[name] = widget


def add_widget(config: Configurator, name: str, widget: Widget) -> None:
    config.registry.widgets[name] = widget
