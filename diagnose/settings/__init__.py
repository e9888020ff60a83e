"""The sections of the settings file, each checked as it is read."""
