"""`holds(column, text)`: whether bytes are within bytes, on both engines."""

from typing import Any

from sqlalchemy import Boolean, LargeBinary, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class holds(FunctionElement[bool]):  # noqa: N801 - a function of SQL
    """Whether the bytes of the first argument hold those of the second."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Any, text: bytes) -> None:
        super().__init__(column, literal(text, LargeBinary))


@compiles(holds, "sqlite")
def _instr(element: holds, compiler: Any, **options: Any) -> str:
    column, text = (compiler.process(clause, **options) for clause in element.clauses)
    return f"instr({column}, {text}) > 0"


@compiles(holds, "postgresql")
def _position(element: holds, compiler: Any, **options: Any) -> str:
    column, text = (compiler.process(clause, **options) for clause in element.clauses)
    return f"position({text} IN {column}) > 0"
