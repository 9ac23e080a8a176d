"""A sink that upserts and keeps a source state, in memory."""

from reporting_framework import SOURCE_KEY, CommitResult, Sink, StagedPart
from reporting_framework.plugin_api.records import ROWS_ONLY, UpsertCounts


class UpsertSink(Sink):
    """Versions only grow in its tests, so a staged row takes the place of what is there.

    Attributes:
        rows: Rows by source key.
        state: What was committed with them.
        commits: How often something was committed.
    """

    name = "test-upsert"
    write_modes = frozenset({"upsert"})

    def __init__(self):
        self.settings = None
        self.rows, self.state, self.commits = {}, None, 0

    def load_state(self):
        return self.state

    def stage(self, frame, split, part):
        return StagedPart(frame.height, frame.to_dicts())

    def commit(self, staged_parts, context=ROWS_ONLY):
        self.commits += 1
        before = len(self.rows)
        staged = {row[SOURCE_KEY]: row for part in staged_parts for row in part.data}
        self.rows.update(staged)
        if context.state is not None:
            self.state = context.state
        if context.snapshot:
            for key in self.rows.keys() - staged.keys() - set(context.not_staged):
                del self.rows[key]
        number = sum(part.rows for part in staged_parts)
        inserted = len(self.rows) - before
        return CommitResult(upserted=UpsertCounts(inserted, number - inserted))
