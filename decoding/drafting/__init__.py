"""Drafters: they guess tokens from token history and references, and see nothing else."""
