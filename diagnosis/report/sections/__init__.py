"""The sections of the report, one module each: from the tables of a diagnosis to blocks."""
