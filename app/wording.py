"""Words that the terminal and the page say alike."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 page`, `1,204 pages`; `plural` is said where an s is not enough: `2 passes`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
