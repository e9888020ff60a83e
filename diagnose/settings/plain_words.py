"""What is wrong with a value, in the words of the file that it stands in and not in Python's."""

from typing import Final

from pydantic_core import ErrorDetails

MAPPING: Final = "Input should be keys with their values, one below the other"
LIST: Final = "Input should be a list, as in [one, two]"
WHOLE: Final = "Input should be a whole number"
NUMBER: Final = "Input should be a number"
YES_NO: Final = "Input should be true or false"
TEXT: Final = "Input should be text"
# By the type of pydantic's error; what is not here says it plainly already.
WORDS: Final = {
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), MAPPING),
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), LIST),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), WHOLE),
    **dict.fromkeys(("float_type", "float_parsing"), NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), YES_NO),
    "string_type": TEXT,
    "path_type": "Input should be a path",
}


def plain(error: ErrorDetails) -> str:
    """Return what one of pydantic's errors says."""
    return WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
