"""Tables as files: CSV, Parquet and Arrow streams, made piece by piece. Pure: columns of values in, bytes out."""
