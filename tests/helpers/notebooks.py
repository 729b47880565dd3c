"""Jupyter notebooks made for tests."""

import json


def make_notebook(*cells: tuple[str, str], outputs: list[dict[str, object]] | None = None) -> bytes:
    """A notebook of (kind, source); every code cell has `outputs`."""
    made = [
        {"cell_type": kind, "source": source.splitlines(keepends=True), "metadata": {}}
        | ({"outputs": outputs or [], "execution_count": 1} if kind == "code" else {})
        for kind, source in cells
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}).encode()
