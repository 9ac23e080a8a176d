"""What a row of the table ``orders`` must be."""

from datetime import datetime

from pydantic import BaseModel, Field


class Order(BaseModel):
    """An order of the shop."""

    id: int
    item: str = Field(min_length=1)
    price: float = Field(ge=0)
    placed_at: datetime
