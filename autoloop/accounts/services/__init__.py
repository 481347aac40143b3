"""The verbs of accounts."""

from autoloop.accounts.services.api_keys import ApiKeys
from autoloop.accounts.services.audit import InstanceAudit
from autoloop.accounts.services.claims import Claims
from autoloop.accounts.services.lockout import Lockout
from autoloop.accounts.services.sessions import Sessions
from autoloop.accounts.services.sign_in import SignIn
from autoloop.accounts.services.users import Users

__all__ = ["ApiKeys", "Claims", "InstanceAudit", "Lockout", "Sessions", "SignIn", "Users"]
