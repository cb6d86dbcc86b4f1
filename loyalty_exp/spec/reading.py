"""One pass over the events of a YAML document: anchors, tags and depth are refused before anything grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from loyalty_exp.errors import SpecError
from loyalty_exp.spec.document import Document
from loyalty_exp.spec.place import Path, Place
from loyalty_exp.spec.scalars import ambiguity, meaning

DEEPEST = 40
"""Levels of nesting; the grammar needs about ten."""

MOST = 50_000
"""Values in one file."""

_KEYS_OF_THE_GRAMMAR = frozenset(["on"])
"""Keys that YAML 1.1 reads as a truth value and that the grammar itself uses: `decision.next_steps[].on`."""


class Reading:
    """One pass over the events of a document."""

    def __init__(self, document: Document, events: Iterator[Event]) -> None:
        self.document = document
        self.events = events
        self.values = 0

    def whole(self) -> None:
        """Read the stream: one document, a mapping at its root."""
        event = next(self.events)
        if isinstance(event, StreamStartEvent):
            event = next(self.events)
        if isinstance(event, StreamEndEvent):
            raise self.stop((), (0, 0), "the file is empty", "begin with: experiment: my_experiment")
        if isinstance(event, DocumentStartEvent):
            if event.version or event.tags:
                at = (next((i for i, s in enumerate(self.document.lines) if s[:1] == "%"), 0), 0)
                raise self.stop((), at, "directives such as %YAML are not read", "remove the line")
            event = next(self.events)
        if not isinstance(event, MappingStartEvent):
            at = _start(event)
            if isinstance(event, ScalarEvent) and not event.value and event.style is None:
                raise self.stop((), at, "the file is empty", "begin with: experiment: my_experiment")
            self.plain_only((), event)
            raise self.stop((), at, "the file must hold keys at its first level", "write key: value")
        self.document.places[()] = Place(None, _start(event), False)
        self.document.data = self.value((), event, 0)
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                raise self.stop((), _start(event), "a second document begins here", "keep one document")
            assert isinstance(event, (DocumentEndEvent, StreamEndEvent))

    def stop(self, path: Path, at: tuple[int, int], message: str, hint: str) -> SpecError:
        """End the reading with what was found so far."""
        return SpecError((*self.document.found, self.document.problem(path, at, message, hint)))

    def note(self, path: Path, at: tuple[int, int], message: str, hint: str) -> None:
        """Keep a problem and read on."""
        self.document.problems.append((path, self.document.problem(path, at, message, hint)))

    def plain_only(self, path: Path, event: Event) -> None:
        """Refuse anchors, aliases and tags."""
        if isinstance(event, AliasEvent):
            raise self.stop(path, _start(event), f"the alias *{event.anchor} is not read", "write it again")
        if anchor := getattr(event, "anchor", None):
            raise self.stop(path, _start(event), f"the anchor &{anchor} is not read", "remove it")
        if tag := getattr(event, "tag", None):
            name = str(tag).replace("tag:yaml.org,2002:", "!!")[:60]
            raise self.stop(path, _start(event), f"the tag {name} is not read", "remove it")

    def value(self, path: Path, event: Event, depth: int) -> Any:
        """Read one value, whatever it is."""
        self.plain_only(path, event)
        self.values += 1
        if self.values > MOST:
            raise self.stop((), _start(event), f"more than {MOST:,} values", "name a table; do not paste it")
        if depth > DEEPEST:
            raise self.stop((), _start(event), f"more than {DEEPEST} levels of nesting", "remove brackets")
        if isinstance(event, MappingStartEvent):
            return self.mapping(path, depth)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(path, depth)
        assert isinstance(event, ScalarEvent)
        return self.scalar(path, event)

    def scalar(self, path: Path, event: ScalarEvent) -> Any:
        """Read one scalar; an unclear one becomes text, and a problem."""
        word = event.value
        if not event.implicit[0]:
            if odd := next((c for c in word if c == "\0" or "\ud800" <= c <= "\udfff"), None):
                self.note(path, _start(event), f"holds the invisible character U+{ord(odd):04X}", "remove it")
                return word.encode("utf-8", "replace").decode().replace("\0", "?")
            return word
        if unclear := ambiguity(word):
            self.note(path, _start(event), *unclear)
            return word
        return meaning(word)

    def sequence(self, path: Path, depth: int) -> list[Any]:
        """Read a list."""
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            inner = (*path, len(items))
            self.document.places[inner] = Place(None, _start(event), False)
            items.append(self.value(inner, event, depth + 1))
        return items

    def mapping(self, path: Path, depth: int) -> dict[str, Any]:
        """Read a mapping; keys are text and stand once."""
        mapping: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            self.plain_only(path, event)
            key = self.key(path, event)
            inner, at = (*path, key), _start(event)
            value = next(self.events)
            if key in mapping and inner in self.document.places:
                first = (self.document.places[inner].key or at)[0] + 1
                self.note(inner, at, f"key '{key[:60]}' is there twice, first in line {first}", "keep one")
                self.value((*path, f"{key} again"), value, depth + 1)
                continue
            block = isinstance(value, (MappingStartEvent, SequenceStartEvent)) and not value.flow_style
            empty = isinstance(value, ScalarEvent) and not value.value and value.implicit[0]
            self.document.places[inner] = Place(at, at if block or empty else _start(value), True)
            mapping[key] = self.value(inner, value, depth + 1)
        return mapping

    def key(self, path: Path, event: Event) -> str:
        """Read a key."""
        if not isinstance(event, ScalarEvent):
            raise self.stop(path, _start(event), "a list or mapping cannot be a key", "check the brackets")
        word: str = event.value
        at = _start(event)
        if event.implicit[0]:
            if word == "<<":
                raise self.stop(path, at, "the merge key << is not read", "write the keys again")
            inner = (*path, word)
            if unclear := ambiguity(word):
                if not (word in _KEYS_OF_THE_GRAMMAR and "next_steps" in path):
                    self.note(inner, at, *unclear)
            elif not isinstance(meaning(word), str):
                self.note(inner, at, f"the key {word or '(empty)'} is not text", f"quote it: '{word}'")
        elif any("\ud800" <= c <= "\udfff" for c in word):
            raise self.stop(path, at, "a key holds an invisible character", "remove it")
        return word


def _start(event: Event) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line, mark.column
