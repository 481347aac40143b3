"""Conditions: typed JSON that says what must be true of a contact, for branches, filters, segments.

    {"all": [{"field": "contact.fields.plan", "op": "is", "value": "pro"},
             {"none": [{"email": "replied", "op": "happened"}]}]}

A group is `all`, `any` or `none` of conditions; a leaf asks about a field, an event or an email.
A value that is missing or of another type makes a comparison false; nothing here ever raises
once the condition is made.
"""

from autoloop.plugins.conditions.compiled import Condition, compile_condition
from autoloop.plugins.conditions.operators import FIELD_OPERATORS, BadCondition
from autoloop.plugins.conditions.schema import ConditionType

__all__ = ["FIELD_OPERATORS", "BadCondition", "Condition", "ConditionType", "compile_condition"]
