"""Pages of runs, as a person without scripts uses them: one run, many at once, and how far that came."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from autoloop.base.clock import Clock, FixedClock
from autoloop.base.runtime import Runtime
from tests.factories import Client, Tenant
from tests.functional.browser import Browser
from tests.functional.test_bulk import BROKEN, GRAPH, live, people, statuses, turn


@pytest.fixture
def browser(wsgi: object, runtime: Runtime, tenant: Tenant) -> Browser:
    return Browser(wsgi, runtime, tenant.user_id)


@pytest.fixture
def base(tenant: Tenant) -> str:
    return f"/w/{tenant.slug}/runs"


def words(response: Any) -> str:
    main = response.text.partition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


NOTED = {
    **GRAPH,
    "nodes": [{**GRAPH["nodes"][0], "note": "Let them rest\nfor a week"}, GRAPH["nodes"][1]],
}


def test_a_run_is_told_in_peoples_words(
    api: Client, runtime: Runtime, browser: Browser, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = live(api, NOTED)
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, 1)})
    turn(runtime)
    run = api.data("runs")[0]["id"]
    listed = words(browser.get(base))
    assert "Let them rest" in listed
    told = words(browser.get(f"{base}/{run}/"))
    assert "Let them rest" in told, told
    assert "waits for its time, until" in told and "(in 5 days)" in told, told
    assert "hold" not in told.split("Why")[0]
    assert "Why" in told
    monkeypatch.setattr(runtime, "clock", FixedClock(datetime.now(UTC) + timedelta(days=6)))
    with runtime.unit("worker") as services:
        services.session.execute(
            text("update workflow_runs set due_at = now() where id = :run"), {"run": run}
        )
    turn(runtime)
    monkeypatch.setattr(runtime, "clock", Clock())
    told = words(browser.get(f"{base}/{run}/"))
    assert "Completed" in told and "walked" in told and "left out" not in told
    monkeypatch.setattr("autoloop.engine.pages.MOST_LINES", 1)
    told = words(browser.get(f"{base}/{run}/"))
    assert "1 earlier line is left out here" in told
    assert [step["node"] for step in api.data(f"runs/{run}/steps")] == ["hold", "end"]


def test_the_buttons_of_a_run_do_what_they_say_or_say_why_not(
    api: Client, runtime: Runtime, browser: Browser, base: str
) -> None:
    flow = live(api)
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, 1)})
    turn(runtime)
    run = f"{base}/{api.data('runs')[0]['id']}"
    assert "Paused" in words(browser.post(f"{run}/pause").follow())
    refused = browser.post(f"{run}/retry")
    assert refused.status_int == 409 and "nothing to retry" in words(refused)
    assert "Pause" in words(browser.post(f"{run}/resume").follow())
    refused = browser.post(f"{run}/rerun")
    assert refused.status_int == 409 and "This run is not over yet" in words(refused)
    ended = words(browser.post(f"{run}/cancel").follow())
    assert "Cancelled" in ended and "Start again" in ended
    new = browser.post(f"{run}/rerun").follow()
    assert "This is the new run." in new.text
    assert new.request.path.rstrip("/") != run
    assert browser.app.post(f"{run}/cancel", {}, expect_errors=True).status_int == 403  # no token


def test_a_failed_run_is_tried_again_from_its_page(
    api: Client, runtime: Runtime, browser: Browser, base: str
) -> None:
    api.post("fields", {"key": "seats", "title": "Seats", "kind": "number"})
    flow = live(api, BROKEN)
    api.post(f"workflows/{flow}/enrol", {"contact_ids": people(api, 1)})
    turn(runtime)
    run = f"{base}/{api.data('runs')[0]['id']}"
    assert "Try again from the failed step" in words(browser.get(run))
    browser.post(f"{run}/retry")
    turn(runtime)
    assert "→ tried again by a person" in words(browser.get(run))


def test_many_runs_are_filtered_counted_confirmed_and_done(
    api: Client, runtime: Runtime, browser: Browser, base: str
) -> None:
    assert "No run yet" in words(browser.get(base))
    assert "Nothing was done in bulk yet" in words(browser.get(f"{base}/jobs/"))
    flow = live(api)
    ids = [*people(api, 4), *people(api, 3, tags=["vip"])]
    api.post(f"workflows/{flow}/enrol", {"contact_ids": ids})
    turn(runtime)
    page = browser.get(f"{base}?tag=vip&workflow_id={flow}")
    assert "With all 3 that match:" in words(page)
    assert "Nothing matches" in words(browser.get(f"{base}?tag=nobody"))
    form = next(form for form in page.forms.values() if form.action.endswith("/bulk"))
    sure = form.submit("verb", value="cancel")
    assert "Cancel: 3 runs" in words(sure)
    form = next(form for form in sure.forms.values() if "confirm" in form.fields)
    wrong = form.submit(expect_errors=True)
    assert wrong.status_int == 422 and "Type “cancel” to go on." in words(wrong)
    form["confirm"] = "cancel"
    job = form.submit().follow()
    assert "Going" in words(job) and "0 of 3" in words(job)
    turn(runtime)
    done = words(browser.get(job.request.path))
    assert "Done" in done and "3 of 3" in done
    assert statuses(api, flow) == {"waiting": 4, "cancelled": 3}

    paused = browser.post(f"{base}/bulk", verb="pause", workflow_id=flow)
    turn(runtime)
    undo = browser.post(paused.location.removeprefix("http://localhost") + "/undo").follow()
    assert "an earlier pause" in words(undo)
    turn(runtime)
    assert statuses(api, flow) == {"waiting": 4, "cancelled": 3}
    stopped = browser.post(paused.location.removeprefix("http://localhost") + "/stop")
    assert stopped.status_int == 409 and "This is over already." in words(stopped)
    assert words(browser.get(f"{base}/jobs/")).count("Done") >= 3
    below = f"{base.removesuffix('runs')}workflows/{flow}/runs"
    assert "With all 7 that match:" in words(browser.get(below))
    assert "Start again: 3 runs" in words(browser.get(f"{below}/bulk?verb=rerun"))


@pytest.mark.parametrize(
    "query",
    ["version=1", "workflow_id=x", "status=sleepy", "started_before=soon", "segment=7", "x=1", "limit=0"],
)
def test_a_filter_that_means_nothing_is_said_and_shows_no_error_page(
    browser: Browser, base: str, query: str
) -> None:
    assert browser.get(f"{base}?{query}").status_int == 422
    assert browser.get(f"{base}/bulk?verb=cancel&{query}").status_int in (200, 400)
    assert browser.get(f"{base}/bulk?{query}").status_int == 400
