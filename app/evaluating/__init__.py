"""How well passages are found: measures, files of judged questions, and runs over an index."""
