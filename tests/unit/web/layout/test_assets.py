"""Built files, sources that are newer, and pages that do without."""

from __future__ import annotations

import os
from pathlib import Path

from autoloop.web.layout.assets import Assets
from autoloop.web.layout.build import stale


def test_without_a_build_it_says_so_and_goes_on(tmp_path: Path, caplog):
    assets = Assets.read(tmp_path / "dist")
    assert not assets.built
    assert "python -m autoloop.web.layout.build" in caplog.text
    assert (tmp_path / "dist").is_dir()


def test_the_address_changes_with_any_file(tmp_path: Path):
    (tmp_path / "main.js").write_text("1")
    (tmp_path / "main.css").write_text("2")
    before = Assets.read(tmp_path)
    (tmp_path / "main.css").write_text("3")
    assert before.built
    assert before.url("main.js") != Assets.read(tmp_path).url("main.js")


def test_a_newer_source_makes_the_build_stale_and_an_installed_package_never_is(tmp_path: Path):
    source, built = tmp_path / "source", tmp_path / "vitals.js.br"
    (source / "node_modules").mkdir(parents=True)
    (source / "main.ts").write_text("")
    assert stale(source, built)
    built.write_text("")
    for file, when in ((built, 1000), (source / "main.ts", 999)):
        os.utime(file, (when, when))
    (source / "node_modules" / "new.js").write_text("")
    assert not stale(source, built)
    os.utime(source / "main.ts", (1001, 1001))
    assert stale(source, built)
    assert not stale(tmp_path / "nowhere", built)
