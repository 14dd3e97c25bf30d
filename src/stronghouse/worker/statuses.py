"""How ClickHouse's HTTP interface answers: a status for each error code, a content type for each format."""

from http import HTTPStatus

_STATUSES: dict[HTTPStatus, tuple[int, ...]] = {
    HTTPStatus.UNAUTHORIZED: (194,),
    HTTPStatus.FORBIDDEN: (192, 193, 497, 512, 516),
    HTTPStatus.BAD_REQUEST: (
        # arguments, text that cannot be parsed
        *(36, 427, 6, 25, 26, 38, 41, 72, 441, 675, 676, 27, 376),
        # columns, statements, data of another type
        *(15, 44, 37, 123, 8, 167, 168, 223, 62, 117, 53, 321),
    ),
    HTTPStatus.NOT_FOUND: (60, 46, 47, 50, 56, 81, 115, 152, 63, 73, 336, 78, 511),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (229,),
    HTTPStatus.NOT_IMPLEMENTED: (48,),
    HTTPStatus.SERVICE_UNAVAILABLE: (76, 209, 439),
    HTTPStatus.LENGTH_REQUIRED: (381,),
    HTTPStatus.REQUEST_TIMEOUT: (159,),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (779,),
}
_BY_CODE = {code: status for status, codes in _STATUSES.items() for code in codes}

_CONTENT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "CSVWithNamesAndTypes": "text/csv; charset=UTF-8; header=present",
    "XML": "application/xml; charset=UTF-8",
    "Native": "application/octet-stream",
    "Parquet": "application/octet-stream",
    "Arrow": "application/octet-stream",
    "ArrowStream": "application/octet-stream",
    "ORC": "application/octet-stream",
    "Avro": "application/octet-stream",
    "MsgPack": "application/octet-stream",
    "Protobuf": "application/octet-stream",
    "CapnProto": "application/octet-stream",
    "BSONEachRow": "application/octet-stream",
    "Npy": "application/octet-stream",
}
_BY_BEGINNING = (
    ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
    ("TSV", "text/tab-separated-values; charset=UTF-8"),
    ("RowBinary", "application/octet-stream"),
    ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSON", "application/json; charset=UTF-8"),
)


def status_of(code: int) -> HTTPStatus:
    """The HTTP status that ClickHouse gives an error code; 500 for what is not listed."""
    return _BY_CODE.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)


def content_type_of(output_format: str) -> str:
    """The Content-Type that ClickHouse gives a format."""
    exact = _CONTENT_TYPES.get(output_format)
    if exact is not None:
        return exact
    return next(
        (content_type for beginning, content_type in _BY_BEGINNING if output_format.startswith(beginning)),
        "text/plain; charset=UTF-8",
    )
