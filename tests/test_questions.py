"""Questions in SQL over the invented country: what they answer, what they refuse, and what they cannot reach."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import diagnosis as dg
from diagnosis.errors import InputError, UnknownNameError
from diagnosis.indicators import MEASURES
from diagnosis.questions import NOTES, SAFEGUARDS, list_tables, query
from diagnosis.schema import LANGUAGES
from diagnosis.sources.italy import EMBEDDED, sources_of
from diagnosis.sources.readers import READERS
from diagnosis.territory import ESTIMATED_TAIL, INVENTED, MODELLED

SPLIT = "901012"  # in the flows, without population


@pytest.fixture(scope="module")
def territory(example_study):
    return example_study.territory


@pytest.fixture
def ask(example_study, example_settings):
    """Ask the invented country."""

    def run(sql, **options):
        options.setdefault("country", example_study.national.country)
        return query(sql, settings=example_settings, **options)

    return run


def test_answers_what_pandas_answers(ask, example_study):
    country = example_study.national.country
    found = ask(
        "select m.province, sum(f.commuters) as commuters from flows f join municipalities m on m.code = f.origin "
        "group by m.province order by m.province"
    )
    province = country.table("flows")["origin"].map(country.municipalities["province"])
    expected = country.table("flows")["commuters"].groupby(province).sum()
    assert found["province"].tolist() == expected.index.tolist()
    assert found["commuters"].tolist() == expected.tolist()


def test_codes_are_text_and_gaps_are_null(ask, example_study):
    found = ask("select code, residents from indicators order by code")
    values = example_study.national.indicators()["values"]["residents"].sort_index()
    assert found["code"].tolist() == values.index.tolist()
    assert found["residents"].isna().to_numpy().tolist() == values.isna().to_numpy().tolist()
    missing = ask("select code from indicators where residents is null")
    assert missing["code"].tolist() == [SPLIT]
    assert ask("select count(*) as n from indicators where isnan(residents)")["n"].tolist() == [0]
    assert ask("select code from municipalities where code = '0901012'").empty


def test_national_tables(ask, example_study):
    national = example_study.national
    assert len(ask("from scores")) == len(national.scores()["values"])
    assert set(ask("from groups")["group"]) == set(national.indicators()["groups"].index)
    assert len(ask("from group_scores")) == len(national.scores()["groups"])
    assert len(ask("from gaps")) == len(national.indicators()["gaps"])
    assert len(ask("from province_scores")) == len(national.wellbeing()["scores"])
    joined = ask("select g.reason, c.name from gaps g join catalogue c on c.id = g.indicator", language="en")
    assert set(joined["name"]) <= {item.name.en for item in national.catalogue.indicators.values()}


def test_sources_say_who_and_under_which_checksum(ask, example_study):
    found = ask("select id, sha256 from sources order by id")
    expected = {record.id: record.sha256 for record in example_study.national.country.sources}
    assert dict(zip(found["id"], found["sha256"], strict=True)) == expected


def test_geometry_is_left_out(ask, example_study):
    municipalities = example_study.national.country.municipalities
    assert set(ask("from municipalities limit 1")) == {"code", *municipalities.columns} - {"geometry"}


def test_territory_limits_a_question(example_settings, territory):
    sql = "select code from municipalities join territory using (code) order by code"
    assert query(sql, territory=territory, settings=example_settings)["code"].tolist() == list(
        territory.codes
    )
    by_name = query(sql, territory="example", settings=example_settings)
    assert by_name["code"].tolist() == list(territory.codes)


def test_parameters_are_values_never_sql(ask, territory):
    for codes in (territory.codes, list(territory.codes), territory.codes.to_numpy()):
        found = ask("select count(*) as n from municipalities where code = any($codes)", codes=codes)
        assert found["n"].tolist() == [len(territory.codes)]
    hostile = "' or 1=1; drop table flows; --"
    assert ask("select code from municipalities where code = $code", code=hostile).empty
    assert ask("select $n + 1 as n", n=np.int64(2))["n"].tolist() == [3]


def test_only_the_tables_that_are_named_are_read(ask, example_study):
    class Guarded(dict):
        def __getitem__(self, name):
            assert name == "provinces", name
            return super().__getitem__(name)

    country = example_study.national.country
    poorer = dg.Country(country.name, Guarded(country.tables), key=country.key)
    assert len(ask("from provinces", country=poorer)) == len(country.tables["provinces"])


def test_list_of_tables(example_study, example_settings, ask, territory):
    country = example_study.national.country
    listed = list_tables(country=country, settings=example_settings, language="en")
    assert {*country.tables, "indicators", "groups", "scores", "gaps", "catalogue", "sources"} <= set(
        listed.index
    )
    assert listed.loc["flows", ["rows", "columns", "source"]].tolist() == [
        len(country.tables["flows"]),
        3,
        "flows.csv",
    ]
    assert set(listed["kind"]) == {""}  # invented flows are neither modelled nor estimated
    assert listed.at["flows", "column_names"] == "origin, destination, commuters"
    for spelt in ("from tables", "SHOW TABLES;", "show all tables"):
        again = ask(spelt, language="en").set_index("table")
        pd.testing.assert_frame_equal(again, listed, check_dtype=False, check_index_type=False)
    assert "territory" in list_tables(territory=territory, settings=example_settings).index


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "sql", "names"),
    [
        (MODELLED, "select sum(commuters) from flows", "flows"),
        (MODELLED, "select avg(JOBS_SELF_CONTAINMENT) from indicators", "jobs_self_containment"),
        (MODELLED, "select resident_workers as n from groups", "resident_workers"),
        (MODELLED, "select columns('jobs_self.*') from indicators", "jobs_self_containment"),
        (MODELLED, "select * from indicators", "main_destination_share"),
        (MODELLED, "select old_age_index from indicators", ""),
        (MODELLED, "select name from municipalities", ""),
        (ESTIMATED_TAIL, "from flows limit 1", "flows"),
        (ESTIMATED_TAIL, "select in_commuters_rate from groups", "in_commuters_rate"),
        (ESTIMATED_TAIL, "select local_jobs from indicators", ""),  # a published total
        (INVENTED, "from flows", ""),
    ],
)
def test_an_answer_from_estimated_flows_says_so(ask, example_study, kind, sql, names, language):
    country = replace(example_study.national.country, flows_kind=kind)
    notes = ask(sql, country=country, language=language).attrs["notes"]
    assert len(notes) == bool(names)
    if names:
        start, _, end = NOTES[kind][language].partition("{}")
        assert notes[0].startswith(start)
        assert notes[0].endswith(end)
        assert names in notes[0]


@pytest.mark.parametrize(("kind", "told"), [(MODELLED, "modelled"), (ESTIMATED_TAIL, "estimated tail")])
def test_tables_say_which_rest_on_estimated_flows(ask, example_study, kind, told):
    country = replace(example_study.national.country, flows_kind=kind)
    listed = ask("from tables", country=country, language="en").set_index("table")["kind"]
    assert listed[listed != ""].to_dict() == {
        "flows": told,
        "indicators": f"in part: {told}",
        "groups": f"in part: {told}",
    }


def test_no_score_counts_what_rests_on_an_estimated_tail(example_study):
    items = [item for item in example_study.national.catalogue.indicators.values() if item.scored]
    resting = [item.id for item in items if item.id in MEASURES and "flows" in MEASURES[item.id].tables]
    assert all(MEASURES[name].additive for name in resting)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select * from munucipalities", r"'munucipalities' was given\. Did you mean 'municipalities'"),
        ("select * from country", "Choose one of: .*catalogue"),
        ("select aree_km2 from municipalities", r"'aree_km2' was given\. Did you mean 'area_km2'"),
        ("select m.nane from municipalities m", r"'nane' was given\. Did you mean 'name'"),
        ("select x.name from municipalities m", r"'x' was given"),
        ("select code from municipalities where code = $code and 1 = $n", None),
    ],
)
def test_unknown_names_get_the_nearest(ask, sql, message):
    if message is None:
        with pytest.raises(UnknownNameError, match=r"'cod' was given\. Did you mean 'code'"):
            ask(sql, cod="901001", n=1)
        with pytest.raises(InputError, match=r"without one: '\$n'\. Give n="):
            ask(sql, code="901001")
        return
    with pytest.raises(UnknownNameError, match=message):
        ask(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "copy flows to '{folder}/stolen.csv'",
        "copy (select 1) to '{folder}/stolen.parquet' (format parquet)",
        "export database '{folder}'",
        "attach '{folder}/other.duckdb'",
        "install httpfs",
        "load httpfs",
        "pragma database_list",
        "pragma enable_profiling",
        "call enable_logging(storage = 'file', storage_path = '{folder}')",
        "set enable_external_access = true",
        "reset lock_configuration",
        "create table mine as select 1",
        "create macro mine() as 1",
        "insert into flows values ('1', '2', 3)",
        "update flows set commuters = 0",
        "delete from flows",
        "drop view flows",
        "checkpoint",
        "begin transaction",
        "explain analyze select 1",
        "prepare mine as select 1",
        "select 1; select 2",
        "select 1; copy flows to '{folder}/stolen.csv'",
        "",
        "   -- nothing",
        ";",
    ],
)
def test_anything_but_one_select_is_refused(ask, sql, tmp_path):
    with pytest.raises(InputError, match=r"one SELECT|only read the tables|can carry out"):
        ask(sql.format(folder=tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('{file}')",
        "read_text('{file}')",
        "read_blob('{file}')",
        "read_json('{file}')",
        "read_parquet('{file}')",
        "'{file}'",
        "'https://example.org/data.parquet'",
        "read_csv('https://example.org/data.csv')",
        "glob('/*')",
        "sqlite_scan('{file}', 'flows')",
        "parquet_metadata('{file}')",
        "query('copy (select 1) to ''{file}.copy''')",
        "query_table('{file}')",
        "enable_logging(storage = 'file')",
        "secret",
    ],
)
def test_select_reaches_neither_files_nor_variables(ask, source, tmp_path):
    secret = pd.DataFrame({"password": ["hunter2"]})  # a variable of the caller, which DuckDB could find
    file = tmp_path / "secret.csv"
    secret.to_csv(file, index=False)
    with pytest.raises(InputError) as found:
        ask(f"select * from {source.format(file=file)}")
    assert "hunter2" not in str(found.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_question_leaves_the_tables_as_they_are(ask, example_study):
    country = example_study.national.country
    before = country.table("flows").copy()
    with pytest.raises(InputError):
        ask("with gone as (delete from flows returning *) select * from gone")
    pd.testing.assert_frame_equal(country.table("flows"), before)
    assert len(ask("from flows")) == len(before)


def test_safeguards_hold_in_the_connection(ask):
    names = ", ".join(
        f"current_setting('{name}')::text as {name}" for name in SAFEGUARDS if name != "memory_limit"
    )
    found = ask(f"select {names}").iloc[0].to_dict()
    assert found == {name: value for name, value in SAFEGUARDS.items() if name != "memory_limit"}


@pytest.mark.parametrize("sql", ["selec 1", "select 'x'::integer", "select no_function(1)", None, 3])
def test_broken_queries_say_why(ask, sql):
    with pytest.raises(InputError, match=r"SQL") as found:
        ask(sql)
    assert "^" not in str(found.value)
    assert "\n" not in str(found.value)


def test_country_and_territory_exclude_each_other(ask, territory):
    with pytest.raises(InputError, match="not both"):
        ask("select 1", territory=territory)
    with pytest.raises(UnknownNameError, match="language"):
        ask("select 1", language="fr")


def test_a_question_without_end_is_given_up(ask):
    with pytest.raises(InputError, match=r"within 0\.5 seconds"):
        ask("select sum(i) from range(100000000000000) t(i)", seconds=0.5)


def test_bytes_that_are_no_text_are_refused(ask):
    with pytest.raises(InputError, match="UTF-8"):
        ask("select '\udcff'")


def test_every_table_of_italy_knows_its_sources():
    for source, (table, _, _) in READERS.items():
        assert sources_of(table)[0] == source
    for source, tables in EMBEDDED.items():
        assert all(sources_of(table) == (source,) for table in tables)
    assert sources_of("indicators") == ()


def test_importing_the_library_does_not_import_duckdb():
    code = "import sys, diagnosis, diagnosis.questions; assert 'duckdb' not in sys.modules; diagnosis.query"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names():
    assert dg.query is query
    assert dg.list_tables is list_tables
