"""The stages of a diagnosis: each takes a territory and what its country knows, and gives tables and figures."""
