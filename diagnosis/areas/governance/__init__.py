"""Proposed governance areas: feasible one by one, optimal together, with a bound that says how far from optimal."""
