"""The lab's own modules are programs, not tests, and need programs and packages of their own."""

collect_ignore_glob = ["[!t]*.py", "services/*.py"]
