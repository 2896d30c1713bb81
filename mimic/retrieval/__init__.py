"""The algorithms behind the sources: arrays in, arrays out, one story a module."""
