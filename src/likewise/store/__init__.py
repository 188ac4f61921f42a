"""What is on disk: representations, results and experiments, complete or not there at all."""

from likewise.store.archives import arrow_files, read_folder
from likewise.store.atomic import write_atomically, write_text
from likewise.store.csv import inert_cell, write_csv
from likewise.store.files import read_file
from likewise.store.growing import Growing, Parts
from likewise.store.keys import content_key, file_hash, files_hash
from likewise.store.store import Store

__all__ = [
    "Growing",
    "Parts",
    "Store",
    "arrow_files",
    "content_key",
    "file_hash",
    "files_hash",
    "inert_cell",
    "read_file",
    "read_folder",
    "write_atomically",
    "write_csv",
    "write_text",
]
