"""Servers that fail, and projects that change while they are read."""

import logging

import pytest

from reporting_framework.errors import AccessDenied, SettingsError, StorageUnavailable
from reporting_framework.testing import CANARY
from reporting_redcap.testing import Project, Row, field
from reporting_redcap.testing.server import NO_RIGHTS, TOKEN, Answer
from tests.plugins.redcap.projects import numbered, visits

MEMORY = (
    "REDCap ran out of server memory. The request cannot be processed. Please try"
    " importing/exporting a smaller amount of data."
)


def times(count, answer, when=lambda params: "records" in params):
    """Return a fault of the first requests that are meant."""
    left = [answer] * count

    def fault(params, right):
        if not left or not when(params):
            return None
        made = left.pop()
        return made(params, right) if callable(made) else made

    return fault


def more_than(count, answer):
    """Return a fault of requests for more records than this."""

    def fault(params, right):
        if len(params.get("records", ())) <= count:
            return None
        return answer(params, right) if callable(answer) else answer

    return fault


def body(change):
    """Return an answer with another body, which HTTP does not show."""
    return lambda params, right: right._replace(body=change(right.body))


def numbers(made):
    return sorted(int(row["record_id"]) for row in made.rows())


def one_by_one(made, size):
    """Ask for chunks in turn; return the ids."""
    queries = made.source._queries
    ids = queries.ids(None)
    chunks = [ids[at : at + size] for at in range(0, len(ids), size)]
    return sorted(each for chunk in chunks for each in queries.rows(chunk)["record_id"])


def error(text, status=400):
    return Answer(status, f'{{"error":"{text}"}}'.encode())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(429, b"", headers=[("Retry-After", "0")]), id="429"),
        pytest.param(Answer(503, b"<html>offline</html>", "text/html"), id="503"),
        pytest.param(lambda params, right: right._replace(cut=40), id="cut"),
    ],
)
def test_a_failure_that_passes_is_retried(reader, answer):
    made = reader(numbered(20), chunk_records=5)
    made.server.faults.append(times(1, answer))
    assert numbers(made) == list(range(20))
    chunks = [params for params in made.server.requests if "records" in params]
    assert len(chunks) == 5, "only the request that failed is sent again"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(500, b""), id="500"),
        pytest.param(error(MEMORY), id="400"),
        pytest.param(error(MEMORY, 200), id="200"),
        pytest.param(body(lambda text: b""), id="empty"),
        pytest.param(body(lambda text: text[: len(text) // 2]), id="half"),
        pytest.param(body(lambda text: text[:-2]), id="last value"),
        pytest.param(body(lambda text: text[:-1]), id="last byte"),
        pytest.param(
            body(lambda text: text[: text.rindex(b"\n", 0, -1) + 1]), id="last row"
        ),
        pytest.param(body(lambda text: text[: text.index(b"\n") + 1]), id="header"),
        pytest.param(body(lambda text: b'"' + text), id="quote"),
    ],
)
@pytest.mark.parametrize("make", [numbered, visits], ids=["csv", "json"])
def test_an_answer_that_was_too_much_is_asked_for_in_parts(reader, make, answer):
    made = reader(make(12), chunk_records=12)
    made.server.faults.append(more_than(3, _of_form(answer)))
    rows = made.rows()
    expected = reader(make(12)).rows()
    assert sorted(rows, key=str) == sorted(expected, key=str)


def _of_form(answer):
    """Return the fault for answers in JSON, too, which have no lines."""

    def fault(params, right):
        if not callable(answer):
            return answer
        if params["format"] == ["json"]:
            return right._replace(body=right.body[:-1])
        return answer(params, right)

    return fault


def test_a_chunk_that_was_too_much_makes_further_ones_smaller(reader):
    made = reader(numbered(400), chunk_records=100)
    made.server.faults.append(more_than(30, error(MEMORY)))
    assert one_by_one(made, 100) == sorted(map(str, range(400)))
    sizes = [len(each["records"]) for each in made.server.requests if "records" in each]
    assert sizes[:7] == [100, 50, 25, 25, 50, 25, 25], "the first chunk is halved"
    assert max(sizes[9:]) == 25, "later ones are asked for in parts that work"


def test_one_large_record_leaves_the_others_in_chunks(reader):
    made = reader(numbered(400), chunk_records=100)

    def fault(params, right):
        many = len(params.get("records", ())) > 1 and "107" in params["records"]
        return error(MEMORY) if many else None

    made.server.faults.append(fault)
    assert one_by_one(made, 100) == sorted(map(str, range(400)))
    sizes = [len(each["records"]) for each in made.server.requests if "records" in each]
    assert sizes[0] == 100
    assert sizes[-6:] == [50] * 6, "only the first chunk was halved again"


def test_records_that_php_drops_are_asked_for_again(reader):
    """PHP's max_input_vars drops parameters without a word."""
    made = reader(numbered(30), chunk_records=30)
    answer = made.server.answer
    made.server.answer = lambda pairs: answer(pairs[:17])
    assert numbers(made) == list(range(30))


def test_a_record_that_is_too_much_is_said_to_be_unread(reader):
    made = reader(numbered(6), chunk_records=4, parallelism=1)

    def fault(params, right):
        return error(MEMORY) if "4" in params.get("records", ()) else None

    made.server.faults.append(fault)
    batches = made.read()
    assert [len(batch.source_keys) for batch in batches] == [4, 0]
    assert [each.reason for each in batches[-1].unread] == ["unavailable"]
    made.server.faults.clear()
    [rest] = made.read(batches[0].position)
    assert list(rest.source_keys) == ["4", "5"]


def test_a_page_for_people_is_no_data(reader, caplog):
    made = reader(numbered(3))
    made.source.schema()
    page = Answer(200, b"<!DOCTYPE html><title>Maintenance</title>", "text/html")
    made.server.faults.append(lambda params, right: page)
    [batch] = made.read()
    assert batch.unread
    assert "answered with a page for people, as in maintenance" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        error(NO_RIGHTS, 403),
        Answer(403, f"<hash><error>{NO_RIGHTS}</error></hash>".encode(), "text/xml"),
        Answer(401, b""),
    ],
)
def test_a_token_that_is_refused(reader, answer):
    made = reader(numbered(3))
    made.server.faults.append(lambda params, right: answer)
    with pytest.raises(
        AccessDenied, match=r"REDCap refused the token.*; check"
    ) as caught:
        made.source.schema()
    assert made.server.token not in str(caught.value)
    assert (NO_RIGHTS in str(caught.value)) is (answer.status == 403)


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (TOKEN, TOKEN),
        (TOKEN, TOKEN.lower()),
        ("a+b/c=d", "a+b/c=d"),
        ("a+b/c=d", "a%2Bb%2Fc%3Dd"),
        ("a+b/c=d", "a%2bb%2fc%3dd"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_token_that_the_server_repeats_is_not_shown(reader, token, shown, status):
    made = reader(numbered(3), token=token)
    answer = error(f"bad token={shown} of " + "x" * 180, status)
    made.server.answer = lambda pairs: answer
    with pytest.raises((AccessDenied, SettingsError)) as caught:
        made.source.schema()
    assert shown not in str(caught.value)
    assert "bad token=... of" in str(caught.value)


def test_a_wrong_token(reader):
    made = reader(numbered(3), token="0" * 32)
    with pytest.raises(AccessDenied, match=NO_RIGHTS):
        made.source.schema()


def test_a_wrong_setting_is_named(reader):
    wrong = [
        ({"fields": ["nmber"]}, r"the project has no nmber; did you mean number\?"),
        ({"forms": ["x"]}, r"forms: the project has no x"),
        ({"events": ["x"]}, r'the parameter "events" are not valid: "x"'),
        ({"filter_logic": "[number"}, r"filterLogic parameter has a syntax error"),
    ]
    for settings, message in wrong:
        made = reader(numbered(3), **settings)
        with pytest.raises(SettingsError, match=message):
            made.read()


def test_an_error_about_records_shows_none_of_their_values(reader):
    made = reader(numbered(3))
    made.server.faults.append(more_than(0, error(f"record {CANARY} is locked")))
    with pytest.raises(SettingsError, match="does not accept the request;") as caught:
        made.read()
    assert CANARY not in str(caught.value)


def test_another_server_is_recognised(reader):
    made = reader(numbered(3))
    made.server.faults.append(lambda params, right: Answer(200, b"[]"))
    with pytest.raises(StorageUnavailable, match=r"another form than REDCap's"):
        made.source.schema()
    made.server.faults[:] = [lambda params, right: Answer(404, b"")]
    with pytest.raises(SettingsError, match=r"no API at the URL"):
        made.source.schema()


# -- projects that change --------------------------------------------------------------


def test_records_that_are_deleted_or_added_while_they_are_read(reader):
    project = numbered(20)
    made = reader(project, chunk_records=5, parallelism=1)

    def change(params, right):
        project.delete("13")
        project.put([Row("77", {"number": "77"})])

    made.server.faults.append(times(1, change))
    batches = made.read()
    keys = [key for batch in batches for key in batch.source_keys]
    assert sorted(map(int, keys)) == [each for each in range(20) if each != 13]
    project.modified["77"] = made.source._project.asked_at
    later = reader(project, made.server, time_zone="UTC").read(batches[-1].position)
    assert [list(batch.source_keys) for batch in later] == [["77"]]


def test_a_dictionary_that_changes_while_it_is_used(reader, caplog):
    project = numbered(20)
    made = reader(project, chunk_records=5, parallelism=1)

    def change(params, right):
        if "7" in params.get("records", ()) and len(project.dictionary) == 2:
            project.dictionary.append(field("more"))
            return made.server.answer([("token", made.server.token), *_pairs(params)])
        return None

    made.server.faults.append(change)
    batches = made.read()
    assert batches[-1].unread
    assert "the data dictionary was changed while records were read" in caplog.text
    state = next(batch.position for batch in batches[::-1] if batch.position)
    rest = reader(project, made.server)
    assert "more" in rest.source.schema()
    keys = [key for batch in (*batches, *rest.read(state)) for key in batch.source_keys]
    assert sorted(map(int, keys)) == list(range(20)), "nothing is lost or doubled"


def _pairs(params):
    return [
        (f"{name}[{at}]" if name in ("records", "fields") else name, value)
        for name, values in params.items()
        for at, value in enumerate(values)
    ]


def test_fields_that_the_rights_remove_are_null_with_a_warning(reader, caplog):
    made = reader(numbered(3, hidden=frozenset({"number"})))
    with caplog.at_level(logging.WARNING):
        assert made.rows() == [{"record_id": str(at)} for at in range(3)]
    assert "the answer lacks number: these columns are null" in caplog.text
    assert caplog.text.count("the answer lacks") == 1


def test_columns_that_are_in_no_dictionary_are_left_out_with_a_warning(reader, caplog):
    made = reader(numbered(2))
    made.server.faults.append(
        more_than(0, body(lambda text: text.replace(b"number", b"nummer")))
    )
    assert made.rows() == [{"record_id": "0"}, {"record_id": "1"}]
    assert (
        "columns that are not in the dictionary, nummer: they are left" in caplog.text
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(200, b'[{"x":"1"}]'), "answered without the record id"),
        (body(lambda text: text[:-1]), "did not complete the list of record ids"),
    ],
)
def test_a_list_of_ids_that_is_none(reader, caplog, answer, message):
    made = reader(numbered(2))
    made.server.faults.append(times(1, answer, lambda params: "fields" in params))
    [batch] = made.read()
    assert batch.unread
    assert message in caplog.text


def test_a_report_that_was_too_much(reader):
    project = numbered(2)
    project.reports["7"] = ["record_id"]
    made = reader(project, report_id="7")
    made.server.faults.append(
        times(1, body(lambda text: text[:-1]), lambda params: "report_id" in params)
    )
    with pytest.raises(StorageUnavailable, match=r"did not complete report 7; give it"):
        made.source.schema()


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        (Answer(400, b"ERROR: no"), SettingsError),
        (Answer(400, b'{"error":'), SettingsError),
        (Answer(200, b'{"error":"REDCap is offline"}'), SettingsError),
        (Answer(200, b"<hash><error>no</error></hash>"), SettingsError),
    ],
)
def test_errors_in_other_forms(reader, answer, error_type):
    made = reader(numbered(2))
    made.server.faults.append(lambda params, right: answer)
    with pytest.raises(error_type, match="REDCap does not accept the request"):
        made.source.schema()


def test_a_server_that_does_not_say_the_time(reader):
    made = reader(numbered(2))
    made.server.faults.append(
        lambda params, right: right._replace(headers=[("Date", "today")])
    )
    assert made.rows()


# -- answers that break off with a text of the server ----------------------------------

FATAL = (
    b"<br />\n<b>Fatal error</b>:  Allowed memory size of 9 bytes exhausted in"
    b" <b>x.php</b> on line <b>7</b><br />\n"
)
JSON_ERROR = b'{"error":"REDCap ran out of memory"}\n'


def noted(count):
    project = Project(
        [field("record_id"), field("notes", "notes"), field("age"), field("more")]
    )
    project.put(
        Row(str(at), {"notes": "a note", "age": "50", "form_1_complete": "2"})
        for at in range(count)
    )
    return project


def breaking(after, added):
    """Return a change that breaks the answer off after the last such text."""
    return lambda text: (
        text[: text.rindex(after) + len(after)] + added if after in text else text
    )


@pytest.mark.parametrize("after", [b"\n9", b"\n9,", b"a no", b"a note,", b"50", b"2"])
@pytest.mark.parametrize(
    "added",
    [
        FATAL,
        FATAL[:-1],
        FATAL.replace(b"<b>Fatal error</b>", b"<b>Fehler</b>"),
        b"\nPHP Fatal error:  Allowed memory size exhausted\n",
        JSON_ERROR,
        JSON_ERROR[:-1],
        b"\n\n",
    ],
)
def test_a_row_that_breaks_off_is_never_taken(reader, after, added):
    project = noted(10)
    made = reader(project, chunk_records=10)
    fault = body(breaking(after, added))
    made.server.faults.append(
        lambda params, right: (
            fault(params, right)
            if "records" in params and params["format"] == ["csv"]
            else None
        )
    )
    expected = reader(project).rows()
    assert sorted(made.rows(), key=str) == sorted(expected, key=str)


def test_a_row_with_more_fields_or_another_id_is_never_taken(reader):
    expected = reader(noted(4)).rows()
    for change in (
        lambda text: text.replace(b"\n2,", b"\n2,,"),
        lambda text: text.replace(b"\n2,", b"\n77,"),
        lambda text: text.replace(b"\n2,", b"\n,"),
        lambda text: text.replace(b"\n2,", b"\n\n2,"),
    ):
        made = reader(noted(4))
        made.server.faults.append(times(1, body(change)))
        assert sorted(made.rows(), key=str) == sorted(expected, key=str)


def test_an_answer_for_one_record_that_always_breaks_off_is_unread(reader):
    made = reader(noted(2), chunk_records=1, parallelism=1)
    made.server.faults.append(
        lambda params, right: (
            right._replace(body=right.body[:-9] + FATAL)
            if params.get("records") == ["1"]
            else None
        )
    )
    batches = made.read()
    assert [list(batch.source_keys) for batch in batches] == [["0"], []]
    assert [each.reason for each in batches[-1].unread] == ["unavailable"]


def test_a_value_that_looks_like_a_text_of_the_server_is_read(reader):
    project = Project([field("record_id"), field("notes", "notes")])
    values = [FATAL.decode(), 'a "quote', JSON_ERROR.decode().strip()]
    project.put(Row(str(at), {"form_1_complete": "1"}) for at in range(2))
    project.put(
        Row(str(at), {"notes": value}) for at, value in enumerate(values, start=2)
    )
    rows = reader(project).rows()
    assert {row.get("notes") for row in rows} == {None, *values}
