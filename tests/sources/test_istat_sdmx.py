"""ISTAT's SDMX service, played by a server on loopback; messages made by hand, the real service was not met."""

import json
from xml.sax.saxutils import escape

import pytest

from diagnosis.errors import InputError, SourceError, UnknownNameError
from diagnosis.sources import istat_sdmx, sdmx_files
from diagnosis.sources.istat_sdmx import IstatService, build_key

FLOW = "22_289_DF_DCIS_POPRES1_24"
SPACES = " ".join(
    f'xmlns:{name}="http://www.sdmx.org/resources/sdmxml/schemas/v2_1/{path}"'
    for name, path in (
        ("m", "message"),
        ("s", "structure"),
        ("c", "common"),
        ("g", "data/generic"),
    )
)
HEADER = """<m:Header><m:ID>A</m:ID><m:Test>false</m:Test><m:Prepared>2026-01-01T00:00:00</m:Prepared>
<m:Sender id="IT1"><m:Contact><c:Name xml:lang="it">Maria Bianchi</c:Name><m:Email>maria@example.org</m:Email>
</m:Contact></m:Sender>{}</m:Header>"""
CODES = {
    "FREQ": {"A": ("annuale", "annual")},
    "REF_AREA": {"089017": ("Siracusa", ""), "089013": ("Noto", ""), "ITG17": ("Siracusa", "")},
    "SEX": {"1": ("maschi", "males"), "2": ("femmine", "females"), "9": ("totale", "total")},
    "AGE": {"TOTAL": ("totale", "total"), "Y0": ("0 anni", "0 years"), "Y_GE100": ("100 anni e più", "")},
}


def named(tag, identifier, names, inside="", rest=""):
    texts = "".join(
        f'<c:Name xml:lang="{language}">{escape(text)}</c:Name>'
        for language, text in zip(("it", "en"), names, strict=False)
        if text
    )
    return f'<s:{tag} id="{identifier}" {rest}>{texts}{inside}</s:{tag}>'


def reference(identifier, kind, package, parent=""):
    version = "" if parent else 'version="1.0"'
    return f'<Ref id="{identifier}" {version} agencyID="IT1" package="{package}" class="{kind}" {parent}/>'


def message(kind, content, header=""):
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<m:{kind} {SPACES}>{HEADER.format(header)}'
    return f"{head}{content}</m:{kind}>"


def flow_element(identifier, *names):
    link = f"<s:Structure>{reference('DSD', 'DataStructure', 'datastructure')}</s:Structure>"
    return named("Dataflow", identifier, names, link, 'agencyID="IT1" version="1.0" isFinal="true"')


def structures(*flows, codes=None, dimensions=True):
    content = f"<s:Dataflows>{''.join(flows)}</s:Dataflows>"
    if codes:
        kept = 'agencyID="IT1" version="1.0" isFinal="true"'
        lists = "".join(
            named(
                "Codelist",
                f"CL_{name}",
                (name,),
                "".join(named("Code", *item) for item in known.items()),
                kept,
            )
            for name, known in codes.items()
        )
        ids = (*codes, "TIME_PERIOD", "OBS_VALUE")
        concepts = named("ConceptScheme", "CS", ("x",), "".join(named("Concept", i, (i,)) for i in ids), kept)
        own = 'maintainableParentID="CS" maintainableParentVersion="1.0"'
        parts = ""
        for position, name in enumerate(ids, 1):
            tag = {"TIME_PERIOD": "TimeDimension", "OBS_VALUE": "PrimaryMeasure"}.get(name, "Dimension")
            concept = (
                f"<s:ConceptIdentity>{reference(name, 'Concept', 'conceptscheme', own)}</s:ConceptIdentity>"
            )
            listed = reference(f"CL_{name}", "Codelist", "codelist")
            shape = f"<s:Enumeration>{listed}</s:Enumeration>"
            if name not in codes:
                shape = '<s:TextFormat textType="ObservationalTimePeriod"/>'
            shape = (
                "" if tag == "PrimaryMeasure" else f"<s:LocalRepresentation>{shape}</s:LocalRepresentation>"
            )
            place = "" if tag == "PrimaryMeasure" else f'position="{position}"'
            part = f'<s:{tag} id="{name}" {place}>{concept}{shape}</s:{tag}>'
            if tag == "PrimaryMeasure":
                parts = f'<s:DimensionList id="DimensionDescriptor">{parts}</s:DimensionList>'
                part = f'<s:MeasureList id="MeasureDescriptor">{part}</s:MeasureList>'
            parts += part
        components = f"<s:DataStructureComponents>{parts}</s:DataStructureComponents>"
        definition = named("DataStructure", "DSD", ("x",), components, kept)
        content += f"<s:Codelists>{lists}</s:Codelists><s:Concepts>{concepts}</s:Concepts>"
        content += f"<s:DataStructures>{definition}</s:DataStructures>"
    return message("Structure", f"<m:Structures>{content}</m:Structures>")


LIST = structures(
    flow_element(FLOW, "Tutti i comuni per singola età", "All municipalities by single age"),
    flow_element("DF_BES_TERRIT_1", "Salute"),
    flow_element("41_983", "Incidenti, morti e feriti - comuni", "Road accidents - municipalities"),
)
STRUCTURE = structures(flow_element(FLOW, "Tutti i comuni", "All municipalities"), codes=CODES)
CSV = (
    "DATAFLOW,FREQ,REF_AREA,SEX,AGE,TIME_PERIOD,OBS_VALUE,OBS_STATUS,NOTE_DS,UNIT_MULT\r\n"
    "IT1:X(1.0),A,089017,1,Y0,2022,400,,a note of Maria Bianchi,\r\n"
    "IT1:X(1.0),A,089017,2,Y0,2022,380.5,p,,\r\n"
    "IT1:X(1.0),A,089017,1,Y0,2023,,c,,\r\n"
    "IT1:X(1.0),A,089017,1,Y0,2024,2,,,3\r\n"
)
OBSERVATIONS = (
    '<m:DataSet structureRef="DSD" action="Information"><g:Series><g:SeriesKey>'
    + "".join(
        f'<g:Value id="{name}" value="{value}"/>'
        for name, value in (("FREQ", "A"), ("REF_AREA", "089017"), ("SEX", "1"), ("AGE", "Y0"))
    )
    + '</g:SeriesKey><g:Obs><g:ObsDimension id="TIME_PERIOD" value="2022"/><g:ObsValue value="400"/><g:Attributes>'
    '<g:Value id="OBS_STATUS" value="p"/></g:Attributes></g:Obs></g:Series></m:DataSet>'
)
DATA_HEADER = (
    '<m:Structure structureID="DSD" dimensionAtObservation="TIME_PERIOD"><c:Structure>'
    '<Ref id="DSD" version="1.0" agencyID="IT1"/></c:Structure></m:Structure>'
)
ASK_LIST = "/dataflow/IT1/all/latest?references=none"
ASK_STRUCTURE = f"/dataflow/IT1/{FLOW}?references=all"


def ask_data(key="...", query=""):
    return f"/data/IT1,{FLOW}/{key}{query}"


@pytest.fixture
def service(site, tmp_path):
    """A service that waits for nobody; its waits are in `service.waits`, its moment in `service.now`."""
    site.pages[ASK_STRUCTURE] = lambda page, _: page.reply(body=STRUCTURE.encode())

    def build(**options):
        build.waits, build.now = [], getattr(build, "now", 1000.0)

        def sleep(seconds):
            build.waits.append(seconds)
            build.now += seconds

        return IstatService(
            tmp_path / "sdmx",
            endpoint=site.url,
            timeout=(1, 1),
            clock=lambda: build.now,
            sleep=sleep,
            **options,
        )

    return build


def answer(site, path, body, status=200, **headers):
    body = body if isinstance(body, bytes) else body.encode()
    site.pages[path] = lambda page, _: page.reply(status, body, **headers)


def test_flows_are_found_by_words_of_either_language(service, site):
    answer(site, ASK_LIST, LIST)
    flows = service().flows()
    assert list(flows.index) == [FLOW, "41_983", "DF_BES_TERRIT_1"]
    assert flows.loc[FLOW].to_dict() == {
        "version": "1.0",
        "it": "Tutti i comuni per singola età",
        "en": "All municipalities by single age",
    }
    assert flows.at["DF_BES_TERRIT_1", "en"] == ""
    assert list(service().flows("COMUNI incidenti").index) == ["41_983"]
    assert list(service().flows("municipalities").index) == [FLOW, "41_983"]
    assert service().flows("(").empty
    assert len(site.requests) == 1  # kept


def test_structure_has_the_dimensions_in_order_with_their_names(service):
    structure = service().structure(FLOW)
    assert structure.name == {"it": "Tutti i comuni", "en": "All municipalities"}
    assert list(structure.dimensions) == ["FREQ", "REF_AREA", "SEX", "AGE"]
    assert structure.dimensions["SEX"].loc["2"].tolist() == ["femmine", "females"]
    assert structure.name_codes("AGE", "en")["Y_GE100"] == "100 anni e più"
    again = service().structure(FLOW)
    assert again.to_content() == structure.to_content()


def test_observations_are_asked_by_name_and_come_as_a_table(service, site):
    path = ask_data("A.089017+089013.1+2.", "?startPeriod=2022")
    answer(site, path, CSV)
    frame = service().observations(
        FLOW, 2022, FREQ="A", REF_AREA=["089017", "089013", "089017"], SEX=("1", "2")
    )
    assert site.asked(path)[0]["Accept"] == "application/vnd.sdmx.data+csv;version=1.0.0"
    assert list(frame) == ["FREQ", "REF_AREA", "SEX", "AGE", "TIME_PERIOD", "value", "status"]
    assert frame["value"].fillna(-1).tolist() == [400, 380.5, -1, 2000]
    assert frame["status"].tolist() == ["", "p", "c", ""]
    assert frame.attrs == {"flow": FLOW, "url": site.url + path}


def test_years_are_cut_off_here_and_never_asked_for_as_an_end(service, site):
    answer(site, ask_data(query="?startPeriod=2022"), CSV)
    frame = service().observations(FLOW, 2022, 2022)
    assert frame["TIME_PERIOD"].unique().tolist() == ["2022"]
    assert not any("endPeriod" in path for path, _ in site.requests)
    with pytest.raises(SourceError, match=r"data of .* for \.\.\."):
        service().observations(FLOW, 2022, 2021)


def test_nothing_is_kept_but_what_is_needed(service, site, tmp_path):
    answer(site, ASK_LIST, LIST)
    answer(site, ask_data(), CSV, ETag='"one"')
    asked = service()
    asked.flows()
    asked.observations(FLOW)
    kept = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "sdmx").iterdir()}
    assert not [name for name, text in kept.items() if "Bianchi" in text or "example.org" in text]
    assert not [name for name in kept if name.endswith((".part", ".xml"))]
    [table] = [text for name, text in kept.items() if name.endswith(".csv")]
    assert table.splitlines()[0] == "FREQ,REF_AREA,SEX,AGE,TIME_PERIOD,OBS_VALUE,OBS_STATUS,UNIT_MULT"


def test_what_is_kept_is_asked_for_again_on_demand_and_with_its_validator(service, site):
    def page(handler, count):
        assert (count == 1) == ("If-None-Match" not in handler.headers)
        handler.reply(200 if count == 1 else 304, CSV.encode() if count == 1 else b"", ETag='"one"')

    site.pages[ask_data()] = page
    first = service().observations(FLOW)
    assert service().observations(FLOW).equals(first)
    assert len(site.asked(ask_data())) == 1
    again = service(refresh=True).observations(FLOW)
    assert again.equals(first)
    assert site.asked(ask_data())[1]["If-None-Match"] == '"one"'


def test_observations_may_come_as_xml(service, site):
    answer(site, ask_data(), message("GenericData", OBSERVATIONS, DATA_HEADER))
    frame = service().observations(FLOW)
    assert frame.iloc[0].tolist() == ["A", "089017", "1", "Y0", "2022", 400, "p"]


def test_queries_come_13_seconds_apart_whoever_asks(service, site):
    answer(site, ASK_LIST, LIST)
    answer(site, ask_data(), CSV)
    service().observations(FLOW)  # the structure, then the data
    assert service.waits == [13.0]
    service.now += 5
    service(refresh=True).flows()  # another service, as another process would be
    assert service.waits == [8.0]
    service.now += 60
    service(refresh=True).flows()
    assert service.waits == []
    service.now = 3.0  # the machine was started again
    service(refresh=True).flows()
    assert service.waits == [13.0]


@pytest.mark.parametrize("status", [404, 413, 414, 422, 429, 500])
def test_refusals_are_explained_and_never_repeated(service, site, status):
    answer(site, ask_data(), "NoRecordsFound", status, Retry_After=1)
    with pytest.raises(SourceError, match=rf"must have an answer.*\({status}\)"):
        service().observations(FLOW)
    assert len(site.asked(ask_data())) == 1


@pytest.mark.parametrize("status", [403, 503])
def test_other_refusals_are_told_with_a_warning(service, site, status):
    answer(site, ask_data(), "", status)
    with pytest.raises(SourceError, match=rf"{status}.*Wait a day before asking again"):
        service().observations(FLOW)
    assert len(site.asked(ask_data())) == 1


def test_silence_is_told_with_a_warning(service, site):
    site.pages[ASK_LIST] = lambda page, _: site.silent.wait(3)
    with pytest.raises(SourceError, match=r"did not answer in time.*Wait a day"):
        service().flows()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "must be SDMX-CSV|must have the columns|is empty|No columns"),
        ("<!DOCTYPE html><html>moved</html>", "web page"),
        ("<html><body>login</body></html>", "web page"),
        ("A,B\n1,2\n", "missing: 'FREQ', 'REF_AREA'"),
        (CSV.splitlines()[0] + "\r\n", "its answer holds none"),
        (CSV.replace("OBS_VALUE", "VALORE"), "missing: 'OBS_VALUE'"),
        (CSV.encode("utf-16"), "must be SDMX-CSV in UTF-8"),
        (STRUCTURE, "message of another kind"),
        (message("GenericData", OBSERVATIONS, DATA_HEADER)[:-40], "must be complete XML"),
    ],
)
def test_answers_that_are_no_observations_are_refused_and_not_kept(service, site, tmp_path, body, words):
    answer(site, ask_data(), body)
    with pytest.raises(SourceError, match=words):
        service().observations(FLOW)
    assert not list((tmp_path / "sdmx").glob("*.csv*"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (CSV.replace("400", "molti"), "OBS_VALUE must be a number.*'molti'"),
        (CSV.replace("400", "1e400"), "OBS_VALUE must be a number"),
        (CSV.replace(",3\r\n", ",tre\r\n"), "UNIT_MULT must be a number"),
        (CSV + CSV.splitlines()[1] + "\r\n", r"there once.*'A\.089017\.1\.Y0\.2022'"),
    ],
)
def test_broken_observations_are_refused(service, site, body, words):
    answer(site, ask_data(), body)
    with pytest.raises(InputError, match=words):
        service().observations(FLOW)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><m>&b;</m>'
)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (BOMB, "must not have a document type"),
        (BOMB.replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), "must not have a document type"),
        ('<!DOCTYPE m SYSTEM "file:///etc/passwd"><m/>', "must not have a document type"),
        ("<a><b></a>", "must be complete XML"),
        ("<a>" * 100_000, "must be complete XML"),
        ("no xml", "must be complete XML"),
        ("<a/>", "must be a message of SDMX-ML"),
        (message("Structure", "<m:Structures/>"), "it lists none"),
        (message("Structure", "<m:Structures><s:Unheard/></m:Structures>"), "must be a message of SDMX-ML"),
    ],
)
def test_hostile_structures_are_refused_and_not_kept(service, site, tmp_path, capsys, body, words):
    answer(site, ASK_LIST, body)
    with pytest.raises(SourceError, match=words):
        service().flows()
    assert not list((tmp_path / "sdmx").glob("flows*"))
    assert capsys.readouterr().out == ""


def test_sizes_are_limited(service, site, monkeypatch):
    answer(site, ASK_LIST, LIST)
    with pytest.raises(SourceError, match="must not be larger than"):
        service(max_bytes=100).flows()
    monkeypatch.setattr(sdmx_files, "LARGEST_XML", 1000)
    with pytest.raises(SourceError, match="at most 0 MB as XML"):
        service().flows()


def test_a_structure_without_the_flow_is_refused(service, site):
    answer(site, "/dataflow/IT1/41_983?references=all", STRUCTURE)
    with pytest.raises(SourceError, match=f"must hold the data flow 41_983.*{FLOW}"):
        service().structure("41_983")


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a/b", "a?b=c", "A B", "IT1,22_289"])
def test_names_that_cannot_be_flows_are_refused(service, site, name):
    with pytest.raises(InputError, match="is named by letters"):
        service().structure(name)
    assert not site.requests


def test_keys_are_built_from_names(service):
    structure = service().structure(FLOW)
    assert build_key(structure, {}) == "..."
    assert build_key(structure, {"AGE": "Y0", "FREQ": "A"}) == "A...Y0"
    with pytest.raises(UnknownNameError, match=r"A dimension of .*Did you mean 'SEX'"):
        build_key(structure, {"SEXX": "1"})
    with pytest.raises(UnknownNameError, match="A code of AGE"):
        build_key(structure, {"AGE": "Y_GE10"})
    with pytest.raises(InputError, match="found 'a/b'"):
        build_key(structure, {"AGE": "a/b"})
    places = structure.dimensions["REF_AREA"].iloc[:0]
    free = sdmx_files.FlowStructure("X", {}, {"REF_AREA": places})
    assert build_key(free, {"REF_AREA": "015146"}) == "015146"
    with pytest.raises(InputError, match=r"at most 250 characters.*in parts"):
        build_key(free, {"REF_AREA": [f"{number:06d}" for number in range(40)]})


def test_a_damaged_kept_answer_is_told(service, site, tmp_path):
    answer(site, ASK_LIST, LIST)
    service().flows()
    (tmp_path / "sdmx" / "flows.json").write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match="Remove it and ask again"):
        service().flows()


def test_front_door(site, tmp_path, monkeypatch):
    import diagnosis as dg

    settings = dg.default_settings(work=tmp_path)
    monkeypatch.setattr(istat_sdmx, "SECONDS_BETWEEN", 0.0)
    asked = []
    monkeypatch.setattr(
        istat_sdmx.IstatService,
        "observations",
        lambda self, *given, **codes: asked.append((self.folder, given, codes)),
    )
    dg.read_istat(FLOW, 2022, settings=settings, SEX="9")
    assert asked == [(settings.raw / "istat" / "sdmx", (FLOW, 2022, None), {"SEX": "9"})]
    kept = settings.raw / "istat" / "sdmx" / "flows.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"flow": ["41_983"], "version": ["1.0"], "it": ["Incidenti"], "en": [""]}))
    assert list(dg.list_istat("incidenti", settings=settings).index) == ["41_983"]
