from __future__ import annotations

import pytest

from autoloop.settings import Settings, SettingsError, load

KEY = "9d1f40c7ab25e836f1b05d7c2e9a4863"
GOOD = {
    "autoloop.public_url": "https://mail.example.org",
    "autoloop.database_url": "postgresql+psycopg://autoloop_web@db/autoloop",
    "autoloop.database_worker_url": "postgresql+psycopg://autoloop_worker@db/autoloop",
    "autoloop.redis_url": "redis://redis/0",
    "autoloop.secret_keys": KEY,
}


def test_environment_wins_over_file_over_default() -> None:
    settings = load(
        GOOD | {"autoloop.worker_batch": "50", "use": "egg:autoloop"}, {"AUTOLOOP_WEB_WORKERS": "7"}
    )
    assert (settings.worker_batch, settings.web_workers, settings.worker_processes) == (50, 7, 2)
    assert settings.secret_keys == (KEY,)
    assert settings.stage == "production"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"autoloop.worker_bach": "50"},
            "autoloop.worker_bach.*production.ini|Did you mean “autoloop.worker_batch”",
        ),
        ({"autoloop.worker_batch": "many"}, "worker_batch.*whole number"),
        ({"autoloop.worker_batch": "0"}, "worker_batch.*at least 1"),
        ({"autoloop.cookie_secure": "perhaps"}, "cookie_secure.*true or false"),
        ({"autoloop.cookie_secure": "false"}, "cookie_secure.*development"),
        ({"autoloop.secret_keys": "short"}, "secret_keys.*weak"),
        ({"autoloop.secret_keys": "change-me-change-me-change-me-change-me"}, "secret_keys.*example"),
        ({"autoloop.stage": "prod"}, "stage.*development, staging, production"),
        ({"autoloop.public_url": "mail.example.org"}, "public_url"),
        ({"autoloop.database_url": "mysql://x"}, "database_url.*postgresql"),
        ({"autoloop.redis_url": ""}, "lacks autoloop.redis_url.*AUTOLOOP_REDIS_URL"),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_the_key_and_the_file(
    change: dict[str, str], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        load(GOOD | change, {}, source="production.ini")


def test_an_unknown_name_in_the_environment_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"AUTOLOOP_REDIS_URI.*Did you mean “autoloop.redis_url”"):
        load(GOOD, {"AUTOLOOP_REDIS_URI": "redis://x"})


def test_settings_cannot_change_once_made() -> None:
    with pytest.raises(AttributeError):
        load(GOOD, {}).stage = "development"  # type: ignore[misc]
    assert isinstance(load(GOOD, {}), Settings)
