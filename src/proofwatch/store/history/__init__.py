"""History: the tables that grow with time. Months that are over leave the database as objects (ADR 23).

base      the tables, and months
rows      rows as lines of JSON, as Parquet, and back
staying   which rows the present needs
archive   a month leaves: object, entry and partition first, then the rows
bring     a month comes back, for as long as it is needed
absent    what is not here, for whoever reads a period
asking    one SELECT over what is here and what is away
entries   what the log says about partitions
verify    partitions against the log and their objects
manifests rows against the manifests of their sweeps
numbering no key is given twice
"""
