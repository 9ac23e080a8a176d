"""The tutorial, as a reader would do it."""

import pytest

from tests.docs.playing import DOCS, Player, blocks

PAGE = (DOCS / "tutorial" / "first-report.md").read_text()
FIRST, SECOND = PAGE.index("## The table"), PAGE.index("## A second run")


def test_the_tutorial_up_to_the_first_run_does_what_it_shows(tmp_path):
    player = Player(tmp_path)
    done = player.play(
        blocks(
            PAGE[: PAGE.index("Try it without")]
            + PAGE[PAGE.index("Run the report:") : FIRST]
        )
    )
    assert [line for line in done if line.startswith("reporting-run")] == [
        "reporting-run orders"
    ]
    assert (player.folder / "tables" / "orders.parquet").is_file()


@pytest.mark.slow
def test_the_whole_tutorial_does_what_it_shows(tmp_path):
    player = Player(tmp_path)
    done = player.play(blocks(PAGE))
    assert done.count("reporting-run orders") == 3
    assert len(done) == PAGE.count("\n$ ")
    assert player.environment["PLAYED_SITE"]


def test_output_that_differs_is_a_failure(tmp_path):
    player = Player(tmp_path)
    player.check("echo one; echo two", "one\n…\n")
    player.check("echo one two", "one …\n")
    player.check("export NAME=kept", "")
    player.check("echo $NAME", "kept\n")
    with pytest.raises(AssertionError, match="printed:\ntwo"):
        player.check("echo two", "one\n")
    with pytest.raises(AssertionError, match=r"\$ false"):
        player.check("false", "")
