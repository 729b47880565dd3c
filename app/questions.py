"""What a question must be like before any work is done on it."""

from quoth.errors import InputError


def check_question(question: str, max_chars: int) -> str:
    """The question without space around it.

    Raises:
        InputError: It is empty or has more than `max_chars` characters.
    """
    question = question.strip()
    if not question:
        raise InputError("The question is empty. Write what you want to know.")
    if len(question) > max_chars:
        raise InputError(
            f"The question has {len(question)} characters; at most {max_chars} are allowed. "
            "Shorten it, or raise max_question_chars in the settings."
        )
    return question
