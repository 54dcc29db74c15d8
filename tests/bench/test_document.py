"""The page of measurements: a part measured again leaves the others alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.document import HEAD, merged, sections
from bench.table import Plot, Table
from hypothesis import given
from hypothesis import strategies as st

from bench import __main__ as bench

ORDER = ("media", "no-keep", "transfer", "lab.flash", "lab.watch")
bodies = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])), min_size=1, max_size=6
).map(lambda lines: "\n".join(line for line in lines if not line.startswith("<!--")).strip())
parts = st.dictionaries(st.sampled_from(ORDER), bodies)


@given(parts)
def test_what_is_written_is_read(new: dict[str, str]) -> None:
    page = merged("", new, ORDER)
    assert page.startswith(HEAD)
    assert {name: body.strip() for name, body in sections(page).items()} == new
    assert merged(page, {}, ORDER) == page


@given(parts, parts)
def test_other_parts_stay(old: dict[str, str], new: dict[str, str]) -> None:
    page = merged(merged("", old, ORDER), new, ORDER)
    assert {name: body.strip() for name, body in sections(page).items()} == {**old, **new}
    assert page == merged("", {**old, **new}, ORDER)


def test_sections_stand_in_order_and_old_parts_go() -> None:
    page = merged("", {"lab.watch": "w", "media": "m", "gone": "g"}, [*ORDER, "gone"])
    page = merged(page, {"transfer": "t"}, ORDER)
    assert list(sections(page)) == ["media", "transfer", "lab.watch"]


def test_the_committed_page_is_such_a_page() -> None:
    page = bench.PAGE.read_text(encoding="utf-8")
    assert merged(page, {}, bench.PARTS) == page


def test_the_committed_page_shows_plots_that_are_there_and_small() -> None:
    page = bench.PAGE.read_text(encoding="utf-8")
    folder = bench.PAGE.parent / "benchmarks"
    shown = {line.rpartition("(")[2].rstrip(")") for line in page.splitlines() if line[:2] == "!["}
    assert shown == {f"benchmarks/{path.name}" for path in folder.glob("*.png")}
    assert all(path.stat().st_size < 80_000 for path in folder.glob("*.png"))


def test_names_stand_for_parts_and_groups() -> None:
    assert bench.expand([]) == list(bench.PARTS)
    assert bench.expand(["tracker", "media"]) == ["media", "tracker"]
    lab = bench.expand(["lab"])
    assert "lab.flash" in lab
    assert all(name.startswith("lab.") for name in lab)
    with pytest.raises(ValueError, match=r"no such part: lab\.moon"):
        bench.expand(["media", "lab.moon"])


def test_a_table_in_markdown() -> None:
    table = Table("Title", ("a", "b"), "A note.", plots=[Plot(Path("/tmp/x/p.png"), "words")])
    table.add("1", "2")
    assert table.markdown() == (
        "## Title\n\nA note.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n![words](benchmarks/p.png)\n"
    )


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of two parts, and the program with these; the second one needs root."""

    def tables(directory: Path) -> list[Table]:
        plot = directory / "lab-flash.png"
        plot.write_bytes(b"picture")
        return [Table("New", ("a",), plots=[Plot(plot, "words")])]

    written = tmp_path / "docs" / "benchmarks.md"
    written.parent.mkdir()
    written.write_text(merged("", {"media": "old", "lab.flash": "old"}, ORDER))
    monkeypatch.setattr(bench, "PAGE", written)
    monkeypatch.setattr(bench, "PARTS", {"media": tables, "lab.flash": tables})
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return written


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["bench", *arguments])
    bench.main()


def test_writes_the_section_of_what_was_measured(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--write", "lab.flash")
    found = sections(page.read_text())
    assert found["media"] == "old\n"
    assert "python -m bench --write lab.flash" in found["lab.flash"]
    assert "## New" in found["lab.flash"]
    assert (page.parent / "benchmarks" / "lab-flash.png").read_bytes() == b"picture"
    assert capsys.readouterr().out.count("## New") == 1


def test_without_write_the_page_stays(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = page.read_text()
    run(monkeypatch, "--plots", str(tmp_path / "plots"))
    assert page.read_text() == before
    assert (tmp_path / "plots" / "lab-flash.png").exists()


def test_without_root_the_laboratory_is_left_out(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    run(monkeypatch, "--write")
    found = sections(page.read_text())
    assert found["lab.flash"] == "old\n"
    assert "## New" in found["media"]
    assert capsys.readouterr().err.count("\n") == 1


def test_an_unknown_part_is_wrong_usage(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "lab.moon")
    assert ended.value.code == 2
    assert "no such part: lab.moon" in capsys.readouterr().err
