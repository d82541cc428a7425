"""Raw files of publishers, of dependencies and of a city: found, fetched and read into tables."""
