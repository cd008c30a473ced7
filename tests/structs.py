"""Any value of any struct: Hypothesis strategies made from a message's annotations."""

import enum
import inspect
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as mi

WHOLE = st.integers(-(2**53), 2**53)
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=8)
LONGEST = 3


@cache
def instances(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Return values of a struct, every field drawn from what its type allows."""
    return _of(mi.type_info(kind))


def structs_in(*modules: Any) -> list[type[msgspec.Struct]]:
    """Return the structs these modules define, in the order of their names."""
    found = {
        member
        for module in modules
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, msgspec.Struct)
        and member.__module__ == module.__name__
    }
    return sorted(found, key=lambda struct: struct.__name__)


def _of(info: mi.Type) -> st.SearchStrategy[Any]:
    drawn = _PLAIN.get(type(info))
    match info:
        case mi.StructType(cls=cls, fields=fields):
            drawn = st.builds(cls, **{field.name: _of(field.type) for field in fields})
        case mi.UnionType(types=types):
            drawn = st.one_of(*(_of(each) for each in types))
        case mi.TupleType(item_types=types):
            drawn = st.tuples(*(_of(each) for each in types))
        case mi.VarTupleType(item_type=item):
            drawn = st.lists(_of(item), max_size=LONGEST).map(tuple)
        case mi.EnumType(cls=cls):
            members: type[enum.Enum] = cls
            drawn = st.sampled_from(list(members))
        case _:
            pass
    assert drawn is not None, f"no strategy for {info}"
    return drawn


_PLAIN: dict[type[mi.Type], st.SearchStrategy[Any]] = {
    mi.IntType: WHOLE,
    mi.StrType: TEXT,
    mi.BoolType: st.booleans(),
    mi.NoneType: st.none(),
}
