"""What several checks share: reading parameters, reading texts, and telling what was found."""
