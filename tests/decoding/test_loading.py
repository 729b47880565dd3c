"""Models are loaded by name or path, or it is said why not."""

import pytest
import torch

from helpers.byte_tokenizers import trained_tokenizer
from helpers.tiny_model import tiny_gpt2, tiny_llama
from quoth.decoding import Decoder
from quoth.decoding.models import packaged_model_path, packaged_names
from quoth.errors import ConfigError, ModelLoadError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiny_llama().save_pretrained(folder)
    trained_tokenizer(["a b c"], size=260).save_pretrained(folder)
    return folder


def test_a_folder_is_loaded_quietly_and_ready_to_decode(folder, capfd):
    decoder = Decoder.from_pretrained(folder)
    assert capfd.readouterr() == ("", "")
    assert decoder.max_length == 256
    assert decoder.model.dtype == (torch.bfloat16 if torch.cuda.is_available() else torch.float32)
    assert decoder.model.config._attn_implementation == "eager"
    assert not decoder.model.training
    assert decoder.tokenizer.decode(decoder.tokenizer("a b").input_ids) == "a b"
    expected = Decoder(tiny_llama()).generate([1, 2, 3], max_new_tokens=20)
    on_cpu = Decoder.from_pretrained(str(folder), device="cpu", dtype="float32")
    assert on_cpu.generate([1, 2, 3], max_new_tokens=20).token_ids == expected.token_ids


def test_a_dtype_can_be_chosen(folder):
    decoder = Decoder.from_pretrained(folder, device="cpu", dtype="bfloat16")
    assert decoder.model.dtype == torch.bfloat16
    plain = decoder.generate([1, 2, 3], max_new_tokens=30, drafting="none")
    assert len(plain.token_ids) == 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "abacus"}, "no device 'abacus'"),
        ({"dtype": "float33"}, "no dtype 'float33'"),
        ({"dtype": "int64"}, "no dtype 'int64'"),
        ({"dtype": torch.float32}, r"no dtype torch\.float32\. Use auto, float32"),
    ],
)
def test_unknown_devices_and_dtypes_are_named(folder, options, message):
    with pytest.raises(ConfigError, match=message):
        Decoder.from_pretrained(folder, **options)


def test_a_device_that_is_not_there_is_named(folder):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match="'cuda:0' is not available"):
        Decoder.from_pretrained(folder, device="cuda:0")


def test_a_model_that_is_not_there_is_named_with_a_remedy(tmp_path):
    for name in (str(tmp_path / "nothing"), "nobody/nothing"):
        with pytest.raises(ModelLoadError, match=r"could not be loaded.*quoth-mini") as caught:
            Decoder.from_pretrained(name)
        assert name in str(caught.value)


def test_a_damaged_folder_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelLoadError, match="could not be loaded"):
        Decoder.from_pretrained(tmp_path)


def test_damaged_weights_are_named(folder, tmp_path):
    for path in folder.iterdir():
        content = path.read_bytes()
        is_weights = path.suffix == ".safetensors"
        (tmp_path / path.name).write_bytes(content[: len(content) // 2] if is_weights else content)
    with pytest.raises(ModelLoadError, match="could not be loaded"):
        Decoder.from_pretrained(tmp_path)


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    tiny_gpt2().save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match="could not be loaded"):
        Decoder.from_pretrained(tmp_path)


def test_packaged_models_have_a_place():
    assert packaged_names() == ("quoth-mini",)
    assert packaged_model_path("quoth-mini").name == "quoth_mini"
    with pytest.raises(ConfigError, match="no packaged model 'quoth-maxi'"):
        packaged_model_path("quoth-maxi")
