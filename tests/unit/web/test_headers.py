"""What every answer carries, whoever made it: by profile, also when it is an error."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from webtest import TestApp

from autoloop.web import headers, layout

NONCE = re.compile(r"'nonce-([^']{20,})'")


def view(request: Request) -> Response:
    """Answers in the profile that the query names, the page with its nonce in the body."""
    if "break" in request.GET:
        raise RuntimeError("broken")
    if "profile" in request.GET:
        request.header_profile = request.GET["profile"]
    request.frame_ancestors = headers.frame_ancestors(request.GET.getall("site"))
    return Response(f"<p>{request.nonce}</p>".encode(), content_type=request.GET.get("type", "text/html"))


def application(*, secure: bool = True) -> TestApp:
    config = Configurator()
    config.registry.runtime = SimpleNamespace(settings=SimpleNamespace(cookie_secure=secure))
    config.add_request_method(layout.nonce, "nonce", reify=True)
    config.include(headers)
    config.add_route("all", "/")
    config.add_view(view, route_name="all")
    config.add_exception_view(lambda error, request: Response("sorry", status=500), context=Exception)
    return TestApp(config.make_wsgi_app())


@pytest.fixture(scope="module")
def app() -> TestApp:
    return application()


def directives(response: Response) -> dict[str, list[str]]:
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


def test_a_page_runs_only_scripts_that_carry_the_nonce_of_this_answer(app: TestApp):
    first, second = app.get("/"), app.get("/")
    for response in (first, second):
        policy = response.headers["Content-Security-Policy"]
        assert set(NONCE.findall(policy)) == {response.html.p.text}
        assert "unsafe" not in policy
        assert directives(response)["default-src"] == ["'none'"]
        assert directives(response)["frame-ancestors"] == ["'none'"]
        assert directives(response)["require-trusted-types-for"] == ["'script'"]
        assert response.headers["Cache-Control"] == "no-store"
    assert first.html.p.text != second.html.p.text


@pytest.mark.parametrize("query", [{}, {"type": "application/json"}, {"break": "yes"}, {"type": "image/png"}])
def test_no_answer_is_without_the_promised_headers(app: TestApp, query: dict[str, str]):
    response = app.get("/", query, expect_errors=True)
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response.headers["Permissions-Policy"] == "camera=(), microphone=(), geolocation=()"
    assert directives(response)["default-src"] == ["'none'"]


def test_an_address_that_is_not_there_has_them_too(app: TestApp):
    assert "Content-Security-Policy" in app.get("/nowhere", status=404).headers


def test_what_is_not_a_page_may_do_nothing(app: TestApp):
    assert directives(app.get("/", {"type": "application/json"})).keys() == {"default-src", "frame-ancestors"}


def test_a_mail_shown_in_its_frame_has_styles_but_no_script_form_or_origin(app: TestApp):
    response = app.get("/", {"profile": "preview"})
    policy = directives(response)
    assert "sandbox" in policy
    assert not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(policy["sandbox"])
    assert "script-src" not in policy
    assert policy["default-src"] == policy["form-action"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_a_form_is_shown_only_in_frames_of_the_sites_it_names(app: TestApp):
    named = app.get("/", [("profile", "embed"), ("site", "https://a.example"), ("site", "https://b.example")])
    assert directives(named)["frame-ancestors"] == ["https://a.example", "https://b.example"]
    assert "X-Frame-Options" not in named.headers
    assert directives(app.get("/", {"profile": "embed"}))["frame-ancestors"] == ["'none'"]


def test_pictures_in_mails_are_readable_from_anywhere_and_can_run_nothing(app: TestApp):
    response = app.get("/", {"profile": "public_asset", "type": "image/svg+xml"})
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert directives(response)["sandbox"] == []


def test_only_https_asks_browsers_to_insist_on_https(app: TestApp):
    assert "Strict-Transport-Security" in app.get("/").headers
    assert "Strict-Transport-Security" not in application(secure=False).get("/").headers
