"""The one template dialect: python-liquid's grammar over plain data, every cost bounded before it is paid.

python-liquid reads templates; what it read is compiled here into small functions that count their
work. Its own renderer is not used: with all of its limits set, `(1..30000000) | join` still took
seconds and gigabytes.
"""

from autoloop.base.liquid.condition import Condition, Value, parse_condition, parse_value
from autoloop.base.liquid.faults import TemplateInvalid
from autoloop.base.liquid.fields import Field
from autoloop.base.liquid.filters import FILTERS
from autoloop.base.liquid.profiles import EXPRESSION, HEADER, HTML, TEXT, Profile
from autoloop.base.liquid.template import Rendering, Template, parse
from autoloop.base.liquid.typed import parse_typed

__all__ = [
    "EXPRESSION",
    "FILTERS",
    "HEADER",
    "HTML",
    "TEXT",
    "Condition",
    "Field",
    "Profile",
    "Rendering",
    "Template",
    "TemplateInvalid",
    "Value",
    "parse",
    "parse_condition",
    "parse_typed",
    "parse_value",
]
