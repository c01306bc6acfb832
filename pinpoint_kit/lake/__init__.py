"""Files of events beside the store: written from it, and asked by DuckDB or Spark.

`export_lake` brings a folder of Parquet files up to the present of a store, persons who were
removed included; `open_lake` answers every verb of `pinpoint.analytics` from them. What a number
means stands in metrics/. DuckDB and Spark are imported here only, and when they are used.
"""

from pinpoint_kit.lake.exporting import ExportProgress, ExportReport, export_lake
from pinpoint_kit.lake.lake import Lake, open_lake
from pinpoint_kit.lake.tables import tables_sql

__all__ = [
    "ExportProgress",
    "ExportReport",
    "Lake",
    "export_lake",
    "open_lake",
    "tables_sql",
]
