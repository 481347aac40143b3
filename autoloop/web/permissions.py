"""What can be allowed, which role allows it, and which kind of login may use it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["KEY_SCOPES", "ROLES", "SESSION_ONLY", "Permission", "allowed"]


class Permission(StrEnum):
    """Every permission there is. A view names exactly one."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    OWN_ACCOUNT = "own_account"
    CREATE_WORKSPACE = "create_workspace"
    INSTANCE_ADMIN = "instance_admin"
    READ = "read"
    KEEP_OWN = "keep_own"
    LEAVE = "leave"
    EDIT = "edit"
    IMPORT = "import"
    SIMULATE = "simulate"
    SEND_TEST = "send_test"
    PUBLISH = "publish"
    EXPORT = "export"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_SENDERS = "manage_senders"
    MANAGE_SENDING = "manage_sending"
    MANAGE_PROVIDERS = "manage_providers"
    MANAGE_KEYS = "manage_keys"
    MANAGE_CREDENTIALS = "manage_credentials"
    MANAGE_WORKSPACE = "manage_workspace"
    DELETE_WORKSPACE = "delete_workspace"
    TRANSFER = "transfer"
    SET_POLICY = "set_policy"


P = Permission

VIEWER = frozenset({P.READ, P.KEEP_OWN, P.LEAVE})  # what one keeps for oneself: read marks, wishes
EDITOR = VIEWER | {P.EDIT, P.IMPORT, P.SIMULATE, P.SEND_TEST}
ADMIN = EDITOR | {
    P.PUBLISH,
    P.EXPORT,
    P.MANAGE_MEMBERS,
    P.MANAGE_SENDERS,
    P.MANAGE_SENDING,
    P.MANAGE_PROVIDERS,
    P.MANAGE_KEYS,
    P.MANAGE_CREDENTIALS,
    P.MANAGE_WORKSPACE,
}
OWNER = ADMIN | {P.DELETE_WORKSPACE, P.TRANSFER, P.SET_POLICY}

ROLES: dict[str, frozenset[Permission]] = {"viewer": VIEWER, "editor": EDITOR, "admin": ADMIN, "owner": OWNER}

# What decides about people, keys and the workspace itself takes a person who signed in.
SESSION_ONLY = frozenset(
    {
        P.OWN_ACCOUNT,
        P.CREATE_WORKSPACE,
        P.LEAVE,
        P.INSTANCE_ADMIN,
        P.MANAGE_MEMBERS,
        P.MANAGE_KEYS,
        P.MANAGE_CREDENTIALS,
        P.MANAGE_WORKSPACE,
        P.DELETE_WORKSPACE,
        P.TRANSFER,
        P.SET_POLICY,
    }
)

KEY_SCOPES: dict[str, frozenset[Permission]] = {
    "read": frozenset({P.PUBLIC, P.SIGNED_IN, P.READ}),
    "write": frozenset(Permission) - SESSION_ONLY,
}


def allowed(kind: str, scopes: frozenset[str], permission: Permission) -> bool:
    """May this kind of login (session or api_key with scopes) use this permission at all?"""
    if kind == "session":
        return True
    return any(permission in KEY_SCOPES.get(scope, frozenset()) for scope in scopes)
