"""Fitting on a site's own data: resumable, and each run leaves a card."""
