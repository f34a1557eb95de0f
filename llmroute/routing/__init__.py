"""Strategies: the nodes that choose among targets, and the function that puts a plan together."""
