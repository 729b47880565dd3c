"""Corpora and questions that quoth-mini has never been trained on, made from data given by path."""
