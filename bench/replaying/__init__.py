"""Recorded answers, decoded again with every method: what `bench/replay.py` is made of."""
