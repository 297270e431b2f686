"""The API of the catalogue: what everyone reads, and what staff write."""
