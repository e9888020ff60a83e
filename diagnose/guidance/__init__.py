"""Runbooks, when they apply, and the words in which they are told."""
