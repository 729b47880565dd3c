"""Documents whose every paragraph says which document and version it is of."""

WORDS = ("raven", "river", "stone", "harbour", "winter")


def text_of(number: int, version: int) -> str:
    """The text of version `version` of document `number`."""
    words = (WORDS[(number + version + place) % len(WORDS)] for place in range(12))
    return "\n\n".join(
        f"d{number}v{version} says of the {word} that number {place} is {place * version}."
        for place, word in enumerate(words)
    )
