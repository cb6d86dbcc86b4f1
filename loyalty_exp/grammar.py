"""The ground of the YAML grammar: strict frozen sections, names, words in two languages, predicates."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from loyalty_exp.masking import masked

Language = Literal["en", "zh-CN"]

LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")

_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))]
)


class Section(BaseModel):
    """A section of a spec: frozen, strict about types, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_inf_nan="null")


def _without_password(value: str) -> str:
    if "://" in value and masked(value) != value:
        raise ValueError(
            "holds a password, and a spec is shared, locked and kept; take it out of the address, and set "
            "PGPASSWORD or ~/.pgpass"
        )
    return value


def _printable(value: str) -> str:
    """Refuse what a reader cannot see: control characters, bidirectional overrides, unassigned ones."""
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
            raise ValueError(f"holds the invisible character U+{ord(character):04X}; remove it")
    if value != value.strip():
        raise ValueError("begins or ends with a space; remove it")
    return _without_password(value)


def _portable(value: str) -> str:
    if value.lower() in _WINDOWS_DEVICES:
        raise ValueError(f"'{value}' is a reserved file name on Windows; choose another id")
    return value


Address = Annotated[str, Field(max_length=2000), AfterValidator(_without_password)]
"""Where tables are; never with a password."""

Words = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_printable)]
"""A line of text for readers."""

Label = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_printable)]
"""A name that also occurs in the data, such as an arm or a segment value."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"), AfterValidator(_portable)]
"""An id that becomes part of file names and anchors."""

Column = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_printable)]
"""The name of a column, as the data spell it; always quoted, never pasted, in queries."""

Text = Annotated[
    Words | dict[Language, Words],
    Field(description="Words for the page: one string, or one for each language: {en: ..., zh-CN: ...}."),
]


def in_language(text: str | dict[Language, str] | None, language: str, default: str = "") -> str:
    """Give the words in a language, else in English, else in whichever language there is."""
    if text is None:
        return default
    if isinstance(text, str):
        return text
    for key in (language, "en"):
        if key in text:
            return text[key]
    return next(iter(text.values()), default)


Scalar = bool | int | float | str


class Predicate(Section):
    """A condition on one column, such as ``{field: tier, op: in, value: [silver, gold]}``."""

    field: Column = Field(description="Column of the table.")
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not_in", "is_null", "not_null"] = Field(
        description="How the column is compared; null never satisfies a comparison."
    )
    value: Scalar | list[Scalar] | None = Field(
        default=None, description="A value, or a list for `in` and `not_in`; nothing for `is_null`."
    )

    @model_validator(mode="after")
    def _value_fits_op(self) -> Predicate:
        if self.op in {"in", "not_in"} and not (isinstance(self.value, list) and self.value):
            raise ValueError(f"op '{self.op}' needs a list of values")
        if self.op in {"is_null", "not_null"} and self.value is not None:
            raise ValueError(f"op '{self.op}' takes no value")
        if self.op not in {"in", "not_in", "is_null", "not_null"} and (
            self.value is None or isinstance(self.value, list)
        ):
            raise ValueError(f"op '{self.op}' needs one value")
        return self


def canonical(model: BaseModel) -> dict[str, Any]:
    """Give a section as plain JSON values with every default printed, for hashing and for reading."""
    return model.model_dump(mode="json", by_alias=True)
