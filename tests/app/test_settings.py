"""Settings come from file, environment and caller, and a mistake in any of them is told."""

from pathlib import Path

import pytest

from quoth.app.settings import Settings, default_index_path, home_dir, load_settings
from quoth.errors import ConfigError


def test_later_sources_win(tmp_path):
    file = tmp_path / "quoth.toml"
    file.write_text('model = "from-file"\nseed = 1\nnum_passages = 7\n', encoding="utf-8")
    settings = load_settings(
        {"seed": 3, "device": None},
        file=file,
        environ={"QUOTH_SEED": "2", "QUOTH_NUM_PASSAGES": "5", "OTHER": "x"},
    )
    assert (settings.model, settings.seed, settings.num_passages) == ("from-file", 3, 5)
    assert settings.device == "auto"


def test_an_unknown_variable_is_named():
    with pytest.raises(ConfigError, match="'num_passage'"):
        load_settings(environ={"QUOTH_NUM_PASSAGE": "5"})


def test_variables_that_are_no_settings_are_left_alone():
    environ = {"QUOTH_HOME": "/somewhere", "QUOTH_PORT": "80", "PATH": "/bin"}
    assert load_settings(environ=environ).model == "quoth-mini"


def test_an_index_named_anywhere_wins_over_that_of_the_documents(tmp_path):
    documents = [tmp_path]
    assert load_settings(documents=documents, environ={}).index_path == default_index_path(
        documents
    )
    named = load_settings(documents=documents, environ={"QUOTH_INDEX_PATH": "~/mine"})
    assert named.index_path == Path("~/mine").expanduser()


def test_an_unknown_key_is_named_with_the_known_ones(tmp_path):
    file = tmp_path / "quoth.toml"
    file.write_text("modle = 'x'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'modle'.*model"):
        load_settings(file=file, environ={})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("top_p", 0),
        ("top_p", 1.5),
        ("num_passages", 0),
        ("seed", "many"),
        ("seed", -1),
        ("drafting", "magic"),
        ("temperature", "nan"),
    ],
)
def test_a_bad_value_is_named(name, value):
    with pytest.raises(ConfigError, match=rf"{name}.*{value}"):
        load_settings({name: value}, environ={})


def test_a_broken_file_is_named(tmp_path):
    file = tmp_path / "quoth.toml"
    file.write_text("model = ", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"quoth\.toml"):
        load_settings(file=file, environ={})


def test_settings_made_by_hand_are_checked_too():
    with pytest.raises(ConfigError, match="max_new_tokens is 0"):
        Settings(index_path=Path("x"), max_new_tokens=0)


def test_the_index_of_a_set_of_paths_does_not_depend_on_their_order(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert default_index_path([one, two]) == default_index_path([two, one, one])
    assert default_index_path([one]) != default_index_path([two])
    assert default_index_path([one]).parent == home_dir() / "indexes"


def test_the_home_folder_follows_the_environment(tmp_path):
    assert home_dir({"QUOTH_HOME": str(tmp_path)}) == tmp_path
    assert home_dir({"XDG_DATA_HOME": str(tmp_path)}) == tmp_path / "quoth"
