"""What each field of an event says about personal data (`photomesh_shared.personal`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic.fields import FieldInfo

from photomesh_shared.events.envelope import Event, EventModel, event_types
from photomesh_shared.personal import Personal

__all__ = ["categories_of", "models_of", "personal_of", "undeclared_fields"]


def models_of(kind: type[EventModel]) -> list[type[EventModel]]:
    """Return an event and all models that are part of it, each once."""
    found = [kind]
    for model in found:  # which grows meanwhile
        parts = (part for field in model.model_fields.values() for part in _models(field.annotation))
        found += [part for part in dict.fromkeys(parts) if part not in found]
    return found


def personal_of(model: type[EventModel]) -> Mapping[str, Personal | None]:
    """Return what each field says; None if it says nothing. Fields that are models are left out: their own fields
    speak for them."""
    fields = model.model_fields.items()
    return {name: _declared(field) for name, field in fields if not any(_models(field.annotation))}


def categories_of(model: type[EventModel], name: str) -> list[Personal]:
    """Return what personal data a field and its parts hold."""
    said = personal_of(model)
    parts = [said[name]] if name in said else _said_by_parts(model.model_fields[name])
    return list(dict.fromkeys(personal for personal in parts if personal is not None and personal.is_personal))


def _said_by_parts(field: FieldInfo) -> Iterator[Personal | None]:
    for part in _models(field.annotation):
        for model in models_of(part):
            yield from personal_of(model).values()


def undeclared_fields(types: Mapping[str, type[Event]] | None = None) -> list[str]:
    """Return the fields of events that do not say whether they are personal, as `model.field`."""
    kinds = (event_types() if types is None else types).values()
    models = dict.fromkeys(model for kind in kinds for model in models_of(kind))
    return [f"{m.__name__}.{name}" for m in models for name, said in personal_of(m).items() if said is None]


def _declared(field: FieldInfo) -> Personal | None:
    """Return the annotation of the field; without one, that of the values in it, such as ids in a list."""
    inner = (note for note in _notes(field.annotation))
    return next((note for note in (*field.metadata, *inner) if isinstance(note, Personal)), None)


def _notes(annotation: Any) -> Iterator[Any]:
    for part in get_args(annotation):
        yield part
        yield from _notes(part)


def _models(annotation: Any) -> Iterator[type[EventModel]]:
    for part in (annotation, *_notes(annotation)):
        if isinstance(part, type) and issubclass(part, EventModel):
            yield part
