"""Areas that a city and its territory could run together: networks, proposals, alternatives, for each function."""
