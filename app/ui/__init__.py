"""The web chat: answers that show where each copied word stands."""
