"""The installation's secret: one, kept, readable by its owner alone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tiptoe.secret import derived, secret_of
from tiptoe.settings import Settings, SettingsError, load_settings


def settings_in(folder: Path, **more: str) -> Settings:
    return load_settings({"TIPTOE_DATA": str(folder), **more})


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    secret = secret_of(settings)
    assert len(secret) == 64
    assert secret_of(settings) == secret
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]


def test_many_at_once_agree(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: secret_of(settings), range(40)))) == 1


def test_the_setting_wins(tmp_path: Path) -> None:
    assert secret_of(settings_in(tmp_path, TIPTOE_SECRET="a" * 40)) == "a" * 40
    assert not (tmp_path / "secret").exists()


def test_a_file_without_a_secret_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n")
    with pytest.raises(SettingsError, match="holds no secret"):
        secret_of(settings_in(tmp_path))


def test_a_derived_secret_is_stable_and_its_own() -> None:
    assert derived("s", "a") == derived("s", "a")
    assert len({derived("s", "a"), derived("s", "b"), derived("t", "a")}) == 3
