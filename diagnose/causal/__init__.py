"""What the judges are made of: tests, mechanisms, who acts on whom. None of it knows DoWhy."""
