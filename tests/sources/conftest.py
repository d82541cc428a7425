"""Small files of foreign formats, made where they are tested; a server on loopback that does as it is told."""

import contextlib
import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

import pytest

from diagnosis.provenance import Source
from diagnosis.sources.fetch import pull

RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _cell(value) -> str:
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


@pytest.fixture(scope="session")
def write_workbook():
    """Write the smallest workbook that holds the sheets: name -> rows of text and numbers."""

    def write(path, sheets):
        numbers = range(1, len(sheets) + 1)
        entries = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, name in zip(numbers, sheets, strict=True)
        )
        targets = "".join(
            f'<Relationship Id="rId{number}" Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in numbers
        )
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "[Content_Types].xml",
                f'<Types xmlns="{PACKAGE}/content-types">'
                '<Default Extension="xml" ContentType="application/xml"/></Types>',
            )
            archive.writestr(
                "_rels/.rels",
                f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
                f'Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            )
            archive.writestr(
                "xl/workbook.xml",
                f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONSHIPS}"><sheets>{entries}</sheets></workbook>',
            )
            archive.writestr(
                "xl/_rels/workbook.xml.rels",
                f'<Relationships xmlns="{PACKAGE}/relationships">{targets}</Relationships>',
            )
            for number, rows in zip(numbers, sheets.values(), strict=True):
                lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
                archive.writestr(
                    f"xl/worksheets/sheet{number}.xml",
                    f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{lines}</sheetData></worksheet>',
                )
        return path

    return write


class Site:
    """What the server does, path by path: a function of the request handler; and what it was asked."""

    def __init__(self):
        self.pages, self.requests, self.silent = {}, [], threading.Event()
        self.good = self.zipped(flows="1;2;3\n" * 50_000)  # stored, 300 kB

    def asked(self, path):
        return [headers for asked, headers in self.requests if asked == path]

    @staticmethod
    def zipped(**members) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "/"), content)
        return buffer.getvalue()


@pytest.fixture
def site():
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests.append((self.path, dict(self.headers)))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                site.pages[self.path](self, len(site.asked(self.path)))
            self.close_connection = True

        def reply(self, status=200, body=b"", **headers):
            self.send_response(status)
            for name, value in {"Content_Length": len(body), **headers}.items():
                if value is not None:
                    self.send_header(name.replace("_", "-"), str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # so that closing waits for them and no socket is left over
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    site.silent.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def source(site):
    """Build a source whose file is on the site, with what differs from the usual one."""
    both = {"it": "testo", "en": "text"}

    def build(path="/flows.zip", **fields):
        name = path.strip("/").split(".")[0]
        return Source(
            **{
                "id": name,
                "title": both,
                "label": both,
                "publisher": "Office",
                "landing_page": "https://example.org/page",
                "url": site.url + path,
                "url_confirmed": True,
                "file": f"office{path}",
                "licence": "CC BY 4.0",
                "licence_confirmed": True,
                "citation": "Office",
                "reference_date": "2021",
                "needed_for": {"it": "i flussi reali", "en": "real flows"},
                "attribution": both,
                "modified": both,
            }
            | fields
        )

    return build


@pytest.fixture
def fetch(tmp_path):
    """Pull into tmp_path/raw without waiting between attempts; the waits asked for are in `fetch.waits`."""

    def run(*sources, **options):
        run.waits = []
        options = {
            "timeout": (1, 1), "retries": 2, "pause": 0, "sleep": run.waits.append, "jitter": float,
        } | options  # fmt: skip
        return pull({source.id: source for source in sources}, tmp_path / "raw", **options)

    def files():
        folder = tmp_path / "raw" / "office"
        names = [item.name for item in folder.iterdir()] if folder.is_dir() else []
        return sorted(name for name in names if not name.startswith("."))

    run.files = files
    return run
