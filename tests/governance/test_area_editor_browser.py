"""The area editor in a real browser, in JupyterLab and served by Voila, with no way to a network."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from diagnosis.config import project_folder
from diagnosis.governance.proposals import read_proposal

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
SERVERS = {
    "lab": (
        "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token=", "--ip=127.0.0.1",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ),
    "voila": ("voila", "--no-browser", "--Voila.ip=127.0.0.1", "--show_tracebacks=True"),
}  # fmt: skip
PATIENCE = 400_000
"""Milliseconds for the editor to appear: the first search of a machine is compiled."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (dependency group browser)"
    )
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def serve(kind, folder):
    """Serve a folder with the notebook; yield the address of the page."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module, *options = SERVERS[kind]
    notebook = folder / "governance.ipynb"
    target = [str(notebook)] if kind == "voila" else [f"--ServerApp.root_dir={folder}"]
    home = {name: str(folder / "jupyter") for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    log = (folder / "server.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", module, *target, f"--port={port}", *options],
        env={**os.environ, **home, "JUPYTER_DATA_DIR": str(folder / "jupyter")},
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/lab" if kind == "lab" else f"{base}/voila/static/", server)
        yield f"{base}/lab/tree/governance.ipynb?reset" if kind == "lab" else f"{base}/"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def wait_for(address, server, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert server.poll() is None, "the server has ended"
        try:
            with urlopen(address, timeout=5):
                return
        except URLError as error:
            if hasattr(error, "code"):  # it answers
                return
            time.sleep(0.3)
    raise AssertionError("the server does not answer")


def write_notebook(folder, **parameters):
    """Copy the notebook with other parameters, and the settings Voila finds beside it."""
    source = project_folder() / "notebooks"
    shutil.copy(source / "voila.json", folder)
    notebook = json.loads((source / "governance.ipynb").read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "parameters")
    cell["source"] = "".join(cell["source"]) + "".join(
        f"\n{name} = {value!r}" for name, value in parameters.items()
    )
    (folder / "governance.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


@contextmanager
def opened(browser, kind, folder, **parameters):
    """Open the editor; what goes to other machines, and errors of the page, are failures."""
    write_notebook(folder, **parameters)
    asked, errors = set(), []
    with serve(kind, folder) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 1500})
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: asked.add(request.url))
        # What the page's own policy holds back never leaves the browser.
        page.on(
            "requestfailed", lambda request: asked.discard(request.url) if request.failure == "csp" else None
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address, timeout=PATIENCE, wait_until="commit")
        if kind == "lab":
            page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)
            page.get_by_text("| Idle").wait_for()  # before that, cells are not run
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_selector(".area-editor svg [data-i]", timeout=PATIENCE)
        yield page
        context.close()
    assert not [url for url in asked if urlsplit(url).hostname not in (None, "127.0.0.1")]
    assert not errors


def total(page, name):
    return page.locator(f'[data-total="{name}"] strong').inner_text()


def shape(page, name):
    return page.locator(f'.area-editor [data-i][aria-label^="{name},"]')


def keep(page, name):
    """Keep a picture where DIAGNOSIS_PICTURES names a folder."""
    if folder := os.environ.get("DIAGNOSIS_PICTURES"):
        page.locator(".area-editor").screenshot(path=Path(folder) / f"{name}.png")
        page.screenshot(path=Path(folder) / f"{name}-page.png")


@pytest.mark.parametrize("kind", ["voila", "lab"])
def test_a_municipality_is_moved_undone_and_saved(kind, browser, tmp_path):
    language = {"voila": "it", "lab": "en"}[kind]
    words = {
        "it": ("ambito di", "spostato nell'ambito", "Annullato", "Salvata", "Torna"),
        "en": ("area of", "moved to the area", "Undone", "Saved", "Back"),
    }[language]
    saved = tmp_path / "saved"
    with opened(browser, kind, tmp_path, language=language, save_to=str(saved)) as page:
        keep(page, f"{kind}-start")
        before = total(page, "interaction")
        labels = page.locator(".area-editor [data-i]").evaluate_all(
            "shapes => shapes.map(shape => shape.getAttribute('aria-label'))"
        )
        assert len(labels) == 16
        assert all(f", {words[0]} " in text for text in labels)

        # Choose one after the other until one touches another area; then click a municipality of that area.
        for label in labels:
            name = label.split(",")[0]
            page.locator(".area-editor select").select_option(label=name)
            page.wait_for_selector(".area-editor .reason")
            if page.locator(".choice[data-to]:not([data-to=new])").count():
                break
        choice = page.locator(".choice[data-to]:not([data-to=new])").first
        other = choice.inner_text().split("\n")[0].removeprefix(f"{words[0]} ").strip()
        keep(page, f"{kind}-chosen")
        page.keyboard.press("Escape")
        page.locator(".area-editor select").select_option(value="")
        shape(page, name).click()
        page.wait_for_selector(".area-editor .reason")
        shape(page, other).click()
        page.wait_for_function(
            "text => document.querySelector('.area-editor .live').textContent.includes(text)", arg=words[1]
        )
        assert total(page, "interaction") != before
        assert total(page, "moved_count") == "1"
        assert f"{words[0]} {other}" in shape(page, name).get_attribute("aria-label")
        assert page.locator(".area-editor .marks .moved").count() == 1
        keep(page, f"{kind}-moved")

        page.keyboard.press("Control+z")
        page.wait_for_function(
            "text => document.querySelector('.area-editor .live').textContent.includes(text)", arg=words[2]
        )
        assert total(page, "interaction") == before
        assert total(page, "moved_count") == "0"
        page.locator("[data-do=redo]").click()
        page.wait_for_function(
            "() => document.querySelector('[data-total=moved_count] strong').textContent === '1'"
        )

        page.locator("[data-do=name]").fill("La mia proposta: <b>prova</b>")
        page.locator("[data-do=note]").fill("=1+1\nPerché sì: <script>alert(1)</script>")
        page.locator("button[data-do=save]").click()
        page.wait_for_function(
            "text => document.querySelector('.area-editor .answer').textContent.includes(text)", arg=words[3]
        )
        keep(page, f"{kind}-saved")
        page.get_by_role("button", name=words[4]).click()
        page.wait_for_function(
            "() => document.querySelector('[data-total=moved_count] strong').textContent === '0'"
        )
    names = sorted(path.name for path in saved.iterdir())
    stem = "la-mia-proposta-b-prova-b"
    assert names == [f"{stem}.csv", f"{stem}.gpkg", f"{stem}.yml"]
    proposal = read_proposal(saved / stem)
    assert not proposal.edited
    assert [move.name for move in proposal.about.moved] == [name]
    assert proposal.about.note.startswith("=1+1\n")


def test_the_keyboard_alone_will_do(browser, tmp_path):
    """In JupyterLab, whose own keys must not get in the way."""
    with opened(browser, "lab", tmp_path, language="en") as page:
        cells = page.locator(".jp-Cell").count()
        page.locator(".area-editor [data-do=pick]").focus()
        page.locator('.area-editor [data-i][tabindex="0"]').focus()
        seen = set()
        for key in ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"] * 4:
            page.keyboard.press(key)
            seen.add(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        assert len(seen) > 3
        assert None not in seen
        page.keyboard.press("Enter")
        page.wait_for_selector(".area-editor .reason")
        pressed = page.locator('.area-editor [aria-pressed="true"]')
        assert pressed.count() == 1
        # From the map on to the buttons: a new area of its own, by Tab and Enter.
        page.locator(".choice[data-to=new]").focus()
        page.keyboard.press("Enter")
        page.wait_for_function(
            "() => document.querySelector('[data-total=moved_count] strong').textContent !== '0'"
        )
        assert "a new area" in page.locator(".area-editor .live").inner_text()
        keep(page, "lab-keyboard")
        page.keyboard.press("Control+z")
        page.wait_for_function(
            "() => document.querySelector('[data-total=moved_count] strong').textContent === '0'"
        )
        assert page.locator(".jp-Cell").count() == cells
