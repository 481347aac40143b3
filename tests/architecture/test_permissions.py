"""Closed by default: every view names its permission, and nothing stands where a slug could."""

from __future__ import annotations

import pytest
from pyramid.interfaces import IExceptionResponse

from autoloop.web.permissions import KEY_SCOPES, ROLES, SESSION_ONLY, Permission
from autoloop.workspaces.resources import Workspaces
from autoloop.workspaces.slugs import RESERVED, SHAPE

KNOWN = {str(permission) for permission in Permission}


@pytest.fixture(scope="module")
def views(wsgi):
    """Every view that is served, with its permissions; answers to errors and static files are none."""
    introspector = wsgi.registry.introspector
    found = []
    for entry in introspector.get_category("views"):
        view = entry["introspectable"]
        context = view["context"]
        if context is IExceptionResponse or (isinstance(context, type) and issubclass(context, Exception)):
            continue
        if view["route_name"] and view["route_name"].startswith("__static"):
            continue
        related = entry["related"]
        found.append((view, [each["value"] for each in related if each.category_name == "permissions"]))
    return found


def test_every_view_has_a_permission_of_ours(views):
    assert len(views) > 30
    open_views = [
        f"{view.title}: {permissions}"
        for view, permissions in views
        if not permissions or set(map(str, permissions)) - KNOWN
    ]
    assert not open_views


def test_every_view_says_its_method(views):
    assert not [view.title for view, _permissions in views if not view["request_methods"]]


def test_no_view_stands_where_a_workspace_could(views):
    names = {view["name"] for view, _permissions in views if view["context"] is Workspaces and view["name"]}
    assert {name for name in names if SHAPE.match(name)} <= RESERVED


def test_roles_grow_and_no_key_decides_about_people():
    assert ROLES["viewer"] < ROLES["editor"] < ROLES["admin"] < ROLES["owner"]
    assert not KEY_SCOPES["write"] & SESSION_ONLY
    assert KEY_SCOPES["read"] < KEY_SCOPES["write"]
    everyones = {Permission.PUBLIC, Permission.SIGNED_IN, Permission.OWN_ACCOUNT, Permission.CREATE_WORKSPACE}
    assert ROLES["owner"] | everyones | {Permission.INSTANCE_ADMIN} == set(Permission)
