"""No test lives here: the lab's modules need programs and packages of their own."""

collect_ignore_glob = ["*.py", "services/*.py"]
