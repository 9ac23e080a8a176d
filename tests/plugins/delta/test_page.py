"""The page about Delta tables, as a reader would follow it."""

import pytest

from tests.docs.playing import DOCS, Player, blocks


@pytest.mark.slow
def test_a_table_is_written_read_and_compacted_as_the_page_shows(tmp_path):
    """The issue's report is its first block; readers of other programs are not run."""
    text = (DOCS / "how-to" / "write-a-delta-table.md").read_text()
    done = Player(tmp_path).play(blocks(text))
    assert "reporting compact visits" in done
    assert list(tmp_path.rglob("out/visits/_delta_log"))
