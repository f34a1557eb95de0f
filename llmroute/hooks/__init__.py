"""Guardrails and mutators: checks before and after the model, and the engine that runs them."""
