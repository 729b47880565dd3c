"""A chat tokenizer as prompts need it: template text with special tokens, foreign text without.

Wraps a Hugging Face tokenizer. Knows nothing of passages.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from quoth.errors import UnsupportedModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PLAIN_TEMPLATE = (  # for base models, which have no chat template of their own
    "{% for message in messages %}{{ message['content'] }}\n\n{% endfor %}Answer:"
)


class ChatTokenizer:
    """Encodes template text and foreign text by different rules.

    Raises:
        UnsupportedModelError: The tokenizer cannot give character offsets.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        if not tokenizer.is_fast:
            raise UnsupportedModelError(
                f"The tokenizer {tokenizer.name_or_path!r} gives no character offsets, which "
                "citations need. Choose a model with a fast tokenizer (tokenizer.json)."
            )
        self._tokenizer = tokenizer
        self._lock = threading.Lock()  # `split_special_tokens` is set on the shared tokenizer

    @property
    def has_template(self) -> bool:
        """Whether the model was made for chats; base models are not."""
        return bool(self._tokenizer.chat_template)

    def encode_template(self, text: str) -> list[int]:
        """Token ids of template text; special tokens count as such."""
        with self._lock:
            encoding = self._tokenizer(text, add_special_tokens=False, split_special_tokens=False)
        return list(encoding["input_ids"])

    def encode_text(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids and character offsets of foreign text; nothing in it is a special token."""
        with self._lock:
            encoding = self._tokenizer(
                text,
                add_special_tokens=False,
                return_offsets_mapping=True,
                split_special_tokens=True,
            )
        return list(encoding["input_ids"]), [
            (int(a), int(b)) for a, b in encoding["offset_mapping"]
        ]

    def count(self, text: str) -> int:
        """How many tokens foreign text takes."""
        return len(self.encode_text(text)[0])

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of token ids, special tokens left out, spaces as they are."""
        text = self._tokenizer.decode(
            list(token_ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)

    def apply_template(self, messages: Sequence[tuple[str, str]]) -> str:
        """Render (role, content) pairs, ready for the assistant to speak."""
        template = None if self.has_template else PLAIN_TEMPLATE
        rendered = self._tokenizer.apply_chat_template(
            [{"role": role, "content": content} for role, content in messages],
            chat_template=template,
            tokenize=False,
            add_generation_prompt=True,
        )
        return str(rendered) if template is None else self._beginning() + str(rendered)

    def _beginning(self) -> str:
        """The begin-of-text token, where the tokenizer itself would put one."""
        first = self._tokenizer("")["input_ids"][:1]
        bos = self._tokenizer.bos_token_id
        return str(self._tokenizer.bos_token) if bos is not None and first == [bos] else ""


def render(tokenizer: ChatTokenizer, messages: Sequence[tuple[str, str]]) -> str:
    """Render the messages; where a template refuses a system role, its text joins the question.

    A template may leave the system message out: quoth-mini's does, since it was trained without.

    Raises:
        UnsupportedModelError: The template refuses the messages or drops the question.
    """
    try:
        rendered = tokenizer.apply_template(messages)
    except TemplateError:
        rendered = _render_without_system(tokenizer, messages)
    if messages[-1][1] not in rendered:
        raise UnsupportedModelError(
            "The model's chat template leaves out the user's message. Choose another model with "
            "--model."
        )
    return rendered


def _render_without_system(tokenizer: ChatTokenizer, messages: Sequence[tuple[str, str]]) -> str:
    system = [content for role, content in messages if role == "system"]
    others = [message for message in messages if message[0] != "system"]
    role, content = others[0]
    try:
        return tokenizer.apply_template([(role, "\n\n".join([*system, content])), *others[1:]])
    except TemplateError as error:
        raise UnsupportedModelError(
            f"The model's chat template refuses the conversation: {error}. Choose another model "
            "with --model."
        ) from error
