"""Which section of the grammar a path of the document belongs to."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from loyalty_exp.spec.place import Path


def at(root: Any, path: Path) -> Any:
    """Give the value at a path of plain data; None when there is none."""
    for part in path:
        here = part in root if isinstance(root, dict) else isinstance(root, list) and part in range(len(root))
        if here:
            root = root[part]
        else:
            return None
    return root


def sections(model: type[BaseModel], path: Path, data: Any) -> tuple[type[BaseModel], ...]:
    """Find the sections that may stand at a path, given what the author wrote on the way."""
    annotation: Any = model
    for depth, part in enumerate(path):
        raw = at(data, path[:depth])
        steps = [step for alternative in _alternatives(annotation) for step in _step(alternative, part, raw)]
        if not steps:
            return ()
        annotation = Union[tuple(steps)]  # noqa: UP007
    raw = at(data, path)
    return tuple(a for a in _alternatives(annotation) if _is_section(a) and _fits(a, raw))


def kinds(model: type[BaseModel], path: Path, data: Any) -> list[str]:
    """Give the values of ``type`` that may stand at a path."""
    found = sections(model, path, data if at(data, path) is None else _without_type(data, path))
    return [get_args(s.model_fields["type"].annotation)[0] for s in found if "type" in s.model_fields]


def _without_type(data: Any, path: Path) -> Any:
    if not path:
        return {k: v for k, v in data.items() if k != "type"} if isinstance(data, dict) else data
    if isinstance(data, list):
        return [_without_type(v, path[1:]) if i == path[0] else v for i, v in enumerate(data)]
    return {k: _without_type(v, path[1:]) if k == path[0] else v for k, v in data.items()}


def keys_of(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give the fields of a section by the keys that an author writes: `from`, not `from_`."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        for part in get_args(annotation):
            yield from _alternatives(part)
    else:
        yield annotation


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fits(section: type[BaseModel], raw: Any) -> bool:
    field = section.model_fields.get("type")
    if field is None or get_origin(field.annotation) is not Literal:
        return True
    return not (isinstance(raw, dict) and "type" in raw) or raw["type"] in get_args(field.annotation)


def _step(annotation: Any, part: str | int, raw: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        keys = keys_of(annotation)
        known = isinstance(raw, dict) and part in keys and _fits(annotation, raw)
        return [keys[str(part)].annotation] if known else []
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {tuple, list} and isinstance(part, int) and arguments:
        return [arguments[0]]
    if origin is dict and isinstance(part, str):
        return [arguments[1]]
    return []
