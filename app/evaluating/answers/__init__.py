"""How well questions are answered: files of questions, verdicts on answers, their figures."""
