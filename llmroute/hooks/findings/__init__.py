"""What stands in a text that should not: personal data and secrets, found with linear patterns."""
