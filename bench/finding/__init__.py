"""What the benches of retrieval share."""
