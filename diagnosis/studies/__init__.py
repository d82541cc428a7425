"""What a notebook or the command line opens: a city, its choice of areas, an index, areas from own flows."""
