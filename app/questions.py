"""What a question must be like before any work is done on it."""

from quoth.errors import InputError


def check_question(question: str, max_chars: int) -> str:
    """The question without space around it.

    Raises:
        InputError: It is empty, has more than `max_chars` characters, or is not text: half of a
            surrogate pair, which is how bytes that are no UTF-8 arrive from a command line.
    """
    question = question.strip()
    if not question:
        raise InputError("The question is empty. Write what you want to know.")
    if any("\ud800" <= char <= "\udfff" for char in question):
        raise InputError("The question is not text: some of its bytes are no UTF-8. Type it anew.")
    if len(question) > max_chars:
        raise InputError(
            f"The question has {len(question)} characters; at most {max_chars} are allowed. "
            "Shorten it, or raise max_question_chars in the settings."
        )
    return question
