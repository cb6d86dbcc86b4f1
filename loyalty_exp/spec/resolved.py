"""A spec with every default printed, which reads again to the same hash."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from loyalty_exp.grammar import canonical
from loyalty_exp.spec.scalars import ambiguity, meaning

if TYPE_CHECKING:
    from loyalty_exp.spec.experiment import Experiment
    from loyalty_exp.spec.observational import Observational
    from loyalty_exp.spec.program import Program


class _NullInWords(RoundTripRepresenter):
    """Writes an absent value as ``null`` rather than as nothing."""


_NullInWords.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


def resolved_yaml(spec: Experiment | Observational | Program) -> str:
    """Write a spec or a program file out in full: defaults, shared metrics and prices in their places."""
    yaml = YAML(typ="rt")
    yaml.Representer = _NullInWords
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    yaml.dump(_quoted(canonical(spec)), text)
    return text.getvalue()


def _quoted(value: Any) -> Any:
    """Quote text that would be read as something else without quotes."""
    if isinstance(value, dict):
        return {_quoted(k): _quoted(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_quoted(v) for v in value]
    if isinstance(value, str) and (ambiguity(value) or not isinstance(meaning(value), str) or value == "<<"):
        return DoubleQuotedScalarString(value)
    return value
