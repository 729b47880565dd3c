"""Training of quoth-mini, the embedded model that answers by quoting."""

from __future__ import annotations

from quoth.decoding.training.mini import TrainingReport, train_mini
from quoth.decoding.training.phases import Progress
from quoth.decoding.training.ranking import PassageRanker
from quoth.decoding.training.recipe import MiniRecipe

__all__ = ["MiniRecipe", "PassageRanker", "Progress", "TrainingReport", "train_mini"]
