"""Results: OpenAI's names as typed objects, and the route that led to them."""
