"""The suites notice: each toy plugin keeps every promise, and whichever way it is broken, the right test says so."""

import importlib
from pathlib import Path
from typing import NamedTuple

import pytest

from reporting_framework import testing

pytest_plugins = ["pytester"]

for name in testing.__all__:
    getattr(
        testing, name
    )  # what is imported here needs not be imported anew for each mutant
importlib.import_module("hypothesis")

HERE = Path(__file__).parent


class Mutant(NamedTuple):
    """A defect.

    Attributes:
        what: What is wrong.
        suite: The suite that must notice.
        old: The toy's text.
        new: What stands there instead.
        test: The test that must fail.
        promise: What its message must say.
        also: Another text, and what stands there instead.
    """

    what: str
    suite: str
    old: str
    new: str
    test: str
    promise: str
    also: tuple[str, str] = ("", "")


MUTANTS = [
    # -- sources
    Mutant(
        "drops a record",
        "TestSource",
        "if payload is not None:",
        "if payload is not None and key != '100002.json':",
        "test_every_record_comes_out",
        "every record comes out, and nothing else: missing 1 (100002.json)",
    ),
    Mutant(
        "repeats a source key",
        "TestSource",
        'batch["source_keys"].append(key)',
        "batch['source_keys'].append(split.data['keys'][0])",
        "test_a_source_key_is_unique",
        "a source key is unique: 2 (100000.json, 100002.json) are there more than once",
    ),
    Mutant(
        "plans nondeterministically",
        "TestSource",
        'yield Split(keys[0], {"keys": keys})',
        "yield Split(os.urandom(8).hex(), {'keys': keys})",
        "test_plan_is_repeatable",
        "plan is repeatable",
    ),
    Mutant(
        "has splits that cannot be sent",
        "TestSource",
        'yield Split(keys[0], {"keys": keys})',
        "yield Split(keys[0], {'keys': keys, 'folder': self.settings.folder})",
        "test_splits_survive_serialisation",
        "a split survives JSON: TypeError in 100000.json",
    ),
    Mutant(
        "has splits that another object cannot read",
        "TestSource",
        "names = iter(ledger",
        "self.known = found; names = iter(ledger",
        "test_a_split_can_be_read_anywhere",
        "AttributeError",
        also=(
            'for key in split.data["keys"]:',
            'for key in [each for each in self.known if each in split.data["keys"]]:',
        ),
    ),
    Mutant(
        "ignores the ledger",
        "TestSource",
        "names = iter(ledger.filter_new(found, lambda name: None))",
        "names = iter(found)",
        "test_nothing_is_read_that_the_ledger_has",
        "nothing is read that the ledger has",
    ),
    Mutant(
        "goes by names and not by the ledger",
        "TestSource",
        "names = iter(ledger.filter_new(found, lambda name: None))",
        "names = iter(found[ledger.rows:])",
        "test_nothing_is_read_that_the_ledger_has",
        "nothing is read that the ledger has: missing",
    ),
    Mutant(
        "goes by its hints alone",
        "TestSource",
        "names = iter(ledger.filter_new(found, lambda name: None))",
        "names = iter([] if ledger.hints.get('rows') else ledger.filter_new(found, None))",
        "test_a_new_record_is_found",
        "a new record is found, the hints being there: missing 1",
    ),
    Mutant(
        "swallows an error",
        "TestSource",
        'batch["unread"].append(ReadFailure(key, "unavailable"))',
        "pass",
        "test_what_cannot_be_read_is_never_passed_over",
        "nothing is passed over: I/O call 1 fails once: missing 1 (100000.json)",
    ),
    Mutant(
        "raises an error of its own",
        "TestSource",
        'batch["unread"].append(ReadFailure(key, "unavailable"))',
        "raise RuntimeError(key)",
        "test_what_cannot_be_read_is_never_passed_over",
        "an error is of the right type: I/O call 1 fails once: RuntimeError was raised where StorageUnavailable is due",
    ),
    Mutant(
        "holds everything in memory",
        "TestSource",
        'batch["payloads"].append(payload)',
        "batch['payloads'].append(payload); vars(self).setdefault('seen', []).append(payload)",
        "test_memory_is_bounded",
        "memory is bounded: reading took",
    ),
    Mutant(
        "leaves a thread",
        "TestSource",
        "        yield Batch(versions",
        "        import threading; threading.Thread(target=threading.Event().wait, args=(30,), daemon=True).start()\n"
        "        yield Batch(versions",
        "test_close_gives_up_what_is_under_way",
        "close leaves no thread",
    ),
    Mutant(
        "says too early that there is no more",
        "TestSource",
        "return PlanStats()",
        "return PlanStats(exhausted=True)",
        "test_plan_stats_say_what_is_left",
        "a source with splits left is not exhausted",
    ),
    # -- tables
    Mutant(
        "has no versions",
        "TestTable",
        "yield from super().read(split)",
        "yield from (batch._replace(versions=pl.Series([None] * len(batch.source_keys), dtype=pl.String))"
        " for batch in super().read(split))",
        "test_an_update_has_a_newer_version",
        "an update has a newer _version: it has none",
    ),
    Mutant(
        "has versions in another order",
        "TestTable",
        "yield from super().read(split)",
        "yield from (batch._replace(versions=batch.frame['at'].cast(pl.String)) for batch in super().read(split))",
        "test_an_update_has_a_newer_version",
        "an update takes the place of the record",
    ),
    Mutant(
        "loses a late row",
        "TestTable",
        'text, values = query.select("orders")',
        'text, values = query._replace(floor=query.floor and query.floor + 1).select("orders")',
        "test_a_late_row_within_the_look_back_is_found",
        "a late row within the look-back is found: it was not",
    ),
    Mutant(
        "loses a tie at a page's edge",
        "TestTable",
        'text, values = query.select("orders")',
        "query = query._replace(after=query.after and (*query.after[:-1], query.after[-1] + 1))\n"
        '        text, values = query.select("orders")',
        "test_ties_at_the_edge_of_a_page_are_read",
        "ties at the edge of a page are read: missing",
    ),
    Mutant(
        "fetches a page twice",
        "TestTable",
        'text, values = query.select("orders")',
        'text, values = query._replace(after=query.after and (*query.after[:-1], query.after[-1] - 1)).select("orders")',
        "test_rows_are_read_once",
        "or out of bounds; apply order, after and until",
    ),
    Mutant(
        "forgets the limit",
        "TestTable",
        'text, values = query.select("orders")',
        'text, values = query._replace(limit=100).select("orders")',
        "test_rows_are_read_once",
        "apply the limit",
    ),
    Mutant(
        "reads everything each time",
        "TestTable",
        "yield from super().read(split)",
        "yield from super().read(split)\n\n    def next_state(self, done):\n        return None",
        "test_nothing_is_read_that_the_ledger_has",
        "increments read the window alone: missing",
    ),
    Mutant(
        "lists a row twice in a window",
        "TestTexts",
        "yield list(page)",
        "yield [*page, *page]",
        "test_a_window_has_the_present_versions",
        "a window has each record once",
    ),
    Mutant(
        "lists old versions in a window",
        "TestTexts",
        "yield list(page)",
        "yield [item._replace(version=item.version[:10]) for item in page]",
        "test_a_window_has_the_present_versions",
        "a window has the present versions: they are not those of the batches",
    ),
    # -- pages of records
    Mutant(
        "fetches each page twice",
        "TestFeed",
        "while rows := self.page(offset):",
        "while self.page(offset) and (rows := self.page(offset)):",
        "test_each_page_is_fetched_once",
        "each page is fetched once: 4 (0, 2, 4, …) twice",
    ),
    Mutant(
        "reads a page again within a run",
        "TestFeed",
        "offset += len(rows)",
        "offset += 1",
        "test_each_page_is_fetched_once",
        "each record is read once",
    ),
    Mutant(
        "has a state ahead of its rows",
        "TestFeed",
        'position={"offset": offset}',
        'position={"offset": offset + 2}',
        "test_hints_lose_nothing",
        "the state moves only behind committed pages: after 1: missing 2 (orders/2, orders/3)",
    ),
    Mutant(
        "has a state that stays behind",
        "TestFeed",
        'position={"offset": offset}',
        'position={"offset": 0}',
        "test_nothing_is_read_that_the_ledger_has",
        "nothing is read that was committed: 8 records were read again",
    ),
    Mutant(
        "has a state for the last page alone",
        "TestFeed",
        'position={"offset": offset}',
        'position={"offset": offset} if offset > 7 else None',
        "test_hints_lose_nothing",
        "the state moves with each page: after 2 of them, 8 records were read again",
    ),
    Mutant(
        "swallows a page that fails",
        "TestFeed",
        "return fetch(self.settings.folder, offset)",
        "try:\n            return fetch(self.settings.folder, offset)\n"
        "        except StorageUnavailable:\n            return []",
        "test_what_cannot_be_read_is_never_passed_over",
        "nothing is passed over: I/O call 1 fails once: missing 8",
    ),
    Mutant(
        "goes on behind a page that fails",
        "TestFeed",
        "return fetch(self.settings.folder, offset)",
        "try:\n            return fetch(self.settings.folder, offset)\n"
        "        except StorageUnavailable:\n            return fetch(self.settings.folder, offset + 2)",
        "test_what_cannot_be_read_is_never_passed_over",
        "nothing is passed over: I/O call 1 fails once: missing 2 (orders/0, orders/1)",
    ),
    Mutant(
        "fetches all pages at once",
        "TestFeed",
        "def pages(self, after):",
        "def pages(self, after):\n        yield from list(self.all_pages(after))\n\n    def all_pages(self, after):",
        "test_pages_are_fetched_when_they_are_asked_for",
        "a page is fetched when it is asked for: 5 requests for the first",
    ),
    Mutant(
        "loses ties between pages",
        "TestFeed",
        "offset += len(rows)",
        "offset += len(rows)\n"
        "            while (more := self.page(offset)) and more[0]['at'] == rows[-1]['at']:\n"
        "                offset += 1",
        "test_ties_at_the_edge_of_a_page_are_read",
        "ties at the edge of a page are read: missing",
    ),
    Mutant(
        "compares numbers as texts",
        "TestFeed",
        "f\"{row['at']:06}\"",
        "str(row['at'])",
        "test_an_update_has_a_newer_version",
        "an update takes the place of the record",
    ),
    Mutant(
        "lets a repeated page undo an update",
        "TestFeed",
        "f\"{row['at']:06}\"",
        "f\"{10**6 - row['at']:06}\"",
        "test_a_repeated_page_changes_nothing",
        "a repeated page changes nothing: an update",
    ),
    Mutant(
        "ignores a delete",
        "TestFeed",
        'if "deleted" in row',
        "if False",
        "test_a_reported_delete_is_a_version",
        "a reported delete removes its record, and no other: missing none, too many 1",
    ),
    Mutant(
        "has no version of a delete",
        "TestFeed",
        "f\"{row['at']:06}\", datetime.now(UTC)",
        "None, datetime.now(UTC)",
        "test_a_reported_delete_is_a_version",
        "a reported delete removes its record",
    ),
    # -- streams that are read together
    Mutant(
        "fetches each page for each stream",
        "TestSharedFeed",
        "own = [row for row in rows if",
        "own = [row for row in self.page(offset - len(rows)) if",
        "test_each_page_is_fetched_once_for_all_streams",
        "each page is fetched once for all streams: 10 requests, 4 different ones",
    ),
    Mutant(
        "leaves out the name of a stream",
        "TestSharedFeed",
        "                    stream=stream,",
        "                    stream=None if stream == 'customers' else stream,",
        "test_each_batch_names_its_stream",
        "each batch names its stream: missing 3 (customers: customers/1,",
    ),
    Mutant(
        "moves the position with the first stream of a page",
        "TestSharedFeed",
        "                    stream=stream,",
        "                    stream=stream, position={'offset': offset},",
        "test_the_position_is_that_of_all_streams",
        "the position is that of all streams: after 1 batches: missing 1 (customers: customers/1)",
    ),
    # -- settings
    Mutant(
        "accepts unknown settings",
        "TestValidator",
        'extra="forbid"',
        'extra="ignore"',
        "test_settings_refuse_what_they_do_not_know",
        "settings refuse what they do not know",
    ),
    # -- validators
    Mutant(
        "leaks a value",
        "TestValidator",
        'Rejection(source_key, version, "int_type", "number")',
        'Rejection(source_key, version, f"not an integer: {number}", "number")',
        "test_no_value_is_shown",
        "no value of a record is ever shown: a rejection of type",
    ),
    Mutant(
        "logs a value",
        "TestValidator",
        'rejections.append(Rejection(source_key, version, "json_invalid"))',
        'rejections.append(Rejection(source_key, version, "json_invalid")); print(payload)',
        "test_no_value_is_shown",
        "no value of a record is ever shown: stdout has one",
    ),
    Mutant(
        "raises for a bad record",
        "TestValidator",
        "except (ValueError, TypeError, RecursionError, AttributeError)",
        "except (ValueError, TypeError, AttributeError)",
        "test_a_bad_record_never_raises",
        "a validator never raises for a bad record: RecursionError for a record (deep",
    ),
    Mutant(
        "passes over a bad record",
        "TestValidator",
        'rejections.append(Rejection(source_key, version, "int_type", "number"))',
        "pass",
        "test_every_record_is_a_row_or_a_rejection",
        "every record is a row or a rejection, once",
    ),
    Mutant(
        "has another schema for no rows",
        "TestValidator",
        'pl.DataFrame(rows, schema=SCHEMA, orient="row"), rejections',
        'pl.DataFrame(rows, schema=SCHEMA if rows else SCHEMA.names(), orient="row"), rejections',
        "test_the_schema_is_as_declared",
        "the schema is exactly as declared, for no records",
    ),
    Mutant(
        "remembers the record before",
        "TestValidator",
        "rows.append((number, note, source_key))",
        "rows.append((number + len(rows), note, source_key))",
        "test_every_record_is_a_row_or_a_rejection",
        "what becomes of a record does not depend on its neighbours: rows differ",
    ),
    Mutant(
        "keeps every record",
        "TestValidator",
        "rows, rejections, ignored = [], [], {}",
        "rows, rejections, ignored = [], [], {}; vars(self).setdefault('seen', []).extend(batch.payloads)",
        "test_memory_is_bounded",
        "memory is bounded: validating took",
    ),
    # -- transforms
    Mutant(
        "drops the source key",
        "TestTransform",
        "return doubled.select(pl.exclude(SOURCE_KEY), SOURCE_KEY)",
        "return doubled.drop(SOURCE_KEY)",
        "test_the_source_key_is_kept",
        "a transform keeps the source key, as the last column",
    ),
    Mutant(
        "changes its input",
        "TestTransform",
        "kept = frame.filter(",
        "kept = frame.insert_column(0, pl.lit(1).alias('added')).filter(",
        "test_its_input_is_unchanged",
        "a transform does not change its input: its columns are others",
    ),
    Mutant(
        "changes values that it says it keeps",
        "TestTransform",
        'double=pl.col("number") * 2',
        'double=pl.col("number") * 2, number=pl.col("number") + 1',
        "test_it_keeps_the_values",
        "it keeps the values of every column",
    ),
    Mutant(
        "fails on no rows",
        "TestTransform",
        "kept = frame.filter(",
        "if not frame.height: return frame\n        kept = frame.filter(",
        "test_it_works_on_no_rows",
        "no rows have the schema of rows",
    ),
    Mutant(
        "shapes rows by their neighbours",
        "TestTransform",
        'double=pl.col("number") * 2',
        'double=pl.col("number").cum_sum() * 2',
        "test_every_row_is_shaped_by_itself",
        "every row is shaped by itself: 3.json differs when alone",
    ),
    Mutant(
        "keeps every frame",
        "TestTransform",
        "kept = frame.filter(",
        "vars(self).setdefault('seen', []).append(frame)\n        kept = frame.filter(",
        "test_memory_is_bounded",
        "memory is bounded: a transform took",
    ),
    Mutant(
        "believes that every run ends",
        "TestSource",
        "names = iter(ledger.filter_new(found, lambda name: None))",
        "names = iter([] if 'ended' in ledger.hints else ledger.filter_new(found, lambda name: None))",
        "test_hints_lose_nothing",
        "hints lose nothing: what a stopped run left is found again: missing 5",
        also=('return {"rows": rows}', 'return {"ended": True, "rows": rows}'),
    ),
    # -- tables
    Mutant(
        "keeps the oldest version",
        "TestTableSink",
        "rank(row) >= rank(known)",
        "rank(row) <= rank(known)",
        "test_the_newest_version_wins_in_every_order",
        "the newest version wins in every order within a part",
    ),
    Mutant(
        "lets an older version overwrite a newer one",
        "TestTableSink",
        "(age(row) < age(known) or outlived(row, known))",
        "outlived(row, known)",
        "test_the_newest_version_wins_in_every_order",
        "the newest version wins in every order of runs",
    ),
    Mutant(
        "compares versions as numbers",
        "TestTableSink",
        'return row["_version"] is not None, row["_version"] or ""',
        'return row["_version"] is not None, (row["_version"] or "").zfill(9)',
        "test_versions_are_compared_as_texts",
        "versions are compared as texts: an older one has won",
    ),
    Mutant(
        "lets the earlier one of equal versions win",
        "TestTableSink",
        "(age(row) < age(known) or outlived(row, known))",
        "(age(row) <= age(known) or outlived(row, known))",
        "test_of_equal_versions_the_later_one_wins",
        "of equal versions that of the later run wins",
    ),
    Mutant(
        "inserts without removing the older version",
        "TestTableSink",
        "json.dumps(after, sort_keys=True)",
        "json.dumps({**after, 'rows': rows} if self.mode == 'upsert' else after)",
        "test_the_newest_version_wins_in_every_order",
        "exists twice",
    ),
    Mutant(
        "forgets a delete of an unseen key",
        "TestTableSink",
        "        new[key] = row\n        if alive(row):",
        "        if alive(row) or there: new[key] = row\n        if alive(row):",
        "test_a_delete_of_an_unseen_key_is_kept",
        "an older row has come back",
    ),
    Mutant(
        "lets a delete lose to a row of its version",
        "TestTableSink",
        "rank(row) >= rank(known)",
        "age(row) >= age(known)",
        "test_a_delete_of_the_same_version_wins_in_every_order",
        "a delete of the same version wins within a run",
    ),
    Mutant(
        "revives a deleted row that is delivered again",
        "TestTableSink",
        " or outlived(row, known)",
        "",
        "test_a_delete_of_the_same_version_wins_in_every_order",
        "a delete of the same version wins over a later run",
    ),
    Mutant(
        "lets a delete without a version win",
        "TestTableSink",
        'not alive(row) and row["_version"] is not None',
        "not alive(row)",
        "test_without_a_version_the_later_one_wins",
        "without a version the later one wins within a run",
    ),
    Mutant(
        "deletes rejected records with a snapshot",
        "TestTableSink",
        "{*latest, *context.not_staged}",
        "{*latest}",
        "test_a_snapshot_deletes_what_the_source_has_no_more",
        "a snapshot deletes what the source has no more: 1",
    ),
    Mutant(
        "loses the version of what a snapshot deletes",
        "TestTableSink",
        '{**old[key], "_deleted_at": str(snapshot_at)}',
        '{**old[key], "_deleted_at": str(snapshot_at), "_version": None}',
        "test_a_snapshot_deletes_what_the_source_has_no_more",
        "a snapshot deletes what the source has no more: 3",
    ),
    Mutant(
        "infers deletes after a lost race",
        "TestTableSink",
        "if context.snapshot and not lost else None",
        "if context.snapshot else None",
        "test_a_lost_race_infers_no_delete",
        "a late one deletes nothing",
    ),
    Mutant(
        "replaces the state of the winner",
        "TestTableSink",
        "if lost or context.state is None else",
        "if context.state is None else",
        "test_a_lost_race_infers_no_delete",
        "the state that the winner left stays",
    ),
    Mutant(
        "commits blindly",
        "TestTableSink",
        'old = content["rows"]',
        'old = self.opened["rows"]',
        "test_a_lost_race_infers_no_delete",
        "a commit decides on the table as it is",
    ),
    Mutant(
        "commits the state without the rows",
        "TestTableSink",
        "            if (new, state) !=",
        "            write(self.file, json.dumps(content | {'state': state}).encode())\n"
        "            if (new, state) !=",
        "test_a_fault_in_an_upsert_leaves_all_or_nothing",
        "the state is committed with the rows",
    ),
    Mutant(
        "commits the rows without the state",
        "TestTableSink",
        "            if (new, state) !=",
        "            write(self.file, json.dumps(content | {'rows': new}).encode())\n"
        "            if (new, state) !=",
        "test_a_fault_in_an_upsert_leaves_all_or_nothing",
        "the state is committed with the rows",
    ),
    Mutant(
        "keeps no state if there are no rows",
        "TestTableSink",
        'if (new, state) != (old, content["state"]):',
        "if new != old:",
        "test_state_is_committed_with_the_rows",
        "a state is committed without rows, too",
    ),
    Mutant(
        "counts what is unchanged as updated",
        "TestTableSink",
        '"unchanged" if row == known else "updated"',
        '"updated"',
        "test_a_repeated_upsert_changes_nothing",
        "an upsert says what it did",
    ),
    Mutant(
        "keeps rows that were to be replaced",
        "TestTableSink",
        "new = {key: row for key, row in latest.items() if alive(row)}",
        "new = old | {key: row for key, row in latest.items() if alive(row)}",
        "test_replace_makes_the_rows_the_table",
        "replace makes the rows the table, and nothing else",
    ),
    # -- sinks
    Mutant(
        "makes its file while it prepares",
        "TestSink",
        "        self.schema = schema\n",
        "        self.schema = schema\n        write(self.file, b'{}')\n",
        "test_prepare_writes_nothing",
        "prepare writes nothing: there are other files after it",
    ),
    Mutant(
        "commits half",
        "TestSink",
        "                write(self.file, json.dumps(rows | new, sort_keys=True).encode())",
        "                for source_key in new:\n"
        "                    rows = rows | {source_key: new[source_key]}\n"
        "                    write(self.file, json.dumps(rows, sort_keys=True).encode())",
        "test_a_fault_in_the_commit_leaves_all_or_nothing",
        "commit is atomic: I/O call 3 fails once left a part of the rows visible",
    ),
    Mutant(
        "changes rows on a repeated commit",
        "TestSink",
        "write(self.file, json.dumps(rows | new, sort_keys=True).encode())",
        "write(self.file, json.dumps(rows | new | {f'again-{o}': r for o, r in staged.items() if o in rows}).encode())",
        "test_a_repeated_commit_changes_nothing",
        "rows that come again among others are there once: of 8 rows 0 are missing, 3 are too many",
    ),
    Mutant(
        "writes in the order in which splits ended",
        "TestSink",
        "rows | new, sort_keys=True",
        "rows | new",
        "test_the_order_of_fragments_changes_nothing",
        "the order of staged parts changes nothing: bytes differ",
    ),
    Mutant(
        "does not keep others out",
        "TestSink",
        "fcntl.flock(lock, fcntl.LOCK_EX)",
        "pass",
        "test_commits_at_once_lose_and_double_nothing",
        "commits at once lose nothing and double nothing",
        also=(
            "            new = {\n",
            "            __import__('time').sleep(0.1)\n            new = {\n",
        ),
    ),
    Mutant(
        "takes an error for an absence",
        "TestSink",
        'return json.loads(read(self.file) or b"{}")\n\n    def ledger',
        'try:\n            return json.loads(read(self.file) or b"{}")\n        except StorageUnavailable:\n'
        "            return {}\n\n    def ledger",
        "test_an_error_is_not_an_absence",
        "an error is not an absence: I/O call 1 fails once left a ledger of 0 rows",
    ),
    Mutant(
        "swallows the error of a write",
        "TestSink",
        "                write(self.file, json.dumps(rows | new, sort_keys=True).encode())",
        "                try:\n"
        "                    write(self.file, json.dumps(rows | new, sort_keys=True).encode())\n"
        "                except StorageUnavailable:\n"
        "                    pass",
        "test_a_fault_in_the_commit_leaves_all_or_nothing",
        "what commit says it has kept is there: I/O call 2 fails once",
    ),
    Mutant(
        "shows what is staged",
        "TestSink",
        "        return StagedPart(frame.height, staged)",
        "        rows = self._rows() | {row[SOURCE_KEY]: row for row in frame.to_dicts()}\n"
        "        write(self.file, json.dumps(rows, sort_keys=True).encode())\n"
        "        return StagedPart(frame.height, staged)",
        "test_nothing_is_visible_before_the_commit",
        "nothing is visible before the commit: of 0 rows 0 are missing, 6 are too many",
    ),
    Mutant(
        "has a ledger that knows too much",
        "TestSink",
        "return [each for each in objects if each not in self._known]",
        "return [each for each in objects if each > max(self._known, default='')]",
        "test_the_ledger_is_what_is_visible",
        "the ledger is what is visible: unseen",
    ),
    # -- versions
    Mutant(
        "gives every version of its output the same name",
        "TestSink",
        'return {"rows": data and hashlib.sha256(data).hexdigest()}',
        'return {"rows": data and "some"}',
        "test_a_version_changes_with_its_output",
        "a version changes with its output",
    ),
    Mutant(
        "does not tell that another run was faster",
        "TestSink",
        "overtaken = rows != self.planned",
        "overtaken = False",
        "test_a_commit_says_that_another_run_was_faster",
        "a commit says that another run was faster",
    ),
    # -- stored artifacts
    Mutant(
        "removes what it does not know of",
        "TestSink",
        "        with self._alone():\n            self._as_told(stored_artifacts)\n            self.file.unlink()",
        "        self.file.unlink()",
        "test_what_changed_since_is_not_removed",
        "DID NOT RAISE",
    ),
    Mutant(
        "moves in the place of copying",
        "TestSink",
        "write(copy, read(self.file))",
        "os.replace(self.file, copy)",
        "test_a_reset_copies_first",
        "a backup changes nothing: of 6 rows 6 are missing",
    ),
    # -- reading again
    Mutant(
        "reads more again than was asked for",
        "TestSource",
        "for key in objects:",
        'for key in sorted(path.name for path in self.settings.folder.glob("*.json")):',
        "test_what_is_asked_for_again_is_read_and_nothing_else",
        "what is asked for again is read, and nothing else",
    ),
    Mutant(
        "passes over an object that is gone",
        "TestSource",
        'batch["unread"].append(ReadFailure(key, "missing"))',
        "pass",
        "test_an_object_that_is_gone_is_said_to_be_unread",
        "an object that is gone is said to be unread",
    ),
    Mutant(
        "leaves the last day out of a window",
        "TestSource",
        "first <= item.day <= last",
        "first <= item.day < last",
        "test_a_window_has_the_objects_of_its_days",
        "a day has its objects: 1 (100000.json)",
    ),
    # -- engines
    Mutant(
        "loses a split result",
        "TestEngine",
        "yield from pool.map(process, chunk)",
        "yield from [each for each in pool.map(process, chunk) if each.accepted != 13]",
        "test_every_outcome_comes_once",
        "every split result comes exactly once: 1 (split-13) do not",
    ),
    Mutant(
        "takes every split at once",
        "TestEngine",
        "splits = iter(splits)",
        "splits = iter(list(splits))",
        "test_splits_are_taken_lazily",
        "splits are taken lazily: 64 were taken before 1 came back",
    ),
    Mutant(
        "does not stop",
        "TestEngine",
        "while len(chunk) < parallelism and not stop():",
        "while len(chunk) < parallelism:",
        "test_stop_is_honoured",
        "stop is honoured: 15 splits were taken after it said so",
    ),
    Mutant(
        "swallows the error that ends a run",
        "TestEngine",
        "yield from pool.map(process, chunk)",
        "results = pool.map(process, chunk)\n"
        "                try:\n"
        "                    yield from results\n"
        "                except Exception:\n"
        "                    return",
        "test_an_error_ends_the_run",
        "DID NOT RAISE",
    ),
    # -- observers
    Mutant(
        "raises",
        "TestObserver",
        "self.read += len(split_result.source_keys)",
        "self.read += split_result.records",
        "test_it_does_not_raise",
        "an observer does not raise: 1 (reporting_split_finished raised AttributeError)",
    ),
    Mutant(
        "tells an error's message",
        "TestObserver",
        'print("failed:", type(error).__name__)',
        'print("failed:", error, error.__cause__)',
        "test_no_value_is_shown",
        "no value of a record is ever shown: stdout has one",
    ),
    Mutant(
        "keeps split results",
        "TestObserver",
        "self.read += len(split_result.source_keys)",
        "vars(self).setdefault('all', []).append(split_result)",
        "test_it_keeps_no_outcome",
        "an observer keeps no split result: 2 are held",
    ),
    Mutant(
        "changes what it is told",
        "TestObserver",
        "self.read += len(split_result.source_keys)",
        "split_result.source_keys.clear()",
        "test_it_changes_nothing_that_it_gets",
        "an observer changes nothing that it receives",
    ),
    # -- tables
    Mutant(
        "gives a table of nothing",
        "TestSink",
        ".lazy() if rows else None",
        ".lazy()",
        "test_there_is_no_table_before_the_first_commit",
        "there is no table before the first commit: scan gave one",
    ),
    Mutant(
        "gives a table of other types",
        "TestSink",
        "schema=self.schema).lazy()",
        "schema=self.schema).cast({'number': pl.Int32}).lazy()",
        "test_a_table_has_what_was_committed",
        "a table has the prepared types: column number is Int32",
    ),
    Mutant(
        "gives a table in another order",
        "TestSink",
        "schema=self.schema).lazy()",
        "schema=self.schema).select(*reversed(self.schema)).lazy()",
        "test_a_table_has_what_was_committed",
        "a table has the prepared columns first, in their order",
    ),
    Mutant(
        "gives a table without a row",
        "TestSink",
        "pl.DataFrame(rows, schema=self.schema).lazy()",
        "pl.DataFrame(rows[:-1], schema=self.schema).lazy()",
        "test_a_table_has_what_was_committed",
        "a table has all that was committed, and nothing else",
    ),
    Mutant(
        "takes a table that cannot be read for none",
        "TestSink",
        "        rows = list(self._rows().values())",
        "        try:\n"
        "            rows = list(self._rows().values())\n"
        "        except StorageUnavailable:\n"
        "            rows = []",
        "test_a_table_that_cannot_be_read_is_none_of_nothing",
        "an error is not an absence: I/O call 1 fails once left no table",
    ),
    # -- queries
    Mutant(
        "has no definition",
        "TestQuery",
        '    """Number of rows, and the mean of their numbers, for each value of a column, sorted by it."""\n',
        "",
        "test_it_has_a_definition",
        "a query is defined by the docstring of its class: it has none",
    ),
    Mutant(
        "answers in the order of rows",
        "TestQuery",
        "return counted.sort(by, nulls_last=False)",
        "return rows.group_by(by, maintain_order=True).agg(rows=pl.len(), mean=mean)",
        "test_the_order_of_rows_changes_nothing",
        "the order of rows changes nothing: the rows gave another",
    ),
    Mutant(
        "reads rows before it is collected",
        "TestQuery",
        "if by not in rows.collect_schema().names():",
        "if by not in rows.collect().columns:",
        "test_it_looks_at_the_schema_alone",
        "a query looks at the schema alone: it has read rows",
    ),
    Mutant(
        "reads every column",
        "TestQuery",
        "counted = rows.group_by(by)",
        "counted = rows.filter(pl.any_horizontal(pl.all().is_not_null())).group_by(by)",
        "test_it_reads_no_more_than_it_needs",
        "a query reads no more columns than it needs: 2 (source_key, unneeded_column) besides",
    ),
    Mutant(
        "needs what it does not say",
        "TestQuery",
        'required_columns = frozenset({"number"})',
        "required_columns = frozenset()",
        "test_what_it_needs_is_enough",
        "ColumnNotFoundError",
    ),
    Mutant(
        "divides by nothing",
        "TestQuery",
        "pl.when(number.count() > 0).then(number.sum() / number.count())",
        "number.sum() / number.count()",
        "test_no_number_is_none",
        "what has no number is null: column 1 (mean) is none for nulls",
    ),
    Mutant(
        "answers nothing with other columns",
        "TestQuery",
        "counted = rows.group_by(by)",
        "if not rows.select(pl.len()).collect().item(): return rows.select(by)\n        counted = rows.group_by(by)",
        "test_an_empty_table_has_an_answer",
        "no rows have an answer with the columns of one of rows",
    ),
    Mutant(
        "lets polars complain of a column",
        "TestQuery",
        "if by not in rows.collect_schema().names():",
        "if not by:",
        "test_settings_that_name_no_column_are_refused",
        "a column that is not there is refused with a SettingsError: by made it raise ColumnNotFoundError",
    ),
    Mutant(
        "prints what it finds",
        "TestQuery",
        "counted = rows.group_by(by)",
        "print(rows.select(by).collect().to_dicts()); counted = rows.group_by(by)",
        "test_no_value_is_shown",
        "no value of a record is ever shown: stdout has one",
    ),
    # -- pages
    Mutant(
        "is no document",
        "TestPage",
        "<html lang='en'>",
        "<html>",
        "test_it_is_a_whole_document",
        "a page says its language",
    ),
    Mutant(
        "loads a font",
        "TestPage",
        "<style>p",
        "<style>@import url(fonts.css); p",
        "test_it_needs_nothing_else",
        "a page needs nothing else: 2 (@import, url() in its styles",
    ),
    Mutant(
        "loads a script",
        "TestPage",
        "<style>p",
        "<script src='https://cdn.example/x.js'></script><style>p",
        "test_it_needs_nothing_else",
        "a page needs nothing else: 1 (script src) lead elsewhere",
    ),
    Mutant(
        "says when it was made",
        "TestPage",
        "<ul>{notes}",
        "{os.urandom(8).hex()}<ul>{notes}",
        "test_the_same_material_gives_the_same_text",
        "the same material gives the same text: it gave another",
    ),
    Mutant(
        "fails for nulls",
        "TestPage",
        "rows['number'].max()",
        "rows['number'].max() + 0",
        "test_it_can_be_made_of_little",
        "a page can be made of no rows: TypeError",
    ),
    Mutant(
        "takes a value for markup",
        "TestPage",
        "<li>{escape(note)}</li>",
        "<li>{note}</li>",
        "test_values_are_escaped",
        "values are escaped: one has become markup",
    ),
]

SAMPLE = {
    "drops a record",
    "repeats a source key",
    "plans nondeterministically",
    "has splits that cannot be sent",
    "ignores the ledger",
    "swallows an error",
    "holds everything in memory",
    "accepts unknown settings",
    "leaks a value",
    "raises for a bad record",
    "drops the source key",
    "changes its input",
    "keeps the oldest version",
    "lets an older version overwrite a newer one",
    "inserts without removing the older version",
    "commits blindly",
    "commits the state without the rows",
    "commits the rows without the state",
    "commits half",
    "changes rows on a repeated commit",
    "takes an error for an absence",
    "reads more again than was asked for",
    "does not tell that another run was faster",
    "loses a split result",
    "takes every split at once",
    "raises",
    "gives a table without a row",
    "answers in the order of rows",
    "divides by nothing",
    "takes a value for markup",
    "has no versions",
    "loses a late row",
    "loses a tie at a page's edge",
    "fetches a page twice",
    "fetches each page twice",
    "has a state ahead of its rows",
    "has a state that stays behind",
    "swallows a page that fails",
    "goes on behind a page that fails",
    "fetches each page for each stream",
    "leaves out the name of a stream",
    "moves the position with the first stream of a page",
}
"""What is tried each time; the others run with the slow tests."""


@pytest.fixture
def suite(pytester, request):
    """Runs suites of the toy, changed or not."""

    def run(toy, *arguments):
        pytester.makepyfile(toy=toy)
        pytester.makepyfile(toy_suite=(HERE / "toy_suite.py").read_text())
        pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers")
        return pytester.runpytest_inprocess(
            "toy_suite.py", "-p", "no:cacheprovider", "-rA", *arguments
        )

    return run


@pytest.fixture(scope="module")
def toy():
    return (HERE / "toy.py").read_text()


def test_every_defect_of_the_sample_is_there():
    assert {mutant.what for mutant in MUTANTS} > SAMPLE


def test_the_toys_keep_every_promise(suite, toy):
    result = suite(toy, "-m", "not slow")
    split_results = result.parseoutcomes()
    assert set(split_results) == {"passed", "skipped", "unpromised", "deselected"}
    assert split_results["passed"] > 80


@pytest.mark.slow
def test_the_toys_keep_the_promises_that_take_long_to_look_at(suite, toy):
    split_results = suite(toy, "-m", "slow").parseoutcomes()
    assert set(split_results) == {"passed", "skipped", "unpromised", "deselected"}
    assert split_results["passed"] >= 3


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(
            each,
            id=f"{each.suite}: {each.what}",
            marks=() if each.what in SAMPLE else pytest.mark.slow,
        )
        for each in MUTANTS
    ],
)
def test_a_broken_promise_is_noticed_and_named(suite, toy, mutant):
    changed = toy
    for old, new in ((mutant.old, mutant.new), mutant.also):
        assert old in changed
        changed = changed.replace(old, new) if old else changed
    result = suite(changed, "-k", f"{mutant.suite} and {mutant.test}")
    assert result.parseoutcomes().get("failed", 0) >= 1
    report = str(result.stdout)
    assert f"FAILED toy_suite.py::{mutant.suite}::{mutant.test}" in report
    assert mutant.promise in report
