"""An after validator that takes class, model and information checks the model, as before pydantic 2.12."""

from pydantic import BaseModel, model_validator


class Range(BaseModel):
    low: int
    high: int

    @model_validator(mode="after")
    def ordered(cls, model, info):  # noqa: ARG002, N805 - this signature is what is asked about
        if model.low > model.high:
            raise ValueError("low is above high")
        return model


print(Range(low=1, high=2))
