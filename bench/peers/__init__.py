"""Other people's ways to draft without a model, behind Quoth's `Drafter`, for comparison only."""
