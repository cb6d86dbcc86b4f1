"""The grammar as a JSON Schema (draft-07) for editors, made from the same models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from loyalty_exp.metrics import KINDS
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.program import Program

DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema(kind: Literal["experiment", "observational", "program"]) -> dict[str, Any]:
    """Give the schema of a file: what an editor offers and underlines.

    Checks across sections are not in it; ``validate`` makes them.
    """
    from loyalty_exp.spec.observational import Observational

    models: dict[str, type[BaseModel]] = {
        "experiment": Experiment,
        "observational": Observational,
        "program": Program,
    }
    schema: dict[str, Any] = _draft_07(models[kind].model_json_schema())
    if kind != "program":
        _allow_shorthand(schema)
    return {"$schema": DRAFT, **schema}


def _draft_07(node: Any) -> Any:
    """Rewrite the few words that draft-07 spells otherwise, and leave out what editors do not read."""
    if isinstance(node, list):
        return [_draft_07(item) for item in node]
    if not isinstance(node, dict):
        return node
    new = {
        key: _draft_07(value)
        for key, value in node.items()
        if key != "discriminator" or "mapping" not in value
    }
    if "prefixItems" in new:
        new["items"] = new.pop("prefixItems")
        new["additionalItems"] = False
    if "$ref" in new and len(new) > 1:
        new["allOf"] = [{"$ref": new.pop("$ref")}]
    return new


def _allow_shorthand(schema: dict[str, Any]) -> None:
    """Accept a segment as a word, the program as a path, and a shared metric by `use`."""
    properties, definitions = schema["properties"], schema["$defs"]
    segment = properties["segments"]["items"]
    word = {"type": "string", "pattern": definitions["Segment"]["properties"]["id"]["pattern"]}
    properties["segments"]["items"] = {"anyOf": [word, segment]}
    program = properties["program"]
    described = {k: program.pop(k) for k in ("description", "default") if k in program}
    properties["program"] = {**described, "anyOf": [{"type": "string", "description": "Path."}, program]}
    definitions["UsedMetric"] = _used_metric(definitions)
    metric = properties["metrics"]["items"]
    properties["metrics"]["items"] = {"anyOf": [metric, {"$ref": "#/$defs/UsedMetric"}]}


def _used_metric(definitions: dict[str, Any]) -> dict[str, Any]:
    """Describe ``{use: id, ...}``: any key of a metric, each in any of its forms."""
    keys: dict[str, Any] = {"use": {"type": "string", "description": "Id of a metric of the program file."}}
    for kind in KINDS:
        for key, value in definitions[kind.__name__]["properties"].items():
            forms = keys.setdefault(key, {"anyOf": []})["anyOf"]
            if value not in forms:
                forms.append(value)
    return {
        "type": "object",
        "description": "A metric of the program file, with what is different here.",
        "properties": keys,
        "required": ["use"],
        "additionalProperties": False,
    }
