"""The city's own files: opened, understood, checked against persons and errors, and explained to who made them."""
