"""What is on disk: representations, results and experiments, complete or not there at all."""

from likewise.store.answers import read_answer, read_answer_table, saved_answers, write_answer
from likewise.store.archives import arrow_files, read_folder
from likewise.store.atomic import check_no_link, write_atomically, write_text
from likewise.store.csv import inert_cell, write_csv
from likewise.store.door import read_json, read_table, write_json, write_table
from likewise.store.files import read_file
from likewise.store.folder import Store
from likewise.store.keys import content_key, file_hash, files_hash
from likewise.store.matrices import Room, dtype_of
from likewise.store.parquet import in_lists, open_parquet, written_out
from likewise.store.partial_rows import Growing, Parts
from likewise.store.places import is_bucket, place_of
from likewise.store.regular import check_size, memory, open_regular, read_regular

__all__ = [
    "Growing",
    "Parts",
    "Room",
    "Store",
    "arrow_files",
    "check_no_link",
    "check_size",
    "content_key",
    "dtype_of",
    "file_hash",
    "files_hash",
    "in_lists",
    "inert_cell",
    "is_bucket",
    "memory",
    "open_parquet",
    "open_regular",
    "place_of",
    "read_answer",
    "read_answer_table",
    "read_file",
    "read_folder",
    "read_json",
    "read_regular",
    "read_table",
    "saved_answers",
    "write_answer",
    "write_atomically",
    "write_csv",
    "write_json",
    "write_table",
    "write_text",
    "written_out",
]
