"""The generated pages say what the code says."""

from pathlib import Path

from tiptoe import docs


def test_they_are_current() -> None:
    assert docs.out_of_date() == [], "run `make docs`"


def test_writing_brings_them_up_to_date(tmp_path: Path) -> None:
    assert docs.out_of_date(tmp_path) == list(docs.PAGES)
    assert docs.write(tmp_path) == list(docs.PAGES)
    (tmp_path / "docs" / "settings.md").write_text("edited by hand")
    assert docs.write(tmp_path) == ["docs/settings.md"]
    assert docs.out_of_date(tmp_path) == []
