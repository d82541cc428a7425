"""What all cities of a country share, computed once an edition: indicators, scores, their course, areas."""
