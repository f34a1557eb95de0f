"""Guardrail services of other companies: one row each, and one check that is built from a row."""
