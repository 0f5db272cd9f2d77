"""What is answered over HTTP."""

from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class View(BaseModel):
    """Made from an object of the domain; its names are camelCase on the wire."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(serialization_alias=to_camel), from_attributes=True
    )
